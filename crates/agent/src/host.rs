//! What the agent asks of its host. `runtime` is the real implementation, the simulation has another.

mod attaching;
mod clock;
mod connections;
mod inspection;
mod load_balancers;
mod output;
mod settings;
mod streams;
mod usage;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
pub use attaching::{AttachSpec, AttachedProcess, ProcessInput};
pub use clock::ClockDrift;
pub use connections::{Caller, TaskConnection, TaskPort};
use domain::served_network::NetworksMessage;
pub use inspection::{CgroupInspection, ContainerInspection, MountInspection, SandboxInspection};
use jiff::Timestamp;
pub use load_balancers::{BalancerConnection, LoadBalancerSite};
pub use output::{LogChunk, LogLine, OutputStream};
pub use settings::{
    Device, DirectoryCreation, DockerVolume, FileOwner, FileSystemVolume, IpcSharing, Link, LogLimits,
    NameSettings, PidSharing, SecuritySettings, SwapSettings, Terminal, Tmpfs, VolumeScope, VolumesFrom,
};
pub use streams::{QUEUE_BOUND as STREAM_QUEUE_BOUND, StreamError, StreamSpec, StreamTarget, TaskStream};
use tokio::sync::mpsc;
pub use usage::{
    ContainerFacts, ContainerUsage, CpuUsage, DeviceCounter, InterfaceCounters, MemoryUsage, VolumeFacts,
};

pub use crate::image_pulls::{ImageCredentials, ImagePull, PullBehavior};

