//! Network namespaces that stand for hosts, with a cable between them.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::places::Place;

/// How long a program may take to end.
const END_DEADLINE: Duration = Duration::from_secs(10);
/// Between two looks at whether it has.
const PAUSE: Duration = Duration::from_millis(5);

/// A process in namespaces of its own for networks and mounts; dropping it ends it.
pub struct Host {
    child: Child,
    /// What the program said first.
    pub said: String,
}

impl Host {
    /// One in which nothing runs.
    pub fn empty() -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready && exec cat"]);
        Self::running(command)
    }

    /// One in which a program runs, which says a line when it is ready, and ends with its standard input.
    pub fn running(program: Command) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c"]);
        command.args(["ip link set lo up && exec \"$@\"", "host"]);
        command.arg(program.get_program()).args(program.get_args());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("unshare cannot be run")?;
        let output = child.stdout.take().context("its output")?;
        let mut host = Self {
            child,
            said: String::new(),
        };
        BufReader::new(output).read_line(&mut host.said)?;
        ensure!(host.said.ends_with('\n'), "{program:?} has ended");
        host.said.truncate(host.said.trim_end().len());
        Ok(host)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its network.
    pub fn place(&self) -> Result<Place> {
        Place::of_process(self.id())
    }

    /// Runs commands of `ip` in there, one a line.
    pub fn ip(&self, lines: &str) -> Result<()> {
        for line in lines.lines().map(str::trim).filter(|it| !it.is_empty()) {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{}/ns/net", self.id())).arg("--");
            if !line.starts_with("bridge ") {
                command.arg("ip");
            }
            let status = command.args(line.split_whitespace()).status()?;
            ensure!(status.success(), "ip {line}: {status}");
        }
        Ok(())
    }

    /// Lays a cable to another host, of which both know the address.
    pub fn connect(&self, own: Ipv4Addr, other: &Self, theirs: Ipv4Addr) -> Result<()> {
        let peer = other.id();
        self.ip(&format!(
            "link add lan0 type veth peer name lan0 netns {peer}
             address add {own}/24 dev lan0
             link set lan0 up"
        ))?;
        other.ip(&format!(
            "address add {theirs}/24 dev lan0
             link set lan0 up"
        ))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let end = Instant::now() + END_DEADLINE;
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
