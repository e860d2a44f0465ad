//! What containers use, when somebody asks.
//!
//! Amazon's agent reads all containers all the time. Here a container is read when it is asked for: hosts with many
//! tasks that nobody watches spend nothing. Rates need two readings, so the first question waits for a second one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::host::{ContainerUsage, Host};

/// For so long a reading is given again: Docker makes a new one every second.
const FRESH: Duration = Duration::from_secs(1);
/// A reading that is older is no measure of a rate any more.
const STALE: Duration = Duration::from_secs(60);
/// From a first reading to the second. Short, as some who ask wait half a second only.
const WINDOW: Duration = Duration::from_millis(200);
/// How long reading may take.
const READ_DEADLINE: Duration = Duration::from_secs(2);

/// A reading with the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Now.
    pub now: ContainerUsage,
    /// Before.
    pub before: Option<ContainerUsage>,
}

/// The last readings.
pub struct Samples {
    host: Arc<dyn Host>,
    kept: Mutex<BTreeMap<(String, String), (Instant, Sample)>>,
}

impl Samples {
    /// None yet.
    pub fn new(host: Arc<dyn Host>) -> Self {
        Self {
            host,
            kept: Mutex::default(),
        }
    }

    /// What containers of a task use; `None` for those that do not run.
    pub async fn of(&self, task_id: &str, containers: &[&str]) -> Vec<Option<Sample>> {
        let mut samples = self.read_all(task_id, containers).await;
        if samples.iter().flatten().any(|it| it.before.is_none()) {
            tokio::time::sleep(WINDOW).await;
            let again = containers.iter().zip(&samples).map(|(name, first)| async move {
                match first {
                    Some(first) if first.before.is_none() => self.read(task_id, name).await,
                    other => other.clone(),
                }
            });
            samples = join_all(again).await;
        }
        samples
    }

    async fn read_all(&self, task_id: &str, containers: &[&str]) -> Vec<Option<Sample>> {
        join_all(containers.iter().map(|it| self.kept_or_read(task_id, it))).await
    }

    async fn kept_or_read(&self, task_id: &str, container: &str) -> Option<Sample> {
        let key = (task_id.to_owned(), container.to_owned());
        let kept = self.kept.lock().get(&key).cloned();
        match kept {
            Some((at, sample)) if at.elapsed() < FRESH && sample.before.is_some() => Some(sample),
            _ => self.read(task_id, container).await,
        }
    }

    async fn read(&self, task_id: &str, container: &str) -> Option<Sample> {
        let usage = self.host.container_usage(task_id, container);
        let usage = tokio::time::timeout(READ_DEADLINE, usage).await.ok()?.ok()?;
        let key = (task_id.to_owned(), container.to_owned());
        let mut kept = self.kept.lock();
        // Nobody has asked for these for a while, perhaps because they are gone.
        kept.retain(|_, (at, _)| at.elapsed() < STALE);
        let before = kept.remove(&key).map(|(_, sample)| sample.now);
        let sample = Sample {
            // One who was asked in the same moment has seen it.
            before: before.filter(|it| it.read_at < usage.read_at),
            now: usage,
        };
        kept.insert(key, (Instant::now(), sample.clone()));
        Some(sample)
    }
}