/// The machine on which tasks run. Every call may be repeated: doing what is already done is no error.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// What this host has in all, before anything is reserved.
    fn capacity(&self) -> HostCapacity;

    /// Makes the image present and returns what it says about itself.
    ///
    /// # Errors
    /// [`HostError::CannotPullContainer`].
    async fn pull_image(&self, pull: &ImagePull) -> Result<PulledImage, HostError>;

    /// Removes images that came from a registry and are not used any more. Answers how many names.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn remove_unused_images(&self, cleanup: &ImageCleanup) -> Result<usize, HostError>;

    /// Makes what the containers of a task share: its directory, cgroups, shim, and in `awsvpc` its network.
    ///
    /// # Errors
    /// [`HostError::ResourceInitialization`] or [`HostError::Volume`].
    async fn create_sandbox(&self, sandbox: &SandboxSpec) -> Result<(), HostError>;

    /// Starts one container in a sandbox. Returns once its process has been executed.
    ///
    /// # Errors
    /// [`HostError::CannotCreateContainer`], [`HostError::CannotStartContainer`] or
    /// [`HostError::ContainerRuntime`].
    async fn start_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError>;

    /// Starts a container again that has ended: on what it has written, under the same runtime id, ports and name.
    ///
    /// # Errors
    /// [`HostError::CannotStartContainer`] or [`HostError::ContainerRuntime`]; it is ended as before then.
    async fn restart_container(&self, container: &ContainerSpec) -> Result<StartedContainer, HostError>;

    /// Runs a process beside the first one of a container: in its namespaces and groups, with its environment,
    /// user and working directory. Returns when it has ended.
    ///
    /// # Errors
    /// [`HostError::CannotExecute`] if its program was not executed.
    async fn execute(&self, process: &ProcessSpec) -> Result<ProcessEnd, HostError>;

    /// Runs a process in a container as root, on a terminal of its own, with the container's environment. Answers
    /// when the terminal is there; letting go of the answer kills the process.
    ///
    /// # Errors
    /// [`HostError::CannotExecute`] if its program was not executed, which may also be how the process ends.
    async fn attach(&self, process: &AttachSpec) -> Result<AttachedProcess, HostError>;

    /// Opens a stream into a container that runs. A host that has none refuses.
    ///
    /// # Errors
    /// [`StreamError`], whose text is for whoever asked.
    async fn open_stream(&self, stream: &StreamSpec) -> Result<TaskStream, StreamError> {
        let text = format!("this host opens no streams into container {}", stream.container);
        Err(StreamError(text))
    }

    /// Connects to the balancer of a load balancer; its network and its process are made if they are not there.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`], on a host that serves none too.
    async fn open_load_balancer(&self, site: &LoadBalancerSite) -> Result<BalancerConnection, HostError> {
        let text = format!("this host serves no load balancers, not {}", site.id);
        Err(HostError::ContainerRuntime(text))
    }

    /// Ends the balancer of a load balancer and takes its network down.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn remove_load_balancer(&self, _id: &str) -> Result<(), HostError> {
        Ok(())
    }

    /// Puts in force what may pass in VPCs: all of the message, or what was in force before stays where it fails. A
    /// host without VPCs has nothing to filter.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`]; the whole has to be told again.
    async fn filter_networks(&self, _message: NetworksMessage) -> Result<(), HostError> {
        Ok(())
    }

    /// Ids of the load balancers that are served here, after a restart of the agent.
    fn load_balancers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Connects to the process that answers names in the VPCs of this host, which is started if it does not run; waits
    /// until there is a VPC. It is told lines of JSON, each a `NamesMessage`.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn open_resolver(&self) -> Result<tokio::net::UnixStream, HostError> {
        std::future::pending().await
    }

    /// Sends a signal to the first process of a container; one that has ended is left alone.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn signal_container(&self, task_id: &str, container: &str, signal: i32) -> Result<(), HostError>;

    /// Kills what still runs in a sandbox and frees its network, cgroups and directory.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn remove_sandbox(&self, task_id: &str) -> Result<(), HostError>;

    /// The sandboxes that exist, after a restart of the agent. From then on their exits are events again;
    /// an exit that happened meanwhile is only in this answer.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] if the state directory cannot be read.
    async fn recover(&self) -> Result<Vec<RecoveredSandbox>, HostError>;

    /// What happens on the host from now on. May be taken once.
    fn take_events(&self) -> mpsc::Receiver<HostEvent>;

    /// Connections of tasks to 169.254.170.2. May be taken once; a host without such an address has none.
    fn take_task_connections(&self) -> mpsc::Receiver<TaskConnection> {
        mpsc::channel(1).1
    }

    /// Where containers in the host's own network reach what others find at 169.254.170.2:80. `None`: nowhere.
    async fn endpoint_in_host_network(&self) -> Option<SocketAddr> {
        None
    }

    /// How right its clock is. `None`: it cannot tell.
    fn clock_drift(&self) -> Option<ClockDrift> {
        None
    }

    /// What a container that runs uses.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] if it does not run.
    async fn container_usage(&self, task_id: &str, container: &str) -> Result<ContainerUsage, HostError>;

    /// What the host alone knows of a container that was started. Works until the sandbox is removed.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`] if it was never started.
    async fn container_facts(&self, task_id: &str, container: &str) -> Result<ContainerFacts, HostError>;

    /// Output of a container from `position` on (bytes into the host's own record of it; 0 is the start),
    /// at most about `max_bytes`. Works until the sandbox is removed.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn read_log(
        &self,
        task_id: &str,
        container: &str,
        position: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, HostError>;

    /// The last lines of a container's output, oldest first, at most `count`. Works until the sandbox is removed.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`].
    async fn read_log_end(
        &self,
        task_id: &str,
        container: &str,
        count: usize,
    ) -> Result<Vec<LogLine>, HostError>;

    /// What has really been made of a task.
    ///
    /// # Errors
    /// [`HostError::ContainerRuntime`], also if there is no sandbox.
    async fn inspect_sandbox(&self, task_id: &str) -> Result<SandboxInspection, HostError>;
}

/// Totals of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostCapacity {
    /// 1024 for each core.
    pub cpu_units: u32,
    /// Physical memory in MiB.
    pub memory_mib: u64,
}

/// What a pulled image says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct PulledImage {
    /// Digest of the image configuration, `sha256:…`: the id under which containers name it.
    pub image_id: String,
    /// Digest of the manifest, as `imageDigest` of the ECS API.
    pub manifest_digest: Option<String>,
    /// Signal that asks its process to stop (`STOPSIGNAL`), by default SIGTERM.
    pub stop_signal: i32,
}

/// Which images may go.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageCleanup {
    /// References of all tasks that are here: these stay.
    pub in_use: Vec<String>,
    /// Since an image was last used.
    pub minimum_age: Duration,
    /// At once.
    pub most: usize,
    /// Percent of the disk; beyond it neither age nor number holds. 100: never.
    pub high_water_percent: u8,
}

