//! A sandbox: what the containers of a task share, and making it.

use std::collections::HashMap;
use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent::host::{
    ContainerExit, HostError, IpcSharing, PidSharing, SandboxNetwork, SandboxSpec, StartedContainer,
};
use jiff::Timestamp;
use parking_lot::Mutex;
use shim::{SharedMemory, SharedNamespace, Sharing};

use super::{Inner, blocking};
use crate::cgroups::{CgroupError, TaskLimits};
use crate::containers::mounts::SHARED_MEMORY_BYTES;
use crate::file_systems::FileSystemError;
use crate::network::NetworkError;
use crate::shim_client::{ShimClient, ShimError};
use crate::task_directory::{NetworkRecord, RECORD_VERSION, SandboxRecord, TaskDirectory};
use crate::volumes::{VolumeError, VolumeSource};

/// How long a task waits at most to be told what it may send and receive. It starts then all the same: that an answer
/// does not come is no reason to run nothing.
const FILTERS_DEADLINE: Duration = Duration::from_secs(1);

/// Why a sandbox could not be made.
#[derive(Debug, thiserror::Error)]
enum SandboxError {
    #[error("its directory or its shim: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Cgroups(#[from] CgroupError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Shim(#[from] ShimError),
    #[error(transparent)]
    Volume(#[from] VolumeError),
    #[error(transparent)]
    FileSystem(#[from] FileSystemError),
    #[error(transparent)]
    Interrupted(#[from] HostError),
}

/// The process of a shim that is being started: whatever fails later, it must be waited for.
type ShimProcess = Arc<Mutex<Option<Child>>>;

/// The sandbox of a task.
pub struct Sandbox {
    /// Its task.
    pub task_id: String,
    /// Its directory.
    pub directory: TaskDirectory,
    /// Its record.
    pub record: SandboxRecord,
    /// Its shim.
    pub shim: ShimClient,
    /// The shim's process, if this agent started it, to be waited for.
    pub child: Mutex<Option<Child>>,
    /// Its containers.
    pub containers: Mutex<HashMap<String, Container>>,
    /// How those that were started again had ended: late news of that is no news of the life after.
    pub ends_before: Mutex<HashMap<String, ContainerExit>>,
    /// Its end has begun, so that its shim's end is nothing to report.
    pub is_ending: AtomicBool,
}

/// A container of a sandbox.
#[derive(Clone, Debug)]
pub enum Container {
    /// Being started.
    Starting,
    /// Was started, and may have ended.
    Started(StartedContainer, Option<ContainerExit>),
}

impl Sandbox {
    /// A sandbox with the containers that are known of it.
    pub fn new(task_id: &str, directory: TaskDirectory, record: SandboxRecord) -> Arc<Self> {
        let shim = ShimClient::new(directory.path());
        Arc::new(Self {
            task_id: task_id.to_owned(),
            directory,
            record,
            shim,
            child: Mutex::default(),
            containers: Mutex::default(),
            ends_before: Mutex::default(),
            is_ending: AtomicBool::new(false),
        })
    }

    /// Whether its end has begun.
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Sends a signal to a container that runs.
    pub async fn signal(&self, container: &str, signal: i32) -> Result<(), HostError> {
        let runs = match self.containers.lock().get(container) {
            Some(Container::Started(_, exit)) => exit.is_none(),
            Some(Container::Starting) | None => {
                let text = format!("container {container} of task {} was not started", self.task_id);
                return Err(HostError::ContainerRuntime(text));
            }
        };
        if !runs {
            return Ok(());
        }
        match self.shim.signal(container, signal).await {
            // Without its shim it is being buried.
            Err(_) if self.runs_no_more(container) => Ok(()),
            result => result.map_err(super::runtime_error),
        }
    }

    fn runs_no_more(&self, container: &str) -> bool {
        matches!(
            self.containers.lock().get(container),
            Some(Container::Started(_, Some(_)))
        )
    }
}

/// Waits for a shim that has let go of its lock, so that it ends at once.
pub async fn await_shim(child: Option<Child>) -> Result<(), HostError> {
    match child {
        Some(mut child) => blocking(move || drop(child.wait())).await,
        None => Ok(()),
    }
}

/// As the agent wants it.
pub fn exit_of(exit: shim::Exit) -> ContainerExit {
    ContainerExit {
        exit_code: exit.exit_code,
        is_out_of_memory: exit.is_out_of_memory,
        finished_at: timestamp(exit.finished_at_nanoseconds),
    }
}

/// A time of the shim's.
pub fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

impl Inner {
    /// Makes a sandbox, or answers that it is there.
    pub async fn create_sandbox(self: &Arc<Self>, spec: &SandboxSpec) -> Result<(), HostError> {
        if self.sandbox(&spec.task_id).is_some() {
            return Ok(());
        }
        let directory = TaskDirectory::new(&self.tasks, &spec.task_id);
        if directory.path().exists() {
            self.purge(&spec.task_id).await?;
        }
        let shim = ShimProcess::default();
        match self.make_sandbox(spec, &directory, &shim).await {
            Ok(sandbox) => {
                self.sandboxes.lock().insert(spec.task_id.clone(), sandbox);
                Ok(())
            }
            Err(error) => {
                let child = shim.lock().take();
                match self.purge(&spec.task_id).await {
                    Ok(()) => await_shim(child).await?,
                    Err(left) => {
                        tracing::warn!(task = spec.task_id, error = %left, "a failed sandbox is left behind");
                    }
                }
                Err(match error {
                    SandboxError::Volume(error) => HostError::Volume(error.to_string()),
                    other => HostError::ResourceInitialization(other.to_string()),
                })
            }
        }
    }

    async fn sandbox_network(&self, spec: &SandboxSpec) -> Result<NetworkRecord, SandboxError> {
        Ok(match &spec.network {
            SandboxNetwork::Awsvpc(eni) => {
                let namespace = self.network.attach_task(eni, &spec.task_id).await?;
                // So that the first packet of a container is not lost. It is told while the task is on its way here.
                if !self.network.await_filters(eni, FILTERS_DEADLINE).await {
                    tracing::warn!(task = spec.task_id, address = %eni.address, "a task starts before anything may pass");
                }
                NetworkRecord::Awsvpc {
                    namespace,
                    address: eni.address,
                }
            }
            SandboxNetwork::Bridge => NetworkRecord::Bridge,
            SandboxNetwork::Host => NetworkRecord::Host,
            SandboxNetwork::None => NetworkRecord::None,
        })
    }

    async fn make_sandbox(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        directory: &TaskDirectory,
        shim: &ShimProcess,
    ) -> Result<Arc<Sandbox>, SandboxError> {
        let (inner, place, task_id) = (self.clone(), directory.clone(), spec.task_id.clone());
        let process = shim.clone();
        let limits = TaskLimits {
            cpu_units: spec.cpu_units,
            memory_mib: spec.memory_mib,
        };
        let (wanted, shared) = (spec.volumes.clone(), spec.file_systems.clone());
        let made = blocking(move || -> Result<_, SandboxError> {
            place.create()?;
            let of_task = place.volumes();
            let volumes = wanted.iter().map(|it| inner.volumes.prepare(it, &of_task));
            let mut volumes = volumes.collect::<Result<Vec<_>, _>>()?;
            for it in &shared {
                volumes.push(inner.file_systems.prepare(it, &of_task)?);
            }
            let child = inner.shim.spawn(place.path(), &inner.cgroups.shim_groups())?;
            *process.lock() = Some(child);
            inner.cgroups.create_task(&task_id, limits)?;
            Ok(volumes)
        });
        // Both take milliseconds, and neither needs the other. Both are waited for: a purge must find all of it.
        let (made, network) = tokio::join!(made, self.sandbox_network(spec));
        let (volumes, network) = (made??, network?);
        let record = SandboxRecord {
            version: RECORD_VERSION,
            boot_id: self.boot_id.clone(),
            network,
            pid: spec.pid,
            ipc: spec.ipc,
            volumes,
        };
        let sharing = sharing(directory, &record)?;
        let sandbox = Sandbox::new(&spec.task_id, directory.clone(), record);
        if let Some(sharing) = sharing {
            sandbox.shim.share(sharing).await?;
        }
        directory.write_sandbox(&sandbox.record)?;
        let (_, subscription) = sandbox.shim.subscribe().await?;
        *sandbox.child.lock() = shim.lock().take();
        self.watch(sandbox.clone(), subscription);
        Ok(sandbox)
    }
}

/// What the shim has to hold for the containers, if anything, with the directories for it.
fn sharing(directory: &TaskDirectory, record: &SandboxRecord) -> io::Result<Option<Sharing>> {
    let mut sharing = Sharing::default();
    if record.pid == PidSharing::Task {
        sharing.namespaces.push(SharedNamespace::Pid);
    }
    if record.ipc == IpcSharing::Task {
        let target = directory.shared_memory();
        std::fs::create_dir_all(&target)?;
        sharing.namespaces.push(SharedNamespace::Ipc);
        sharing.memory.push(SharedMemory {
            target,
            options: format!("mode=1777,size={SHARED_MEMORY_BYTES}"),
        });
    }
    let in_memory = record.volumes.iter().filter_map(|it| match &it.source {
        VolumeSource::Memory { directory, options } => Some((directory.clone(), options.clone())),
        _ => None,
    });
    sharing
        .memory
        .extend(in_memory.map(|(target, options)| SharedMemory { target, options }));
    Ok((sharing != Sharing::default()).then_some(sharing))
}
