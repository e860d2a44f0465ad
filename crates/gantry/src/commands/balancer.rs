//! `gantry balancer`: serves one load balancer, in the network that its agent has started it in.
//!
//! Its standard input is the socket at which agents connect to it, one at a time; its standard output is a lock that
//! holds its process id. It outlives agents, and goes on with what the last one has told it. SIGTERM ends it as soon as
//! nothing is in flight; SIGQUIT too, when another one has its sockets.

mod access_log;
mod handed;
mod knowledge;
mod link;
mod metrics;

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use balancer::report::Report;
use balancer::sockets::InheritedSockets;
use balancer::{Balancer, Surroundings};
use domain::clock::Clock;
use domain::served_load_balancer::ServedLoadBalancer;
use runtime::hand_over::HandOver;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing_subscriber::EnvFilter;

use crate::arguments::BalancerOptions;
use crate::clock::SystemClock;
use access_log::AccessLog;
use handed::Handed;
use knowledge::Knowledge;
use link::{Link, Order};
use metrics::Metrics;

/// Batches of reports that wait; the balancer gathers more of them meanwhile.
const REPORTS_BOUND: usize = 16;
/// How long what is in flight may take once another one has the sockets; a target that leaves has as long by default.
const LEAVING_BOUND: Duration = Duration::from_secs(300);
/// How long it may take when the load balancer is gone. Whoever asks for that waits less.
const ENDING_BOUND: Duration = Duration::from_secs(10);

/// Pause after an agent could not connect.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is killed, or another one has taken its place.
pub fn run(options: &BalancerOptions) -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let socket = UnixListener::from(socket);
    let is_started_by_agent = socket.local_addr().is_ok();
    anyhow::ensure!(
        is_started_by_agent,
        "the agent of `gantry up` starts this command, for each load balancer"
    );
    let _lock = write_process_id().context("the lock cannot be written")?;
    allow_many_files();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(std::io::stderr)
        .init();
    let handed = match options.take_over {
        true => Handed::receive(&socket).context("nothing was handed over")?,
        false => Handed::default(),
    };
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(socket, handed))
}

/// Each connection takes two files: as many as may be, and not what is usual.
pub fn allow_many_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let all = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    // With the usual number fewer clients are served.
    let _raised = rustix::process::setrlimit(rustix::process::Resource::Nofile, all);
}

/// Standard output is locked by whoever has started this; the lock lasts as long as this process.
pub fn write_process_id() -> Result<File> {
    let mut lock = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(lock)
}

async fn serve(socket: UnixListener, mut handed: Handed) -> Result<()> {
    let mut ends = signal(SignalKind::terminate())?;
    let mut leaves = signal(SignalKind::quit())?;
    let socket = tokio::net::UnixListener::from_std(socket)?;
    let mut link = Link::default();
    // Whoever is first says what no later one changes.
    let is_heir = handed.served.is_some();
    let first = match handed.served.take() {
        Some(served) => served,
        None => {
            handed.confirm()?;
            tokio::select! {
                biased;
                _ = ends.recv() => return Ok(()),
                _ = leaves.recv() => return Ok(()),
                it = first_order(&socket, &mut link) => it?,
            }
        }
    };
    let (mut process, mut told) = Process::begin(first, std::mem::take(&mut handed.sockets)).await?;
    handed.confirm()?;
    if is_heir {
        process.knowledge.inherit(&process.served);
    }
    let mut tells_metrics = tokio::time::interval(metrics::EVERY);
    tells_metrics.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_alone = std::pin::pin!(tokio::time::sleep(LEAVING_BOUND));
    loop {
        if link.listens() {
            link.tell(&process.knowledge.news());
        }
        tokio::select! {
            biased;
            _ = ends.recv() => {
                // Whoever asked for it kills this otherwise.
                let _ended = timeout(ENDING_BOUND, process.balancer.end()).await;
                return Ok(());
            }
            _ = leaves.recv() => {
                let left = timeout(LEAVING_BOUND, process.balancer.leave()).await;
                tracing::info!(is_everything_ended = left.is_ok(), "left to the next one");
                return Ok(());
            }
            Some(batch) = told.recv() => process.knowledge.learn(batch),
            accepted = Link::accept(&socket) => match accepted {
                Ok(accepted) => {
                    link = accepted;
                    process.forget_told();
                    tells_metrics.reset_immediately();
                }
                // As with too many open files: what is served goes on, and the agent tries again.
                Err(error) => {
                    tracing::warn!(%error, "an agent cannot connect");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = is_alone.as_mut(), if process.knowledge.inherits() => process.knowledge.is_heir_no_more(),
            order = link.next(), if link.is_open() => match order {
                Some(Order::Serve(served)) => process.apply(*served).await,
                Some(Order::HandOver(stream)) => process.hand_over(stream),
                Some(Order::Told) | None => {}
            },
            _ = tells_metrics.tick(), if link.listens() => {
                for part in process.metrics.news(process.balancer.counted()) {
                    link.tell(&[part]);
                }
            }
            // Last: requests never end, and what is to be done may not wait for their lines.
            () = process.logs.ready(), if link.listens() => link.tell(&process.logs.news()),
        }
    }
}

async fn first_order(socket: &tokio::net::UnixListener, link: &mut Link) -> Result<ServedLoadBalancer> {
    loop {
        match link.next().await {
            Some(Order::Serve(served)) => return Ok(*served),
            // There is nothing to hand over, nor to tell.
            Some(Order::HandOver(_) | Order::Told) | None => *link = Link::accept(socket).await?,
        }
    }
}

/// What serves.
struct Process {
    balancer: Balancer,
    logs: Arc<AccessLog>,
    knowledge: Knowledge,
    metrics: Metrics,
    served: ServedLoadBalancer,
}

impl Process {
    async fn begin(
        first: ServedLoadBalancer,
        sockets: Vec<OwnedFd>,
    ) -> Result<(Self, mpsc::Receiver<Vec<Report>>)> {
        let (reports, told) = mpsc::channel(REPORTS_BOUND);
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)?;
        let sockets = Arc::new(InheritedSockets::new(sockets));
        let logs = Arc::new(AccessLog::default());
        let balancer = Balancer::new(Surroundings {
            sockets: sockets.clone(),
            reports,
            clock: Arc::new(SystemClock),
            logs: logs.clone(),
            cookie_key: first.cookie_key,
            seed: u64::from_ne_bytes(seed),
        })?;
        let mut process = Self {
            balancer,
            logs,
            knowledge: Knowledge::default(),
            metrics: Metrics::new(SystemClock.now()),
            served: first.clone(),
        };
        process.apply(first).await;
        sockets.close_others();
        Ok((process, told))
    }

    async fn apply(&mut self, served: ServedLoadBalancer) {
        self.knowledge.expect(&served);
        self.served = served.clone();
        self.balancer.apply(knowledge::plan(served)).await;
    }

    /// Another agent knows nothing.
    fn forget_told(&mut self) {
        self.knowledge.forget_told();
        self.metrics.forget_told();
    }

    /// In the background: whoever gets it may be slow.
    fn hand_over(&self, mut stream: UnixStream) {
        let handed = self.balancer.listening().and_then(|sockets| {
            let served = serde_json::to_vec(&self.knowledge.with_health(&self.served))?;
            Ok(HandOver { sockets, served })
        });
        tokio::task::spawn_blocking(move || {
            if let Err(error) = handed.and_then(|it| it.send(&mut stream)) {
                tracing::warn!(%error, "not handed over");
            }
        });
    }
}