/// What the containers of a task share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SandboxSpec {
    /// 32 hexadecimal digits.
    pub task_id: String,
    /// The network mode with what it needs.
    pub network: SandboxNetwork,
    /// Task-level CPU in units of 1/1024 core: a hard quota. `None`: no limit.
    pub cpu_units: Option<u32>,
    /// Task-level memory in MiB: a hard limit. `None`: no limit.
    pub memory_mib: Option<u64>,
    /// Whose processes its containers see.
    pub pid: PidSharing,
    /// With whom they share memory.
    pub ipc: IpcSharing,
    /// Volumes that are more than directories of the task.
    pub volumes: Vec<DockerVolume>,
    /// Volumes of file systems that all hosts see.
    pub file_systems: Vec<FileSystemVolume>,
}

/// Network modes of a task definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SandboxNetwork {
    /// One network namespace for the task with an address of its own.
    Awsvpc(Eni),
    /// A network namespace for each container, ports published on the host.
    #[default]
    Bridge,
    /// The host's own network.
    Host,
    /// A network namespace for each container with a loopback device only.
    None,
}

/// The network interface of an `awsvpc` task.
#[derive(Clone, Debug, PartialEq)]
pub struct Eni {
    /// Names the VPC on this host, e.g. `vpc-0a1b…`; equal ranges of two VPCs do not meet.
    pub vpc_id: String,
    /// Range of the VPC, e.g. 172.31.0.0/16.
    pub vpc_cidr: (Ipv4Addr, u8),
    /// Address of the task.
    pub address: Ipv4Addr,
    /// Gateway address of its subnet.
    pub gateway: Ipv4Addr,
    /// `02:42:…`
    pub mac_address: String,
}

/// A container as it is to run; overrides, defaults and references are already resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerSpec {
    /// The task it belongs to.
    pub task_id: String,
    /// Name in the task definition.
    pub name: String,
    /// [`PulledImage::image_id`].
    pub image_id: String,
    /// Replaces the image's entry point.
    pub entry_point: Option<Vec<String>>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Added over the image's environment.
    pub environment: BTreeMap<String, String>,
    /// Replaces the image's working directory.
    pub working_directory: Option<String>,
    /// Replaces the image's user: `user`, `user:group`, `uid`, `uid:gid`.
    pub user: Option<String>,
    /// Host name; by default the first 12 characters of the runtime id (bridge) or of the task's address.
    pub hostname: Option<String>,
    /// Relative weight (cgroup shares), at least 2.
    pub cpu_shares: Option<u32>,
    /// Hard limit in MiB.
    pub memory_mib: Option<u64>,
    /// Soft limit in MiB.
    pub memory_reservation_mib: Option<u64>,
    /// The root file system cannot be written.
    pub readonly_root_filesystem: bool,
    /// All capabilities and devices, no seccomp filter.
    pub privileged: bool,
    /// An init that reaps and forwards signals runs as first process.
    pub init_process_enabled: bool,
    /// Capabilities over the default set, without `CAP_`.
    pub capabilities_add: Vec<String>,
    /// Capabilities taken from the default set, without `CAP_`; `ALL` takes all.
    pub capabilities_drop: Vec<String>,
    /// Limits by name (`nofile`), soft and hard.
    pub ulimits: Vec<(String, u64, u64)>,
    /// Volumes.
    pub mounts: Vec<Mount>,
    /// Volumes of other containers; a path of `mounts` hides the same of theirs.
    pub volumes_from: Vec<VolumesFrom>,
    /// Ports to publish, in `bridge` only.
    pub port_mappings: Vec<PortMapping>,
    /// Loopback only, whatever the network mode; not in `awsvpc`.
    pub networking_disabled: bool,
    /// Other containers by name, in `bridge` only; they must have been started.
    pub links: Vec<Link>,
    /// Variables with the address of another container that was started, by its name; in `bridge` only.
    pub address_variables: Vec<(String, String)>,
    /// Names and name servers.
    pub names: NameSettings,
    /// Restrictions beyond capabilities.
    pub security: SecuritySettings,
    /// Standard input and terminal.
    pub terminal: Terminal,
    /// How much of its output is kept.
    pub log_limits: LogLimits,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Devices of the host.
    pub devices: Vec<Device>,
    /// Size of `/dev/shm`; by default 64 MiB.
    pub shared_memory_bytes: Option<u64>,
    /// File systems in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Swap.
    pub swap: SwapSettings,
}

