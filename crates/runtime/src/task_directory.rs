//! The directory of a task: what outlives the agent.
//!
//! ```text
//!  tasks/<task id>/
//!    sandbox.json   written last when the sandbox is made: without it the sandbox is half-made
//!    lock  shim.sock  shim.errors
//!    volumes/<name>  volumes/.<container>-<n>
//!    shared/pid  shared/ipc  shared/shm   what the containers share, see `shim::Sharing`
//!    containers/<name>/
//!      container.json   written before the start
//!      started  exit  log/       the shim's
//!      config.json  rootfs  upper  work  state  etc
//! ```

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use agent::host::{IpcSharing, PidSharing, PortMapping, TransportProtocol};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shim::files;

use crate::volumes::{TaskVolume, VolumeMount};

/// Version of the records written here.
pub const RECORD_VERSION: u32 = 1;
const SANDBOX: &str = "sandbox.json";
const CONTAINER: &str = "container.json";
/// In the directory of what is shared: the containers' `/dev/shm`.
pub const SHARED_MEMORY: &str = "shm";

/// What must be known of a sandbox after a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SandboxRecord {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The boot of the machine in which it was made; in another one nothing of it runs.
    pub boot_id: String,
    /// Its network.
    pub network: NetworkRecord,
    /// Whose processes its containers see.
    #[serde(default)]
    pub pid: PidSharing,
    /// With whom they share memory.
    #[serde(default)]
    pub ipc: IpcSharing,
    /// Volumes that are more than directories of the task.
    #[serde(default)]
    pub volumes: Vec<TaskVolume>,
}

/// The network of a sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkRecord {
    /// One namespace for all its containers.
    Awsvpc {
        /// The namespace.
        namespace: PathBuf,
        /// Its address.
        address: Ipv4Addr,
    },
    /// One namespace for each container, with published ports.
    Bridge,
    /// The host's own.
    Host,
    /// One namespace for each container, with loopback only.
    None,
}

/// What must be known of a container after a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// 64 hexadecimal digits.
    pub runtime_id: String,
    /// With the host ports it got.
    pub port_mappings: Vec<PortRecord>,
    /// Its volumes, for those that take them over.
    #[serde(default)]
    pub mounts: Vec<VolumeMount>,
}

/// A published port.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortRecord {
    container_port: u16,
    host_port: u16,
    is_udp: bool,
    #[serde(default)]
    following: u16,
}

impl From<PortMapping> for PortRecord {
    fn from(it: PortMapping) -> Self {
        Self {
            container_port: it.container_port,
            host_port: it.host_port,
            is_udp: it.protocol == TransportProtocol::Udp,
            following: it.following,
        }
    }
}

impl From<PortRecord> for PortMapping {
    fn from(it: PortRecord) -> Self {
        let protocol = if it.is_udp {
            TransportProtocol::Udp
        } else {
            TransportProtocol::Tcp
        };
        Self {
            container_port: it.container_port,
            host_port: it.host_port,
            protocol,
            following: it.following,
        }
    }
}

/// The directory of one task.
#[derive(Clone, Debug)]
pub struct TaskDirectory {
    path: PathBuf,
}

impl TaskDirectory {
    /// That of a task below `tasks`; it need not exist.
    pub fn new(tasks: &Path, task_id: &str) -> Self {
        Self {
            path: tasks.join(task_id),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, empty.
    ///
    /// # Errors
    /// Also if it exists.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir(&self.path)?;
        fs::create_dir(self.path.join(files::CONTAINERS))?;
        fs::create_dir(self.volumes())
    }

    /// Directory of the task's volumes.
    pub fn volumes(&self) -> PathBuf {
        self.path.join("volumes")
    }

    /// Directory of links to the namespaces that the containers share.
    pub fn shared(&self) -> PathBuf {
        self.path.join(files::SHARED)
    }

    /// Where they find the memory that they share.
    pub fn shared_memory(&self) -> PathBuf {
        self.shared().join(SHARED_MEMORY)
    }

    /// Directory of a container.
    pub fn container(&self, name: &str) -> PathBuf {
        self.path.join(files::CONTAINERS).join(name)
    }

    /// Names of the containers that have a directory.
    pub fn containers(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path.join(files::CONTAINERS)) else {
            return Vec::new();
        };
        let names = entries.filter_map(|it| it.ok()?.file_name().into_string().ok());
        names.filter(|it| is_name(it)).collect()
    }

    /// Records the sandbox, which is whole from then on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_sandbox(&self, record: &SandboxRecord) -> io::Result<()> {
        write_record(&self.path.join(SANDBOX), record)
    }

    /// The record; `None` if the sandbox is half-made.
    pub fn read_sandbox(&self) -> Option<SandboxRecord> {
        read_record(&self.path.join(SANDBOX))
    }

    /// Records a container, before it is started.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_container(&self, name: &str, record: &ContainerRecord) -> io::Result<()> {
        write_record(&self.container(name).join(CONTAINER), record)
    }

    /// The record of a container.
    pub fn read_container(&self, name: &str) -> Option<ContainerRecord> {
        read_record(&self.container(name).join(CONTAINER))
    }

    /// When the record of a container was written, which is once.
    pub fn container_written_at(&self, name: &str) -> Option<Timestamp> {
        let metadata = fs::metadata(self.container(name).join(CONTAINER)).ok()?;
        Timestamp::try_from(metadata.modified().ok()?).ok()
    }

    /// When a container was started, if it was.
    pub fn read_started(&self, name: &str) -> Option<shim::Started> {
        read_record(&self.container(name).join(files::STARTED))
    }

    /// How a container ended, if it has.
    pub fn read_exit(&self, name: &str) -> Option<shim::Exit> {
        read_record(&self.container(name).join(files::EXIT))
    }

    /// Records the end of a container whose shim can no longer.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_exit(&self, name: &str, exit: &shim::Exit) -> io::Result<()> {
        write_record(&self.container(name).join(files::EXIT), exit)
    }
}

/// Whether a text may name a container, a volume or a task in a path.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_plain)
}

fn write_record(path: &Path, record: &impl Serialize) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    fs::File::create(&unfinished)?.write_all(&serde_json::to_vec(record)?)?;
    fs::rename(&unfinished, path)
}

fn read_record<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
