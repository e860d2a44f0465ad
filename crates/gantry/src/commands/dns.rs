//! `gantry dns`: answers names in all VPCs of a host, through sockets that its agent has opened in there.
//!
//! Its standard input is the socket at which agents connect to it; its standard output is a lock that holds its process
//! id. It outlives agents, and goes on with what the last one has told it.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use dns::{Resolver, Settings, Site, Upstreams};
use domain::served_names::{NamesMessage, ServedNames};
use domain::vpc::Cidr;
use parking_lot::Mutex;
use runtime::hand_over::{self, HandOver};
use runtime::resolver::{Place, Taken, orders};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tracing_subscriber::EnvFilter;

use super::balancer::{allow_many_files, write_process_id};

/// What one client may ask. Amazon's resolvers take 1024 packets in a second from each interface.
const QUERIES_PER_SECOND: u32 = 4096;
/// Connections at one time: those of an agent, and of the one before it.
const CONNECTIONS_MAX: usize = 16;
/// Length of an order.
const ORDER_MAX: usize = 64;
/// Of a line of names, in bytes.
const LINE_MAX: u64 = 256 << 20;
/// Pause after an agent could not connect.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Threads that answer; what is asked of one VPC is answered by one at a time.
const THREADS: usize = 2;
const HOST_SERVERS: &str = "/etc/resolv.conf";

/// Serves until it is killed.
pub fn run() -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let socket = UnixListener::from(socket);
    let is_started_by_agent = socket.local_addr().is_ok();
    anyhow::ensure!(
        is_started_by_agent,
        "the agent of `gantry up` starts this command, once for all VPCs"
    );
    let _lock = write_process_id().context("the lock cannot be written")?;
    allow_many_files();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(std::io::stderr)
        .init();
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    runtime.block_on(serve(socket))
}

/// What serves, and what it was told.
struct Process {
    resolver: Resolver,
    names: Mutex<ServedNames>,
}

async fn serve(socket: UnixListener) -> Result<()> {
    let mut ends = signal(SignalKind::terminate())?;
    let socket = tokio::net::UnixListener::from_std(socket)?;
    let process = Arc::new(Process {
        resolver: Resolver::new(Settings {
            queries_per_second: QUERIES_PER_SECOND,
            upstreams: Upstreams::of_file(PathBuf::from(HOST_SERVERS)),
        }),
        names: Mutex::default(),
    });
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = ends.recv() => {
                // A thread may wait for an agent that says nothing more.
                std::process::exit(0);
            }
            it = socket.accept() => it,
        };
        let stream = accepted.and_then(|(it, _)| it.into_std());
        let (stream, share) = match (stream, Arc::clone(&connections).try_acquire_owned()) {
            (Ok(stream), Ok(share)) => (stream, share),
            // What is served goes on, and the agent tries again.
            _ => {
                tracing::warn!("an agent cannot connect");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let process = Arc::clone(&process);
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let _entered = runtime.enter();
            if let Err(error) = process.obey(stream) {
                tracing::warn!("an order was not obeyed: {error:#}");
            }
            drop(share);
        });
    }
}

impl Process {
    /// Does what a connection is about.
    fn obey(&self, mut stream: UnixStream) -> Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(hand_over::DEADLINE))?;
        stream.set_write_timeout(Some(hand_over::DEADLINE))?;
        match first_line(&mut stream)?.as_str() {
            orders::TAKE => self.hand_over(&mut stream),
            orders::SERVE => {
                let handed = HandOver::receive(&mut stream)?;
                let place: Place = serde_json::from_slice(&handed.served)?;
                let (network, prefix) = place.cidr;
                let site = Site {
                    vpc_id: place.vpc_id,
                    cidr: Cidr { network, prefix },
                };
                tracing::info!(vpc = site.vpc_id, "serves a VPC");
                self.resolver.serve(site, handed.sockets)?;
                Ok(hand_over::confirm(&mut stream)?)
            }
            orders::LEAVE => {
                let handed = HandOver::receive(&mut stream)?;
                let place: Place = serde_json::from_slice(&handed.served)?;
                tracing::info!(vpc = place.vpc_id, "serves a VPC no more");
                self.resolver.leave(&place.vpc_id);
                Ok(hand_over::confirm(&mut stream)?)
            }
            orders::NAMES => self.follow(stream),
            other => bail!("{other:?} is no order"),
        }
    }

    fn hand_over(&self, stream: &mut UnixStream) -> Result<()> {
        let (mut places, mut all) = (Vec::new(), Vec::new());
        for (site, sockets) in self.resolver.served()? {
            places.push(Place {
                vpc_id: site.vpc_id,
                cidr: (site.cidr.network, site.cidr.prefix),
                sockets: sockets.len(),
            });
            all.extend(sockets);
        }
        let names = serde_json::to_value(self.names.lock().whole())?;
        let handed = HandOver {
            sockets: all,
            served: serde_json::to_vec(&Taken { places, names })?,
        };
        Ok(handed.send(stream)?)
    }

    /// Takes names over until the agent ends, however long that is.
    fn follow(&self, stream: UnixStream) -> Result<()> {
        stream.set_read_timeout(None)?;
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            let message: NamesMessage = serde_json::from_slice(&line).context("names cannot be read")?;
            self.names.lock().apply(message.clone());
            self.resolver.tell(message);
        }
    }
}

/// Byte by byte: what follows may be a socket.
fn first_line(stream: &mut UnixStream) -> Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < ORDER_MAX {
        stream.read_exact(&mut byte)?;
        match byte[0] {
            b'\n' => return Ok(String::from_utf8(line)?),
            other => line.push(other),
        }
    }
    bail!("an order is too long")
}
