//! The load balancers: how each is built or installed, configured and started, and that each ends with the measurement.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::cases::Door;
use super::secrets::Secrets;
use crate::bench::process;
use crate::install::{self, run, say};

mod configurations;

/// How long a load balancer may take until it listens.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks at whether it does.
const PAUSE: Duration = Duration::from_millis(20);
/// Where looking for free ports begins; below those that the kernel gives to clients.
const PORTS_FROM: u16 = 21_000;
/// Ports of each: HTTP, HTTPS and TCP.
const DOORS: u16 = 3;

/// A load balancer that runs; dropping it ends it.
pub struct Proxy {
    /// Its name in tables.
    pub name: &'static str,
    port: u16,
    child: Child,
}

/// What a configuration names.
struct Site<'a> {
    port: u16,
    target: SocketAddr,
    secrets: &'a Secrets,
    folder: PathBuf,
}

impl Proxy {
    /// Where one of its listeners is.
    pub fn address(&self, door: Door) -> SocketAddr {
        let offset = match door {
            Door::Http => 0,
            Door::Https => 1,
            Door::Tcp => 2,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port + offset))
    }

    /// Processor time of all its processes so far.
    pub fn processor_seconds(&self) -> Result<f64> {
        self.sum(process::processor_seconds)
    }

    /// KiB that all its processes hold by themselves.
    pub fn own_kib(&self) -> Result<f64> {
        self.sum(process::own_kib)
    }

    fn sum(&self, figure: impl Fn(u32) -> Result<f64>) -> Result<f64> {
        process::family(self.child.id())?.into_iter().map(figure).sum()
    }

    fn await_listeners(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        for door in [Door::Http, Door::Https, Door::Tcp] {
            while TcpStream::connect(self.address(door)).is_err() {
                let ended = self.child.try_wait()?;
                ensure!(ended.is_none(), "{} has ended: {ended:?}", self.name);
                ensure!(Instant::now() < end, "{} does not listen", self.name);
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // the workers of nginx end only with a master that is told to
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

/// Builds ours, or takes another build that `GANTRY_BENCH_BINARY` names.
pub fn build(root: &Path) -> Result<PathBuf> {
    if let Some(other) = std::env::var_os("GANTRY_BENCH_BINARY") {
        return Ok(PathBuf::from(other));
    }
    say("Building the balancer");
    run(Command::new("cargo").current_dir(root).args([
        "build",
        "--release",
        "--package",
        "balancer",
        "--example",
        "one_worker",
    ]))?;
    Ok(install::target_folder(root).join("release/examples/one_worker"))
}

/// Starts ours and each of the others that can be installed, all on the last processor; or in place of the others the
/// earlier build of ours that `GANTRY_BENCH_EARLIER` names.
pub fn start(
    root: &Path,
    subject: &Path,
    scratch: &Path,
    secrets: &Secrets,
    target: SocketAddr,
) -> Result<Vec<Proxy>> {
    let mut from = PORTS_FROM;
    let mut proxies = Vec::new();
    let earlier = std::env::var_os("GANTRY_BENCH_EARLIER").map(PathBuf::from);
    let names: &[_] = match earlier {
        Some(_) => &["Gantry", "earlier"],
        None => &["Gantry", "nginx", "haproxy", "Envoy"],
    };
    for name in names.iter().copied() {
        let folder = scratch.join(name);
        std::fs::create_dir_all(&folder)?;
        let port = free_ports(&mut from)?;
        let site = Site {
            port,
            target,
            secrets,
            folder,
        };
        let command = match name {
            "Gantry" => Ok(gantry(subject, &site)),
            "earlier" => Ok(gantry(earlier.as_deref().unwrap_or(subject), &site)),
            "nginx" => nginx(&site),
            "haproxy" => haproxy(&site),
            _ => envoy(root, &site),
        };
        match command.and_then(|it| begin(name, it, &site)) {
            Ok(proxy) => proxies.push(proxy),
            Err(error) if name == "Gantry" => return Err(error),
            Err(error) => println!("no {name} to compare with: {error:#}"),
        }
    }
    Ok(proxies)
}

fn begin(name: &'static str, command: Command, site: &Site<'_>) -> Result<Proxy> {
    let log = std::fs::File::create(site.folder.join("log"))?;
    let processor = std::thread::available_parallelism()?.get() - 1;
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &processor.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    // ours lives as long as its standard input is open
    pinned.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let child = pinned.spawn().context("taskset cannot be run")?;
    let mut proxy = Proxy {
        name,
        port: site.port,
        child,
    };
    proxy.await_listeners().with_context(|| {
        let log = std::fs::read_to_string(site.folder.join("log")).unwrap_or_default();
        format!("it says: {}", log.trim())
    })?;
    println!("{name}: process {}, ports from {}", proxy.child.id(), site.port);
    Ok(proxy)
}

fn gantry(subject: &Path, site: &Site<'_>) -> Command {
    let mut command = Command::new(subject);
    command.args([site.port.to_string(), site.target.to_string()]);
    command.args([&site.secrets.chain, &site.secrets.key]);
    command
}

fn nginx(site: &Site<'_>) -> Result<Command> {
    install::peer("nginx")?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(&site.folder).arg("-c");
    command.arg(write(site, "nginx.conf", configurations::nginx(site))?);
    Ok(command)
}

fn haproxy(site: &Site<'_>) -> Result<Command> {
    install::peer("haproxy")?;
    let mut command = Command::new("/usr/sbin/haproxy");
    // -db: one process, in the foreground
    command.arg("-db").arg("-f");
    command.arg(write(site, "haproxy.cfg", configurations::haproxy(site))?);
    Ok(command)
}

fn envoy(root: &Path, site: &Site<'_>) -> Result<Command> {
    let mut command = Command::new(install::envoy(root)?);
    command.args(["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"]);
    command.arg(write(site, "envoy.yaml", configurations::envoy(site))?);
    Ok(command)
}

fn write(site: &Site<'_>, name: &str, text: String) -> Result<PathBuf> {
    let path = site.folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

/// Ports one after another on which nobody listens.
fn free_ports(from: &mut u16) -> Result<u16> {
    loop {
        let first = *from;
        *from = first.checked_add(DOORS).context("no free ports")?;
        let ports = first..*from;
        let bound: Result<Vec<_>, _> = ports.map(|it| TcpListener::bind(("127.0.0.1", it))).collect();
        if bound.is_ok() {
            return Ok(first);
        }
    }
}
