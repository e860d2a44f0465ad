//! Removes files in Docker's form some hours after their container has ended, as Amazon's agent removes containers.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::clock::Clock;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::tasks::Tasks;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(10 * 60);
/// Since something was last written: Amazon's `ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION`.
const MINIMUM_AGE: Duration = Duration::from_secs(3 * 60 * 60);

/// Cleans until shutdown.
pub async fn run(folder: PathBuf, tasks: Arc<Tasks>, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let in_use = runtime_ids(&tasks);
        let (folder, now) = (folder.clone(), SystemTime::from(clock.now()));
        let cleaned = tokio::task::spawn_blocking(move || clean(&folder, &in_use, now)).await;
        if let Err(error) = cleaned.unwrap_or_else(|it| Err(io::Error::other(it))) {
            tracing::warn!(%error, "the output of earlier containers cannot be removed");
        }
    }
}

fn runtime_ids(tasks: &Tasks) -> BTreeSet<String> {
    let all = tasks.all().into_iter();
    let containers = all.flat_map(|it| it.progress().containers);
    containers.filter_map(|it| it.runtime_id).collect()
}

/// Removes the folders of containers that are no more and were not written to for a while. Blocks.
///
/// # Errors
/// Any of the file system but that there is no folder.
pub fn clean(folder: &Path, in_use: &BTreeSet<String>, now: SystemTime) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_in_use = entry.file_name().to_str().is_some_and(|it| in_use.contains(it));
        if !is_in_use && age(&entry.path(), now)? >= MINIMUM_AGE {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Since the newest file was written to.
fn age(folder: &Path, now: SystemTime) -> io::Result<Duration> {
    let mut newest = fs::metadata(folder)?.modified()?;
    for file in fs::read_dir(folder)? {
        newest = newest.max(file?.metadata()?.modified()?);
    }
    // A clock that goes back makes nothing old.
    Ok(now.duration_since(newest).unwrap_or_default())
}
