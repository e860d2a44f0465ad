//! `gantry balancer`: serves one load balancer, in the network that its agent has started it in.
//!
//! Its standard input is the socket at which agents connect to it, one at a time; its standard output is a lock that
//! holds its process id. It outlives agents, and goes on with what the last one has told it.

mod knowledge;
mod link;

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use anyhow::{Context, Result};
use balancer::access_log::NoAccessLog;
use balancer::sockets::BindingSockets;
use balancer::{Balancer, Surroundings};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use crate::clock::SystemClock;
use link::Link;

/// Batches of reports that wait; the balancer gathers more of them meanwhile.
const REPORTS_BOUND: usize = 16;

/// Serves until it is killed.
pub fn run() -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let socket = UnixListener::from(socket);
    let is_started_by_agent = socket.local_addr().is_ok();
    anyhow::ensure!(
        is_started_by_agent,
        "the agent of `gantry up` starts this command, for each load balancer"
    );
    socket.set_nonblocking(true)?;
    let _lock = write_process_id().context("the lock cannot be written")?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("info"))
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(socket))
}

/// Standard output is locked by whoever has started this; the lock lasts as long as this process.
fn write_process_id() -> Result<File> {
    let mut lock = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(lock)
}

async fn serve(socket: UnixListener) -> Result<()> {
    let socket = tokio::net::UnixListener::from_std(socket)?;
    let mut link = Link::accept(&socket).await?;
    // The first agent says what no later one changes.
    let first = loop {
        match link.next().await {
            Some(served) => break served,
            None => link = Link::accept(&socket).await?,
        }
    };
    let (reports, mut told) = mpsc::channel(REPORTS_BOUND);
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    let mut balancer = Balancer::new(Surroundings {
        sockets: Arc::new(BindingSockets),
        reports,
        clock: Arc::new(SystemClock),
        logs: Arc::new(NoAccessLog),
        cookie_key: first.cookie_key,
        seed: u64::from_ne_bytes(seed),
    })?;
    let mut knowledge = knowledge::Knowledge::default();
    let mut next = Some(first);
    loop {
        if let Some(served) = next.take() {
            knowledge.expect(&served);
            balancer.apply(knowledge::plan(served)).await;
        }
        link.tell(knowledge.news()).await;
        tokio::select! {
            biased;
            Some(batch) = told.recv() => knowledge.learn(batch),
            accepted = Link::accept(&socket) => {
                link = accepted?;
                knowledge.forget_told();
            }
            served = link.next(), if link.is_open() => next = served,
        }
    }
}
