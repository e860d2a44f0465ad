//! The name servers: how each is built or installed, configured and started, and that each ends with the measurement.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Load, Transport};
use crate::bench::process;
use crate::install::{self, run, say};

/// How long a server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks at whether it does, or has ended.
const PAUSE: Duration = Duration::from_millis(20);
/// Where the addresses of names begin.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);

/// A name server that runs; dropping it ends it.
pub struct Server {
    /// Its name in tables.
    pub name: &'static str,
    /// Where it answers, over UDP and TCP.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Processor time of all its processes so far.
    pub fn processor_seconds(&self) -> Result<f64> {
        let all = process::family(self.child.id())?;
        all.into_iter().map(process::processor_seconds).sum()
    }

    fn await_answer(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        for transport in [Transport::Udp, Transport::Tcp] {
            loop {
                let mut asked = Load::begin(self.address, transport, 1, 0..1);
                if asked.as_mut().is_ok_and(|it| it.ask(1, true).is_ok()) {
                    break;
                }
                let ended = self.child.try_wait()?;
                ensure!(ended.is_none(), "{} has ended: {ended:?}", self.name);
                ensure!(Instant::now() < end, "{} does not answer", self.name);
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // the servers of NSD end only with a first process that is told to
        let terminated = Command::new("kill").arg(self.child.id().to_string()).status();
        let end = Instant::now() + START_DEADLINE;
        while terminated.is_ok() && Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address of a name.
pub fn address_of(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(FIRST) + number)
}

/// Builds ours, or takes another build that `GANTRY_BENCH_BINARY` names.
pub fn build(root: &Path) -> Result<PathBuf> {
    if let Some(other) = std::env::var_os("GANTRY_BENCH_BINARY") {
        return Ok(PathBuf::from(other));
    }
    say("Building the resolver");
    run(Command::new("cargo").current_dir(root).args([
        "build",
        "--release",
        "--package",
        "dns",
        "--example",
        "one_thread",
    ]))?;
    Ok(install::target_folder(root).join("release/examples/one_thread"))
}

/// Starts ours, and NSD if it can be installed, both on the last processor.
pub fn start(subject: &Path, scratch: &Path, names: u32) -> Result<Vec<Server>> {
    let port = free_port()?;
    let mut command = Command::new(subject);
    command.args([port.to_string(), names.to_string()]);
    let mut servers = vec![begin("Gantry", &command, port, scratch)?];
    let port = free_port()?;
    let nsd = nsd(scratch, port, names).and_then(|it| begin("NSD", &it, port, scratch));
    match nsd {
        Ok(nsd) => servers.push(nsd),
        Err(error) => println!("no NSD to compare with: {error:#}"),
    }
    Ok(servers)
}

fn begin(name: &'static str, command: &Command, port: u16, scratch: &Path) -> Result<Server> {
    let log_file = scratch.join(format!("{name}.log"));
    let log = std::fs::File::create(&log_file)?;
    let processor = std::thread::available_parallelism()?.get() - 1;
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &processor.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    // ours lives as long as its standard input is open
    pinned.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let child = pinned.spawn().context("taskset cannot be run")?;
    let mut server = Server {
        name,
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        child,
    };
    server.await_answer().with_context(|| {
        let log = std::fs::read_to_string(&log_file).unwrap_or_default();
        format!("it says: {}", log.trim())
    })?;
    println!("{name}: process {}, port {port}", server.child.id());
    Ok(server)
}

/// One server process; answers without what was not asked for, as ours; no limits, and nothing of the machine's own.
fn nsd(scratch: &Path, port: u16, names: u32) -> Result<Command> {
    install::peer("nsd")?;
    let folder = scratch.display();
    let mut zone =
        String::from("$ORIGIN bench.test.\n$TTL 60\n@ SOA ns. hostmaster 1 3600 600 86400 60\n@ NS ns\n");
    writeln!(zone, "ns A {}", Ipv4Addr::LOCALHOST)?;
    for number in 0..names {
        writeln!(zone, "n{number} A {}", address_of(number))?;
    }
    std::fs::write(scratch.join("bench.test.zone"), zone)?;
    let configuration = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  chroot: \"\"\n  \
         zonesdir: \"{folder}\"\n  database: \"\"\n  zonelistfile: \"{folder}/zone.list\"\n  \
         pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  xfrdir: \"{folder}\"\n  \
         cookie-secret-file: \"{folder}/cookies\"\n  minimal-responses: yes\n  rrl-ratelimit: 0\n  \
         tcp-timeout: 120\nremote-control:\n  control-enable: no\n\
         zone:\n  name: bench.test\n  zonefile: bench.test.zone\n"
    );
    let file = scratch.join("nsd.conf");
    std::fs::write(&file, configuration)?;
    let mut command = Command::new("/usr/sbin/nsd");
    // -d: in the foreground
    command.arg("-d").arg("-c").arg(file);
    Ok(command)
}

/// A port that is free for UDP and TCP.
fn free_port() -> Result<u16> {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
}
