//! What becomes of tasks that have been STOPPED for long enough: they leave the state, and live on in the history.

use std::sync::Arc;
use std::time::Duration;

use domain::task::Task;
use domain::{TaskArn, Timestamp};
use orchestrator::transitions;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use telemetry::history::{Entry, History, HistoryError};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;

#[cfg(test)]
mod tests;

/// Version of the records.
const VERSION: u32 = 1;
/// Most tasks that are moved at once.
const MOVED_MAX: usize = 256;
/// Longest time between two looks; a shorter one where tasks are shown for a short time only.
const PERIOD_MAX: Duration = Duration::from_secs(60);
const PERIOD_MIN: Duration = Duration::from_millis(250);

/// A task in the history.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    task: Task,
}

/// Moves tasks into the history that have been STOPPED for longer than they are shown, until shutdown.
pub async fn keep_task_history(
    control_plane: Arc<ControlPlane>,
    shown: Duration,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval((shown / 4).clamp(PERIOD_MIN, PERIOD_MAX));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        while round(&control_plane, shown).await == MOVED_MAX {
            if shutdown.is_cancelled() {
                return;
            }
        }
    }
}

/// One round. Answers how many tasks it moved: none if anything failed, and then the next round tries again.
pub async fn round(control_plane: &ControlPlane, shown: Duration) -> usize {
    let now = control_plane.clock.now();
    let old: Vec<Arc<Task>> = control_plane.store.read(|state| {
        let old = state.tasks_stopped_before(now - shown);
        old.take(MOVED_MAX).cloned().collect()
    });
    let history = Arc::clone(&control_plane.history);
    let whole = old.iter().filter_map(|it| Some((it.arn.clone(), entry(it)?)));
    let (arns, entries): (Vec<TaskArn>, Vec<Entry>) = whole.unzip();
    let kept = tokio::task::spawn_blocking(move || {
        history.append(&entries)?;
        history.maintain(now)
    });
    match kept.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, "stopped tasks stay in the state: their history cannot be written");
            return 0;
        }
        Err(error) => {
            tracing::error!(%error, "writing the history of tasks failed");
            return 0;
        }
    }
    let count = arns.len();
    if count == 0 {
        return 0;
    }
    let forgotten = control_plane.store.transact(move |tx| {
        transitions::forget_stopped_tasks(tx, &arns);
        Ok::<(), std::convert::Infallible>(())
    });
    match forgotten.await {
        Ok(()) => count,
        Err(error) => {
            tracing::warn!(?error, "stopped tasks stay in the state, and in the history too");
            0
        }
    }
}

fn entry(task: &Arc<Task>) -> Option<Entry> {
    let record = Record {
        version: VERSION,
        task: Task::clone(task),
    };
    let text = serde_json::to_string(&record).ok()?;
    Some(Entry {
        key: task.arn.to_string(),
        at_ms: task
            .times
            .stopped_at
            .unwrap_or(task.times.created_at)
            .as_millisecond(),
        record: RawValue::from_string(text).ok()?,
    })
}

/// A task of the history.
///
/// # Errors
/// [`HistoryError`].
pub fn read(history: &History, arn: &str, now: Timestamp) -> Result<Option<Task>, HistoryError> {
    let Some(entry) = history.get(arn, now)? else {
        return Ok(None);
    };
    let record = serde_json::from_str::<Record>(entry.record.get());
    Ok(record
        .inspect_err(|error| tracing::warn!(arn, %error, "a task of the history cannot be read"))
        .ok()
        .map(|it| it.task))
}
