//! The parts that run side by side in `gantry up`, and how they end together.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use control_plane::ControlPlane;
use domain::clock::Clock;
use telemetry::logs::Logs;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Longest wait for the parts to end.
const DEADLINE: Duration = Duration::from_secs(10);
/// A power loss takes log events of this long at most.
const LOG_SYNC_PERIOD: Duration = Duration::from_secs(1);
/// Syncs from one clean-up of log events to the next: a minute.
const LOG_SYNCS_PER_MAINTENANCE: u32 = 60;

/// Whatever runs until shutdown.
pub struct Parts {
    shutdown: CancellationToken,
    running: JoinSet<(&'static str, Result<()>)>,
}

impl Parts {
    /// None yet.
    pub fn new(shutdown: CancellationToken) -> Self {
        Self {
            shutdown,
            running: JoinSet::new(),
        }
    }

    /// Starts a part that cannot fail.
    pub fn keep(&mut self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            part.await;
            (name, Ok(()))
        });
    }

    /// Starts a part that may fail.
    pub fn keep_fallible<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        part: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.running
            .spawn(async move { (name, part.await.with_context(|| format!("{name} failed"))) });
    }

    /// Serves the API, and keeps what it stores: the registry, and stopped tasks for as long as they are shown.
    pub fn keep_control_plane(
        &mut self,
        control_plane: Arc<ControlPlane>,
        listener: TcpListener,
        stopped_tasks_shown: Duration,
    ) {
        let (it, shutdown) = (|| Arc::clone(&control_plane), || self.shutdown.clone());
        let history = control_plane::keep_task_history(it(), stopped_tasks_shown, shutdown());
        let events = control_plane::keep_events(it(), shutdown());
        let registry = control_plane::keep_registry(it(), shutdown());
        let api = control_plane::serve(it(), listener, shutdown());
        let webhooks = control_plane::call_webhooks(it(), shutdown());
        let access_logs = control_plane::keep_access_logs(it(), shutdown());
        self.keep("the history of tasks", history);
        self.keep("lifecycle hooks", webhooks);
        self.keep("the events", events);
        self.keep("the access logs", access_logs);
        self.keep("the registry", registry);
        self.keep("the API", api);
    }

    /// Waits until one ends by itself, which is always an error. Dropping the future loses nothing.
    pub async fn first_end(&mut self) -> Result<()> {
        let Some(ended) = self.running.join_next().await else {
            return Err(anyhow!("nothing runs"));
        };
        let error = match ended {
            Ok((name, Ok(()))) => anyhow!("{name} ended by itself"),
            Ok((_, Err(error))) => error,
            Err(panic) => panicked(panic),
        };
        tracing::error!("{error:#}");
        Err(error)
    }

    /// Ends all that still run.
    pub async fn end(mut self) -> Result<()> {
        self.shutdown.cancel();
        let mut outcome = Ok(());
        let all_ended = async {
            while let Some(ended) = self.running.join_next().await {
                let ended = ended.map_or_else(|it| Err(panicked(it)), |(_, result)| result);
                if let Err(error) = &ended {
                    tracing::error!("{error:#}");
                }
                if outcome.is_ok() {
                    outcome = ended;
                }
            }
        };
        if tokio::time::timeout(DEADLINE, all_ended).await.is_err() {
            tracing::warn!("not everything ended within {} seconds", DEADLINE.as_secs());
        }
        outcome
    }
}

fn panicked(error: JoinError) -> anyhow::Error {
    anyhow::Error::new(error).context("a part of Gantry failed")
}

/// Makes log events durable and drops those that have expired.
pub async fn keep_logs(logs: Arc<Logs>, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(LOG_SYNC_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut syncs = 0_u32;
    loop {
        let is_last = tokio::select! {
            biased;
            () = shutdown.cancelled() => true,
            _ = ticks.tick() => false,
        };
        syncs = syncs.wrapping_add(1);
        let (logs, clock) = (Arc::clone(&logs), Arc::clone(&clock));
        let is_maintenance_due = !is_last && syncs.is_multiple_of(LOG_SYNCS_PER_MAINTENANCE);
        let work = tokio::task::spawn_blocking(move || {
            logs.sync()?;
            if is_maintenance_due {
                logs.maintain(clock.now())?;
            }
            Ok::<(), telemetry::logs::LogsError>(())
        });
        match work.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "log events are not kept as they should be"),
            Err(error) => tracing::error!(%error, "keeping log events failed"),
        }
        if is_last {
            return;
        }
    }
}
