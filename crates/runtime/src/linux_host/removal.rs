//! Removing sandboxes, whole ones and half-made ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agent::host::HostError;

use super::sandbox::await_shim;
use super::{Inner, blocking, runtime_error};
use crate::shim_client::ShimClient;
use crate::shim_process;
use crate::task_directory::TaskDirectory;

/// Longest wait for a shim that was asked to end, or killed.
const SHIM_DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two looks at it.
const PAUSE: Duration = Duration::from_millis(1);
/// Begins the name of a directory that is to be deleted.
const REMOVED: &str = ".removed-";

impl Inner {
    /// Kills what runs in a sandbox and frees everything; one that is not there is no error.
    pub async fn remove_sandbox(self: &Arc<Self>, task_id: &str) -> Result<(), HostError> {
        if let Some(sandbox) = self.sandbox(task_id) {
            sandbox.is_ending.store(true, Ordering::Release);
        }
        self.purge(task_id).await?;
        let sandbox = self.sandboxes.lock().remove(task_id);
        let child = sandbox.and_then(|it| it.child.lock().take());
        await_shim(child).await
    }

    /// Frees all that a task has on this host, whatever part of it there is.
    pub async fn purge(self: &Arc<Self>, task_id: &str) -> Result<(), HostError> {
        let directory = TaskDirectory::new(&self.tasks, task_id);
        self.end_shim(directory.path()).await?;
        let (inner, id) = (self.clone(), task_id.to_owned());
        let network = self.network.detach(task_id);
        let groups = blocking(move || inner.cgroups.remove_task(&id));
        let (network, groups) = tokio::join!(network, groups);
        network.map_err(runtime_error)?;
        groups?.map_err(runtime_error)?;
        let tasks = self.tasks.clone();
        blocking(move || discard(&tasks, directory.path()))
            .await?
            .map_err(runtime_error)
    }

    /// Asks a task's shim to end, and kills it if it does not.
    pub async fn end_shim(&self, directory: &Path) -> Result<(), HostError> {
        let place = directory.to_owned();
        // Locked but not written yet counts as living.
        if matches!(
            blocking(move || shim_process::living_shim(&place)).await?,
            Ok(None)
        ) {
            return Ok(());
        }
        let shim = ShimClient::new(directory);
        let asked = tokio::time::timeout(SHIM_DEADLINE, shim.shut_down()).await;
        let is_stuck = !matches!(asked, Ok(Ok(())));
        let place = directory.to_owned();
        blocking(move || await_end(&place, is_stuck)).await?
    }
}

/// Waits until a shim has let go of its lock; kills it first if it is stuck.
fn await_end(directory: &Path, is_stuck: bool) -> Result<(), HostError> {
    let deadline = Instant::now() + SHIM_DEADLINE;
    loop {
        match shim_process::living_shim(directory) {
            Ok(None) => return Ok(()),
            Ok(Some(pid)) if is_stuck => {
                let _ended = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            _ => {}
        }
        if Instant::now() > deadline {
            let text = format!("the shim in {} does not end", directory.display());
            return Err(HostError::ContainerRuntime(text));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Takes a task's directory out of sight at once; its files are deleted by and by.
fn discard(tasks: &Path, directory: &Path) -> std::io::Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    let unique = rand::random::<u64>();
    let hidden = tasks.join(format!("{REMOVED}{unique:016x}"));
    fs::rename(directory, &hidden)?;
    delete_later(hidden);
    Ok(())
}

/// Deletes what was taken out of sight, also by an earlier agent.
pub fn delete_later(hidden: PathBuf) {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = fs::remove_dir_all(&hidden) {
            tracing::warn!(path = %hidden.display(), %error, "a removed task's files are left behind");
        }
    });
}

/// Whether a directory of `tasks` was taken out of sight.
pub fn is_removed(name: &str) -> bool {
    name.starts_with(REMOVED)
}
