//! The real host of the agent: tasks in namespaces and cgroups of this machine.

mod attaching;
mod clock;
mod executing;
mod inspecting;
mod joining;
mod recovery;
mod removal;
mod restarting;
mod sandbox;
mod signals;
mod starting;
mod streaming;
mod usage;
mod watching;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::host::{
    AttachSpec, AttachedProcess, BalancerConnection, ClockDrift, ContainerFacts, ContainerSpec,
    ContainerUsage, Host, HostCapacity, HostError, HostEvent, ImageCleanup, ImagePull, LoadBalancerSite,
    LogChunk, LogLine, ProcessEnd, ProcessSpec, PulledImage, RecoveredSandbox, SandboxInspection,
    SandboxSpec, StartedContainer, StreamError, StreamSpec, TaskConnection, TaskStream,
};
use async_trait::async_trait;
use domain::served_network::NetworksMessage;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};

use crate::cgroups::{CgroupError, Cgroups};
use crate::containers::{Filters, mount_points};
use crate::file_systems::FileSystems;
use crate::images::{ImageError, Images, PullProgress, Registries};
use crate::load_balancers::LoadBalancers;
use crate::logs;
use crate::network::{Network, NetworkConfig, NetworkError};
use crate::resolver::ResolverProcess;
use crate::shim_process::{self, ShimProgram};
use crate::task_directory::{TaskDirectory, is_name};
use crate::volumes::Volumes;
use sandbox::Sandbox;

/// Events that wait for the agent; exits beyond that wait in their shims.
const MAX_EVENTS: usize = 1024;
/// Copies of files that may go on at once: each one has a thread.
const COPIES_MAX: usize = 16;

/// How a host is set up. Two agents on one machine need two data directories, parents and networks.
#[derive(Clone, Debug)]
pub struct LinuxHostConfig {
    /// The cgroup below which everything is.
    pub cgroup_parent: String,
    /// Networks; by default those of an instance `gantry` below the data directory.
    pub network: Option<NetworkConfig>,
    /// How registries of images are reached.
    pub registries: Registries,
    /// Directory of the file systems that hosts share; by default `file-systems` in the data directory.
    pub file_systems: Option<PathBuf>,
    /// The program whose command `balancer` serves a load balancer; by default this one.
    pub balancer: Option<PathBuf>,
}

impl Default for LinuxHostConfig {
    fn default() -> Self {
        Self {
            cgroup_parent: "gantry".to_owned(),
            network: None,
            registries: Registries::default(),
            file_systems: None,
            balancer: None,
        }
    }
}

