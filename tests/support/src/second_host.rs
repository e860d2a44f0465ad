//! A second host of a Gantry: a network namespace with a cable to that of the test, and an agent in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::gantry::Gantry;

/// Of the first host, as `.config/own-network.sh` gives it.
const FIRST_ADDRESS: &str = "198.51.100.1";
/// Its own, in the same network.
const ADDRESS: &str = "198.51.100.2";

/// A host with an agent that runs; both go when it is dropped.
pub struct SecondHost {
    binary: PathBuf,
    folder: TempDir,
    /// Lives in the network namespace until its input is closed.
    keeper: Child,
    agent: Option<Child>,
}

impl SecondHost {
    /// Joins a Gantry through a tunnel from its loopback to the other one's.
    ///
    /// # Errors
    /// No namespace or cable can be made, or the program cannot be run.
    pub fn join(gantry: &Gantry, binary: &Path, image: &Path) -> Result<Self> {
        let mut host = Self {
            binary: binary.to_owned(),
            folder: tempfile::Builder::new().prefix("gantry-").tempdir()?,
            keeper: keeper()?,
            agent: None,
        };
        host.lay_cable()?;
        let endpoint = host.lay_tunnel(gantry.endpoint().trim_start_matches("http://").parse()?)?;
        host.agent = Some(host.start_agent(gantry, endpoint)?);
        let load = ["image", "load", &image.display().to_string()].map(str::to_owned);
        host.command(&load.each_ref().map(String::as_str))?;
        Ok(host)
    }

    /// A command on its data directory.
    ///
    /// # Errors
    /// It fails; what it wrote is part of the error.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.inside(&self.binary);
        let output = command.args(arguments).arg("--data-dir").arg(self.data_dir());
        let output = output.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gantry {arguments:?}: {errors}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Where its agent keeps what it knows.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The network links that it has by itself.
    pub fn without_tasks() -> BTreeSet<String> {
        ["lo", "cable"].map(str::to_owned).into()
    }

    /// Names of its network links.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn links(&self) -> Result<BTreeSet<String>> {
        let mut list = self.inside(Path::new("ip"));
        let output = list.args(["-brief", "link"]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let names = text.lines().filter_map(|it| it.split([' ', '@']).next());
        Ok(names.map(str::to_owned).collect())
    }

    /// What its agent wrote.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("agent.log")
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.keeper.id())
    }

    /// A program on this host.
    fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace())).arg(program);
        command
    }

    fn lay_cable(&self) -> Result<()> {
        let own = format!(
            "ip link add cable type veth peer name cable netns {} && ip link set cable up && \
             ip route add {ADDRESS} dev cable src {FIRST_ADDRESS}",
            self.keeper.id()
        );
        let others = format!(
            "ip link set lo up && ip link set cable up && ip address add {ADDRESS}/24 dev cable && \
             ip route add default dev cable"
        );
        let mut here = Command::new("sh");
        for (shell, script) in [(&mut here, own), (&mut self.inside(Path::new("sh")), others)] {
            let status = shell.args(["-c", &script]).status()?;
            ensure!(status.success(), "{script}: {status}");
        }
        Ok(())
    }

    /// Leads a port of its loopback to an address of the first host, as SSH would; gives the port's address.
    fn lay_tunnel(&self, to: SocketAddr) -> Result<SocketAddr> {
        let namespace = File::open(self.namespace())?;
        // A socket stays where it was made.
        let listening = thread::spawn(move || -> Result<TcpListener> {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?)
        });
        let listener = listening.join().map_err(|_| anyhow::anyhow!("it panicked"))??;
        let near = listener.local_addr()?;
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A connection that ends early is told as such to its client, which tries again.
                thread::spawn(move || relay(&near, to));
            }
        });
        Ok(near)
    }

    fn start_agent(&self, gantry: &Gantry, endpoint: SocketAddr) -> Result<Child> {
        let log = File::create(self.log())?;
        let mut command = self.inside(&self.binary);
        command.args(["agent", "--endpoint", &format!("http://{endpoint}"), "--data-dir"]);
        command.arg(self.data_dir());
        for line in gantry.command(&["env", "--agent"])?.lines() {
            let (name, value) = { line.trim_start_matches("export ").split_once('=') }.context("no value")?;
            if name != "AWS_ENDPOINT_URL" {
                command.env(name, value.trim_matches('\''));
            }
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().context("cannot run the agent")
    }
}

impl Drop for SecondHost {
    fn drop(&mut self) {
        let down = self.command(&["down", "--network"]);
        if let Some(mut agent) = self.agent.take() {
            if down.is_err() {
                drop(agent.kill());
            }
            drop(agent.wait());
        }
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
        if thread::panicking() {
            eprintln!("--- agent of the second host\n{}", self.output());
        }
    }
}

/// A process in a network namespace of its own.
fn keeper() -> Result<Child> {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "echo here; exec cat"]);
    let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    let out = keeper.stdout.take().context("no output")?;
    BufReader::new(out).read_line(&mut said)?;
    ensure!(said == "here\n", "no network namespace: {said}");
    Ok(keeper)
}

/// Carries bytes both ways until each end has said all.
fn relay(near: &TcpStream, to: SocketAddr) -> io::Result<()> {
    let far = TcpStream::connect(to)?;
    thread::scope(|scope| {
        scope.spawn(|| carry(near, &far));
        carry(&far, near)
    })
}

fn carry(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    io::copy(&mut from, &mut to)?;
    to.shutdown(Shutdown::Write)
}
