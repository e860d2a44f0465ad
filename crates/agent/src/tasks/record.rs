//! What survives the agent: a file for each task, written without fsync.
//!
//! A crash of the agent loses nothing that was written. A crash of the machine may, but it also ends the tasks,
//! and a task of which there is no record is settled with the control plane like one that vanished.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::{ContainerState, DesiredStatus, HealthStatus, Image, Phase, Status, TaskState};
use super::task::Task;
use crate::firelens::RouterFiles;
use crate::host::{ContainerExit, PortMapping, PulledImage, StartedContainer, TransportProtocol};

/// One task on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Long ARN.
    pub arn: String,
    /// The task of the payload as it arrived, without credentials.
    pub payload: serde_json::Value,
    /// How far it got.
    pub progress: Progress,
}

/// The lasting part of a [`TaskState`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub desired: DesiredStatus,
    pub reason: Option<String>,
    pub pull_started_at: Option<Timestamp>,
    pub pull_stopped_at: Option<Timestamp>,
    pub execution_stopped_at: Option<Timestamp>,
    pub acknowledged: Status,
    pub containers: Vec<ContainerProgress>,
}

/// The lasting part of a [`ContainerState`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerProgress {
    pub image_id: Option<String>,
    pub image_digest: Option<String>,
    pub stop_signal: Option<i32>,
    pub runtime_id: Option<String>,
    pub started_at: Option<Timestamp>,
    /// Container port, host port, `tcp` or `udp`.
    pub ports: Vec<(u16, u16, String)>,
    /// How many ports follow each of them in a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub following_ports: Vec<u16>,
    pub has_stopped: bool,
    pub exit_code: Option<i32>,
    pub is_out_of_memory: bool,
    pub finished_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub acknowledged: Status,
    #[serde(default)]
    pub restart_count: u32,
    /// Status, since when, the output that said so.
    #[serde(default)]
    pub health: Option<(HealthStatus, Timestamp, String)>,
}

impl Progress {
    /// What of a state must last.
    pub fn of(state: &TaskState) -> Self {
        Self {
            desired: state.desired,
            reason: state.reason.clone(),
            pull_started_at: state.pull_started_at,
            pull_stopped_at: state.pull_stopped_at,
            execution_stopped_at: state.execution_stopped_at,
            acknowledged: state.acknowledged,
            containers: state.containers.iter().map(ContainerProgress::of).collect(),
        }
    }

    /// The state again. What only the host knows is added by [`restore`](super::recovery::restore).
    pub fn state(&self, task: &Task) -> TaskState {
        let mut state = TaskState::new(task, self.desired);
        state.reason = self.reason.clone();
        state.pull_started_at = self.pull_started_at;
        state.pull_stopped_at = self.pull_stopped_at;
        state.execution_stopped_at = self.execution_stopped_at;
        state.acknowledged = self.acknowledged;
        for (container, progress) in state.containers.iter_mut().zip(&self.containers) {
            progress.apply(container);
        }
        state
    }
}

impl ContainerProgress {
    fn of(container: &ContainerState) -> Self {
        let mut progress = Self {
            has_stopped: container.phase == Phase::Stopped,
            reason: container.reason.clone(),
            acknowledged: container.acknowledged,
            restart_count: container.restart_count,
            health: container
                .health
                .as_ref()
                .map(|it| (it.status, it.since, it.output.clone())),
            ..Self::default()
        };
        if let Image::Present(image) = &container.image {
            progress.image_id = Some(image.image_id.clone());
            progress.image_digest = image.manifest_digest.clone();
            progress.stop_signal = Some(image.stop_signal);
        }
        if let Some(started) = &container.started {
            progress.runtime_id = Some(started.runtime_id.clone());
            progress.started_at = Some(started.started_at);
            let ports = started.port_mappings.iter();
            progress.following_ports = ports.clone().map(|it| it.following).collect();
            progress.ports = ports
                .map(|it| (it.container_port, it.host_port, protocol(it.protocol).to_owned()))
                .collect();
        }
        if let Some(exit) = &container.exit {
            progress.exit_code = Some(exit.exit_code);
            progress.is_out_of_memory = exit.is_out_of_memory;
            progress.finished_at = Some(exit.finished_at);
        }
        progress
    }

    /// The ports that it has on the host.
    pub fn published(&self) -> Vec<PortMapping> {
        let ports = self.ports.iter().enumerate();
        let mapping =
            |(index, (container_port, host_port, text)): (usize, &(u16, u16, String))| PortMapping {
                container_port: *container_port,
                host_port: *host_port,
                protocol: match text.as_str() {
                    "udp" => TransportProtocol::Udp,
                    _ => TransportProtocol::Tcp,
                },
                following: self.following_ports.get(index).copied().unwrap_or(0),
            };
        ports.map(mapping).collect()
    }