/// Why a host cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory.
    #[error("{path}: {source}")]
    Directory {
        /// Which part of it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The groups.
    #[error(transparent)]
    Cgroups(#[from] CgroupError),
    /// The image store.
    #[error(transparent)]
    Images(#[from] ImageError),
    /// The networks.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The shim.
    #[error("the shim cannot be loaded: {0}")]
    Shim(io::Error),
}

/// This machine as the agent sees it.
pub struct LinuxHost {
    inner: Arc<Inner>,
    events: Mutex<Option<mpsc::Receiver<HostEvent>>>,
}

/// What the host's own tasks share.
struct Inner {
    /// `tasks/` of the data directory.
    tasks: PathBuf,
    mount_points: PathBuf,
    init: PathBuf,
    boot_id: String,
    images: Arc<Images>,
    network: Network,
    cgroups: Arc<Cgroups>,
    shim: Arc<ShimProgram>,
    filters: Filters,
    volumes: Volumes,
    load_balancers: LoadBalancers,
    resolver: Arc<ResolverProcess>,
    file_systems: FileSystems,
    /// Held while a volume is filled from an image.
    filling: Mutex<()>,
    copies: Arc<Semaphore>,
    events: mpsc::Sender<HostEvent>,
    sandboxes: Mutex<HashMap<String, Arc<Sandbox>>>,
}

impl LinuxHost {
    /// Opens the host on a data directory, which is made if it is missing. Tasks of an earlier run are left
    /// alone until [`Host::recover`]. Needs root, and a tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(data_dir: &Path, config: LinuxHostConfig) -> Result<Arc<Self>, OpenError> {
        let directory = |name: &str| -> Result<PathBuf, OpenError> {
            let path = data_dir.join(name);
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            let absolute = made.and_then(|()| path.canonicalize());
            absolute.map_err(|source| OpenError::Directory { path, source })
        };
        let tasks = directory("tasks")?;
        let file_systems = config
            .file_systems
            .unwrap_or_else(|| data_dir.join("file-systems"));
        let network = match config.network {
            Some(network) => network,
            None => NetworkConfig::new(directory("network")?),
        };
        let (events, receiver) = mpsc::channel(MAX_EVENTS);
        let shim = Arc::new(ShimProgram::load().map_err(OpenError::Shim)?);
        let filters = Filters::new(shim.clone());
        filters.prepare_default().map_err(OpenError::Shim)?;
        let mount_points = directory("mount-points")?;
        mount_points::ensure(&mount_points).map_err(|source| OpenError::Directory {
            path: mount_points.clone(),
            source,
        })?;
        let network = Network::open(network).await?;
        let balancer = config.balancer.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let inner = Inner {
            tasks,
            resolver: ResolverProcess::new(data_dir.join("resolver"), balancer.clone(), network.clone()),
            load_balancers: LoadBalancers::new(directory("balancers")?, balancer, network.clone()),
            mount_points,
            init: shim_process::install_init(&directory("run")?).map_err(OpenError::Shim)?,
            boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            images: Arc::new(Images::open_with(&directory("images")?, config.registries)?),
            network,
            cgroups: Arc::new(Cgroups::open(&config.cgroup_parent)?),
            filters,
            shim,
            volumes: Volumes::new(directory("volumes")?),
            file_systems: FileSystems::new(file_systems),
            filling: Mutex::default(),
            copies: Arc::new(Semaphore::new(COPIES_MAX)),
            events,
            sandboxes: Mutex::default(),
        };
        Ok(Arc::new(Self {
            inner: Arc::new(inner),
            events: Mutex::new(Some(receiver)),
        }))
    }

    /// Removes the groups that the tasks of this data directory had: for when the last is gone.
    ///
    /// # Errors
    /// Something still runs there.
    pub async fn remove_groups(&self) -> Result<(), HostError> {
        let cgroups = Arc::clone(&self.inner.cgroups);
        blocking(move || cgroups.remove_all())
            .await?
            .map_err(runtime_error)
    }

    /// Ends the process that answers names: for when the last task is gone.
    ///
    /// # Errors
    /// It does not end.
    pub async fn remove_resolver(&self) -> Result<(), HostError> {
        self.inner.resolver.remove().await
    }

    fn log_directory(&self, task_id: &str, container: &str) -> Result<PathBuf, HostError> {
        if !is_name(task_id) || !is_name(container) {
            let text = format!("{task_id}/{container} is no container");
            return Err(HostError::ContainerRuntime(text));
        }
        let directory = TaskDirectory::new(&self.inner.tasks, task_id).container(container);
        Ok(directory.join(shim::files::LOG))
    }

    /// The image store, to load archives into.
    pub fn images(&self) -> &Arc<Images> {
        &self.inner.images
    }
}

impl Inner {
    fn sandbox(&self, task_id: &str) -> Option<Arc<Sandbox>> {
        self.sandboxes.lock().get(task_id).cloned()
    }

    /// Tasks in the host's network do without, where it cannot be had.
    async fn endpoint_in_host_network(&self) -> Option<SocketAddr> {
        match self.network.endpoint_in_host_network().await {
            Ok(address) => Some(address),
            Err(error) => {
                tracing::error!(%error, "tasks in the host's network cannot reach their endpoint");
                None
            }
        }
    }

    fn known_sandbox(&self, task_id: &str) -> Result<Arc<Sandbox>, HostError> {
        self.sandbox(task_id)
            .ok_or_else(|| HostError::ContainerRuntime(format!("there is no sandbox of task {task_id}")))
    }
}

#[async_trait]
impl Host for LinuxHost {
    fn capacity(&self) -> HostCapacity {
        let cores = std::thread::available_parallelism().map_or(1, |it| it.get());
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kib = total
            .and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or_default();
        HostCapacity {
            cpu_units: u32::try_from(cores.saturating_mul(1024)).unwrap_or(u32::MAX),
            memory_mib: kib / 1024,
        }
    }

    fn clock_drift(&self) -> Option<ClockDrift> {
        clock::drift()
    }

    async fn pull_image(&self, pull: &ImagePull) -> Result<PulledImage, HostError> {
        let image = self.inner.images.pull_image(pull, &PullProgress::default()).await;
        let image = image.map_err(|error| HostError::CannotPullContainer(error.to_string()))?;
        let stop_signal = image
            .config
            .config()
            .as_ref()
            .and_then(|it| it.stop_signal().clone());
        Ok(PulledImage {
            image_id: image.id,
            manifest_digest: image.manifest_digest,
            stop_signal: stop_signal
                .and_then(|it| signals::parse(&it))
                .unwrap_or(libc::SIGTERM),
        })
    }

    async fn remove_unused_images(&self, cleanup: &ImageCleanup) -> Result<usize, HostError> {
        let (images, cleanup) = (Arc::clone(&self.inner.images), cleanup.clone());
        let removed = blocking(move || images.remove_unused(&cleanup))
            .await?
            .map_err(runtime_error)?;
        if !removed.is_empty() {
            tracing::info!(images = removed.join(" "), "unused images were removed");
        }
        Ok(removed.len())
    }

    async fn create_sandbox(&self, sandbox: &SandboxSpec) -> Result<(), HostError> {
        if !is_name(&sandbox.task_id) {
            return Err(HostError::ResourceInitialization(format!(
                "{:?} is no task id",
                sandbox.task_id
            )));
        }
        let (inner, sandbox) = (self.inner.clone(), sandbox.clone());
        whole(async move { inner.create_sandbox(&sandbox).await }).await
    }

    async fn start_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError> {
        if !is_name(&container.name) {
            return Err(HostError::CannotCreateContainer(format!(
                "{:?} is no name",
                container.name
            )));
        }
        let (inner, container) = (self.inner.clone(), container.clone());
        whole(async move { inner.start_container(&container).await }).await
    }

    async fn restart_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError> {
        let (inner, container) = (self.inner.clone(), container.clone());
        whole(async move { inner.restart_container(&container).await }).await
    }

    async fn execute(&self, process: &ProcessSpec) -> Result<ProcessEnd, HostError> {
        self.inner.execute(process).await
    }

    async fn attach(&self, process: &AttachSpec) -> Result<AttachedProcess, HostError> {
        self.inner.attach(process).await
    }

    async fn open_stream(&self, stream: &StreamSpec) -> Result<TaskStream, StreamError> {
        self.inner.open_stream(stream).await
    }

    async fn open_load_balancer(&self, site: &LoadBalancerSite) -> Result<BalancerConnection, HostError> {
        let (load_balancers, site) = (self.inner.load_balancers.clone(), site.clone());
        whole(async move { load_balancers.open(&site).await }).await
    }

    async fn remove_load_balancer(&self, id: &str) -> Result<(), HostError> {
        let (load_balancers, id) = (self.inner.load_balancers.clone(), id.to_owned());
        whole(async move { load_balancers.remove(&id).await }).await
    }

    async fn filter_networks(&self, message: NetworksMessage) -> Result<(), HostError> {
        let filtering = self.inner.network.filter(message);
        filtering.await.map_err(runtime_error)
    }

    fn load_balancers(&self) -> Vec<String> {
        self.inner.load_balancers.known()
    }

    async fn open_resolver(&self) -> Result<tokio::net::UnixStream, HostError> {
        self.inner.resolver.open().await
    }

    async fn signal_container(&self, task_id: &str, container: &str, signal: i32) -> Result<(), HostError> {
        self.inner.known_sandbox(task_id)?.signal(container, signal).await
    }

    async fn remove_sandbox(&self, task_id: &str) -> Result<(), HostError> {
        if !is_name(task_id) {
            return Ok(());
        }
        let (inner, task_id) = (self.inner.clone(), task_id.to_owned());
        whole(async move { inner.remove_sandbox(&task_id).await }).await
    }

    async fn recover(&self) -> Result<Vec<RecoveredSandbox>, HostError> {
        let inner = self.inner.clone();
        whole(async move { inner.recover().await }).await
    }

    fn take_events(&self) -> mpsc::Receiver<HostEvent> {
        // Taken twice, it is a queue that has ended.
        self.events.lock().take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    fn take_task_connections(&self) -> mpsc::Receiver<TaskConnection> {
        self.inner.network.take_task_connections()
    }

    async fn endpoint_in_host_network(&self) -> Option<SocketAddr> {
        self.inner.endpoint_in_host_network().await
    }

    async fn container_usage(&self, task_id: &str, container: &str) -> Result<ContainerUsage, HostError> {
        let (inner, task_id) = (self.inner.clone(), task_id.to_owned());
        let container = container.to_owned();
        blocking(move || inner.container_usage(&task_id, &container)).await?
    }

    async fn container_facts(&self, task_id: &str, container: &str) -> Result<ContainerFacts, HostError> {
        self.inner.container_facts(task_id, container).await
    }

    async fn read_log(
        &self,
        task_id: &str,
        container: &str,
        position: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, HostError> {
        let directory = self.log_directory(task_id, container)?;
        blocking(move || logs::read(&directory, position, max_bytes))
            .await?
            .map_err(runtime_error)
    }

    async fn read_log_end(
        &self,
        task_id: &str,
        container: &str,
        count: usize,
    ) -> Result<Vec<LogLine>, HostError> {
        let directory = self.log_directory(task_id, container)?;
        blocking(move || logs::read_end(&directory, count))
            .await?
            .map_err(runtime_error)
    }

    async fn inspect_sandbox(&self, task_id: &str) -> Result<SandboxInspection, HostError> {
        let (inner, task_id) = (self.inner.clone(), task_id.to_owned());
        blocking(move || inner.inspect_sandbox(&task_id)).await?
    }
}

/// A caller that goes away must not leave things half done.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, HostError>> + Send + 'static,
) -> Result<T, HostError> {
    tokio::spawn(work).await.map_err(runtime_error)?
}

/// Runs what blocks on the kernel or the disk beside the event loop.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, HostError> {
    tokio::task::spawn_blocking(work).await.map_err(runtime_error)
}

fn runtime_error(error: impl std::fmt::Display) -> HostError {
    HostError::ContainerRuntime(error.to_string())
}
