//! What the processes that serve have in common: their log, the signals that end them, their source of ids.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Result;
use domain::ids::Ids;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const LOG_FILTER: &str = "warn,gantry=info,audit=info";
/// Longest wait for blocking work when the process ends.
const EXIT_DEADLINE: Duration = Duration::from_secs(2);

/// Serves until that ends.
pub fn run(serving: impl Future<Output = Result<()>>) -> Result<()> {
    start_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serving);
    runtime.shutdown_timeout(EXIT_DEADLINE);
    outcome
}

fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let writer = std::io::stderr;
    let is_terminal = writer().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(is_terminal)
        .init();
}

/// The signals that end a Gantry.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they do not end the process by themselves.
    pub fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ids that nobody else makes.
pub fn ids() -> Result<Ids> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| no_random_bytes(&error))?;
    Ok(Ids::seeded(seed))
}

/// What to say then.
pub fn no_random_bytes(error: &getrandom::Error) -> anyhow::Error {
    anyhow::anyhow!("the operating system gives no random bytes: {error}")
}