    fn apply(&self, container: &mut ContainerState) {
        container.acknowledged = self.acknowledged;
        container.restart_count = self.restart_count;
        if let (Some(runtime_id), Some(started_at)) = (&self.runtime_id, self.started_at) {
            container.started = Some(StartedContainer {
                runtime_id: runtime_id.clone(),
                started_at,
                port_mappings: self.published(),
            });
        }
        if let (Some(image_id), Some(stop_signal)) = (&self.image_id, self.stop_signal) {
            container.image = Image::Present(PulledImage {
                image_id: image_id.clone(),
                manifest_digest: self.image_digest.clone(),
                stop_signal,
            });
        }
        let exit = self
            .exit_code
            .zip(self.finished_at)
            .map(|(exit_code, finished_at)| ContainerExit {
                exit_code,
                is_out_of_memory: self.is_out_of_memory,
                finished_at,
            });
        if self.has_stopped {
            container.stop(exit, self.reason.clone());
        } else {
            container.reason = self.reason.clone();
        }
    }
}

/// `tcp` or `udp`.
pub fn protocol(protocol: TransportProtocol) -> &'static str {
    match protocol {
        TransportProtocol::Tcp => "tcp",
        TransportProtocol::Udp => "udp",
    }
}

/// The folder of the records: `<task id>/task.json`, and the position in each log beside it.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// Opens the folder and makes it if it is missing.
    ///
    /// # Errors
    /// Any of the file system.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// All records that can be read; what cannot is removed.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn load_all(&self) -> io::Result<Vec<TaskRecord>> {
        let mut records = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let folder = entry?.path();
            let read = std::fs::read(folder.join("task.json"));
            match read.map_err(|it| it.to_string()).and_then(|bytes| parse(&bytes)) {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), error, "removing an unreadable task record");
                    std::fs::remove_dir_all(&folder)?;
                }
            }
        }
        records.sort_by(|a, b| a.arn.cmp(&b.arn));
        Ok(records)
    }

    /// Writes the record of a task.
    ///
    /// # Errors
    /// Any of the file system.
    pub async fn save(&self, task_id: &str, record: TaskRecord) -> io::Result<()> {
        let folder = self.folder.join(task_id);
        let write = move || {
            let bytes = serde_json::to_vec(&record)?;
            std::fs::create_dir_all(&folder)?;
            replace(&folder.join("task.json"), &bytes)
        };
        tokio::task::spawn_blocking(write).await?
    }

    /// Removes all of a task.
    ///
    /// # Errors
    /// Any of the file system but that there is nothing.
    pub async fn remove(&self, task_id: &str) -> io::Result<()> {
        match tokio::fs::remove_dir_all(self.folder.join(task_id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How far the output of a container was shipped, in bytes of the host's record of it.
    pub async fn log_position(&self, task_id: &str, container: usize) -> u64 {
        let text = tokio::fs::read_to_string(self.log_position_file(task_id, container)).await;
        text.ok().and_then(|it| it.trim().parse().ok()).unwrap_or(0)
    }

    /// Notes how far the output of a container was shipped.
    ///
    /// # Errors
    /// Any of the file system.
    pub async fn save_log_position(&self, task_id: &str, container: usize, position: u64) -> io::Result<()> {
        let file = self.log_position_file(task_id, container);
        tokio::task::spawn_blocking(move || replace(&file, position.to_string().as_bytes())).await?
    }

    /// Files of a task's log router.
    pub fn router_files(&self, task_id: &str) -> RouterFiles {
        RouterFiles::new(self.folder.join(task_id).join("firelens"))
    }

    /// Folder of the output that is kept in Docker's form, beside the records: `<runtime id>/<runtime id>-json.log`.
    pub fn json_files(&self) -> PathBuf {
        self.folder.with_file_name("containers")
    }

    fn log_position_file(&self, task_id: &str, container: usize) -> PathBuf {
        self.folder.join(task_id).join(format!("log-{container}"))
    }
}

fn parse(bytes: &[u8]) -> Result<TaskRecord, String> {
    serde_json::from_slice(bytes).map_err(|it| it.to_string())
}

/// Replaces a file as a whole. Readable by its owner only: the environment of a task may hold secrets.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let draft = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&draft)?.write_all(bytes)?;
    std::fs::rename(&draft, file)
}
