//! Finding the sandboxes of an earlier agent.

use std::fs;
use std::sync::Arc;

use agent::host::{HostError, RecoveredContainer, RecoveredSandbox, StartedContainer};

use super::joining::network_key;
use super::removal::{delete_later, is_removed};
use super::sandbox::{Container, Sandbox, exit_of, timestamp};
use super::{Inner, blocking, runtime_error};
use crate::load_balancers::LoadBalancers;
use crate::shim_process;
use crate::task_directory::{NetworkRecord, SandboxRecord, TaskDirectory, is_name};

impl Inner {
    /// Takes up every whole sandbox and removes what is left of half-made ones.
    pub async fn recover(self: &Arc<Self>) -> Result<Vec<RecoveredSandbox>, HostError> {
        let inner = self.clone();
        let task_ids = blocking(move || inner.find_tasks())
            .await?
            .map_err(runtime_error)?;
        let mut half_made = Vec::new();
        for task_id in task_ids {
            let directory = TaskDirectory::new(&self.tasks, &task_id);
            match directory.read_sandbox() {
                _ if self.sandbox(&task_id).is_some() => {}
                None => half_made.push(task_id),
                Some(record) => {
                    let sandbox = self.take_up(&task_id, directory, record).await?;
                    self.sandboxes.lock().insert(task_id, sandbox);
                }
            }
        }
        let sandboxes: Vec<_> = self.sandboxes.lock().values().cloned().collect();
        let mut keys: Vec<String> = sandboxes.iter().flat_map(|it| network_keys(it)).collect();
        let load_balancers = self.load_balancers.known();
        keys.extend(load_balancers.iter().map(|it| LoadBalancers::network_key(it)));
        self.network.restore(&keys).await.map_err(runtime_error)?;
        if sandboxes
            .iter()
            .any(|it| it.record.network == NetworkRecord::Host)
        {
            self.endpoint_in_host_network().await;
        }
        for task_id in half_made {
            self.purge(&task_id).await?;
        }
        for task_id in self.cgroups.tasks() {
            let is_known = sandboxes.iter().any(|it| it.task_id == task_id);
            if !is_known && self.sandbox(&task_id).is_none() {
                self.purge(&task_id).await?;
            }
        }
        Ok(sandboxes.iter().map(|it| describe(it)).collect())
    }

    fn find_tasks(&self) -> std::io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.tasks)? {
            let entry = entry?;
            match entry.file_name().into_string() {
                Ok(name) if is_removed(&name) => delete_later(entry.path()),
                Ok(name) if is_name(&name) => found.push(name),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Connects to a sandbox's shim, or finds out how its containers ended.
    async fn take_up(
        self: &Arc<Self>,
        task_id: &str,
        directory: TaskDirectory,
        record: SandboxRecord,
    ) -> Result<Arc<Sandbox>, HostError> {
        let is_same_boot = record.boot_id == self.boot_id;
        let sandbox = Sandbox::new(task_id, directory, record);
        let place = sandbox.directory.path().to_owned();
        let lives = blocking(move || shim_process::living_shim(&place)).await?;
        if is_same_boot && !matches!(lives, Ok(None)) {
            match sandbox.shim.subscribe().await {
                Ok((statuses, subscription)) => {
                    for status in statuses {
                        let exit = status.exit.map(exit_of);
                        sandbox.adopt(&status.container, status.started, |_| exit);
                    }
                    self.watch(sandbox.clone(), subscription);
                    return Ok(sandbox);
                }
                // It died just now, or hangs: its task ends, and all others are found again.
                Err(error) => {
                    tracing::error!(task = task_id, %error, "its shim does not answer; its containers are killed");
                    self.end_shim(sandbox.directory.path()).await?;
                }
            }
        }
        let (inner, id) = (self.clone(), task_id.to_owned());
        blocking(move || inner.cgroups.kill_task(&id))
            .await?
            .map_err(runtime_error)?;
        for name in sandbox.directory.containers() {
            if let Some(started) = sandbox.directory.read_started(&name) {
                sandbox.adopt(&name, started, |it| Some(self.last_exit(it, &name)));
            }
        }
        Ok(sandbox)
    }
}

impl Sandbox {
    /// Enters a container that an earlier agent started.
    fn adopt(
        &self,
        name: &str,
        started: shim::Started,
        exit: impl FnOnce(&Self) -> Option<agent::host::ContainerExit>,
    ) {
        let Some(record) = self.directory.read_container(name) else {
            return;
        };
        let started = StartedContainer {
            runtime_id: record.runtime_id,
            started_at: timestamp(started.started_at_nanoseconds),
            port_mappings: record.port_mappings.into_iter().map(Into::into).collect(),
        };
        let exit = exit(self);
        self.containers
            .lock()
            .insert(name.to_owned(), Container::Started(started, exit));
    }
}

fn describe(sandbox: &Sandbox) -> RecoveredSandbox {
    let containers = sandbox.containers.lock();
    let mut found: Vec<_> = containers
        .iter()
        .filter_map(|(name, container)| match container {
            Container::Starting => None,
            Container::Started(started, exit) => Some(RecoveredContainer {
                name: name.clone(),
                started: started.clone(),
                exit: exit.clone(),
            }),
        })
        .collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    RecoveredSandbox {
        task_id: sandbox.task_id.clone(),
        containers: found,
    }
}

fn network_keys(sandbox: &Sandbox) -> Vec<String> {
    let of_task = match sandbox.record.network {
        NetworkRecord::Awsvpc { .. } => Some(sandbox.task_id.clone()),
        NetworkRecord::Host | NetworkRecord::Bridge | NetworkRecord::None => None,
    };
    // In any mode a container may have asked for a namespace without a network.
    let containers = sandbox.containers.lock();
    let of_containers = containers.keys().map(|name| network_key(&sandbox.task_id, name));
    of_task.into_iter().chain(of_containers).collect()
}