/// A volume in a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mount {
    /// On the host; made as a directory if it is missing. `None`: the volume of that name of the sandbox, or a
    /// directory that lives as long as the task, shared by all containers that name the same `volume`.
    pub source: Option<PathBuf>,
    /// Name of the volume in the task definition.
    pub volume: String,
    /// In the container.
    pub target: PathBuf,
    /// Cannot be written.
    pub read_only: bool,
}

/// A port, or ports in a row, that `bridge` publishes on every address of the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortMapping {
    /// In the container; of a range, the first.
    pub container_port: u16,
    /// On the host; 0 takes a free one from 32768 up, of a range so many in a row.
    pub host_port: u16,
    /// Transport.
    pub protocol: TransportProtocol,
    /// How many ports follow the first, on both sides: 0 unless it is a range.
    pub following: u16,
}

impl PortMapping {
    /// Each of its ports as a mapping of its own.
    pub fn single_ports(self) -> impl Iterator<Item = Self> {
        (0..=self.following).map(move |step| Self {
            container_port: self.container_port.saturating_add(step),
            host_port: self.host_port.saturating_add(step),
            following: 0,
            ..self
        })
    }
}

/// Transport of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransportProtocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
}

/// A process to run in a container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSpec {
    /// Its task.
    pub task_id: String,
    /// Name of the container.
    pub container: String,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// It is killed after this time.
    pub timeout: Duration,
    /// The last so many bytes of its output are kept.
    pub output_bytes: usize,
}

/// How a process in a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessEnd {
    /// Exit status; 128 + signal if a signal ended it.
    pub exit_code: i32,
    /// The end of its output, standard output and error as they came.
    pub output: String,
    /// It was killed because its time was over.
    pub is_timed_out: bool,
}

/// A container whose process runs.
#[derive(Clone, Debug, PartialEq)]
pub struct StartedContainer {
    /// 64 hexadecimal digits, as Docker's container ids.
    pub runtime_id: String,
    /// When its process was executed.
    pub started_at: Timestamp,
    /// The mappings asked for with the host ports they got.
    pub port_mappings: Vec<PortMapping>,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerExit {
    /// Exit status; 128 + signal if a signal ended it.
    pub exit_code: i32,
    /// The kernel killed it for want of memory.
    pub is_out_of_memory: bool,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// News from the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// A container's first process ended.
    ContainerExited {
        /// Its task.
        task_id: String,
        /// Its name in the task definition.
        container: String,
        /// How.
        exit: ContainerExit,
    },
}

/// A sandbox found after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct RecoveredSandbox {
    /// Its task.
    pub task_id: String,
    /// Its containers that were ever started.
    pub containers: Vec<RecoveredContainer>,
}

/// A container found after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct RecoveredContainer {
    /// Name in the task definition.
    pub name: String,
    /// What [`Host::start_container`] answered.
    pub started: StartedContainer,
    /// `None`: it runs.
    pub exit: Option<ContainerExit>,
}

/// Why the host refused. The text begins with the name that Amazon's agent gives the error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HostError {
    /// The image could not be had.
    #[error("CannotPullContainerError: {0}")]
    CannotPullContainer(String),
    /// The container could not be prepared (mounts, user, cgroup, network).
    #[error("CannotCreateContainerError: {0}")]
    CannotCreateContainer(String),
    /// Its process could not be executed.
    #[error("CannotStartContainerError: {0}")]
    CannotStartContainer(String),
    /// A process beside its first one could not be executed.
    #[error("CannotExecuteError: {0}")]
    CannotExecute(String),
    /// What its task needs could not be made.
    #[error("ResourceInitializationError: {0}")]
    ResourceInitialization(String),
    /// A volume is not there, or not as it is said to be.
    #[error("initialize volume: {0}")]
    Volume(String),
    /// The runtime itself failed.
    #[error("ContainerRuntimeError: {0}")]
    ContainerRuntime(String),
}
