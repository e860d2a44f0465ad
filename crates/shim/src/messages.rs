//! Requests, replies and events.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Confinement;
use crate::log;

/// A request with the version of its sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// [`crate::PROTOCOL_VERSION`] of the sender.
    pub version: u32,
    /// What is asked.
    pub request: Request,
}

/// What the agent asks of a shim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Makes and starts a container. Repeated for one that was started, it answers the same again.
    Start(StartContainer),
    /// Makes what the containers of the task share. Comes before the first of them; repeated, it makes nothing anew.
    Share(Sharing),
    /// Starts a container again that has ended, as it was started first, on the root that comes along.
    /// Repeated for one that runs, it answers the start of that.
    Restart {
        /// Its name.
        container: String,
    },
    /// Runs a process in a container that runs; answered when the process has ended. If it has a terminal, a socket
    /// comes along, over which the terminal is sent; the process is killed when the connection ends.
    Execute(ExecuteProcess),
    /// Sends a signal to the first process of a container; one that has ended is left alone.
    Signal {
        /// Its name.
        container: String,
        /// Number of the signal.
        signal: i32,
    },
    /// Asks for the state of all containers and, from then on, for exits.
    Subscribe,
    /// Kills all containers; answered when they are gone. The shim ends then.
    Shutdown,
}

/// A container to start. Its bundle is `containers/<name>` below the shim's working directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartContainer {
    /// Its name in the task definition.
    pub container: String,
    /// 64 hexadecimal digits.
    pub runtime_id: String,
    /// Who owns the ends of its output pipes, so that it may open `/dev/stdout`.
    pub stdio_owner: u32,
    /// What its process is confined to.
    pub confinement: Confinement,
    /// File of the kernel that counts kills for want of memory (`memory.oom_control` or `memory.events`).
    pub oom_counter: Option<PathBuf>,
    /// What it writes to.
    #[serde(default)]
    pub console: Console,
    /// What it reads from, unless that is a terminal.
    #[serde(default)]
    pub input: Input,
    /// File of the kernel that lists its processes, if those can outlive the first: they are killed after it.
    #[serde(default)]
    pub survivors: Option<PathBuf>,
    /// How much of its output is kept.
    #[serde(default)]
    pub log_limits: LogLimits,
    /// Directories that its mounts can name as sources by their `target`.
    #[serde(default)]
    pub directories: Vec<SharedDirectory>,
}

/// How much of a container's output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimits {
    /// Size at which a new file is begun.
    pub file_bytes: u64,
    /// Files kept, at least one.
    pub files: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            file_bytes: log::MAX_FILE_BYTES,
            files: log::MAX_FILES,
        }
    }
}

/// A directory of a file system that tasks share. It is opened anew for each container, so that nothing that another
/// one does meanwhile leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedDirectory {
    /// Directory of the file system.
    pub root: PathBuf,
    /// Where below; links and steps back do not lead out.
    pub below: PathBuf,
    /// An empty directory, on which only the container sees it.
    pub target: PathBuf,
    /// Whose files the container's user has for its own. `None`: everybody has their own.
    pub owner: Option<OwnerMapping>,
}

/// One user of a file system as one user of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerMapping {
    /// User and group of the files.
    pub of_files: (u32, u32),
    /// User and group of the container's process.
    pub in_container: (u32, u32),
}

/// What a container writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Console {
    /// A pipe for each stream.
    #[default]
    Pipes,
    /// A terminal of its own.
    Terminal,
}

/// What a container reads from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// It finds the end at once.
    #[default]
    Empty,
    /// A pipe to which nobody has written yet.
    Open,
}

/// What the containers of a task share. A process of the shim holds it; the links to its namespaces are below
/// [`crate::files::SHARED`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// Namespaces.
    pub namespaces: Vec<SharedNamespace>,
    /// File systems in memory, which the mounts of containers can name as sources.
    pub memory: Vec<SharedMemory>,
}

/// A namespace of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedNamespace {
    /// Of processes.
    Pid,
    /// Of shared memory, semaphores and queues.
    Ipc,
}

impl SharedNamespace {
    /// Name of the link to it.
    pub fn link(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::Ipc => "ipc",
        }
    }
}

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedMemory {
    /// An empty directory, on which only the containers see it.
    pub target: PathBuf,
    /// Options of the mount.
    pub options: String,
}

/// A process to run beside the first one of a container: in its namespaces and groups, with its environment,
/// user, working directory and confinement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecuteProcess {
    /// Name of the container.
    pub container: String,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// The `cgroup.procs` files of the container's groups.
    pub groups: Vec<PathBuf>,
    /// It is killed, with its process group, after so many milliseconds.
    pub timeout_milliseconds: u64,
    /// The last so many bytes of its output are answered, at most [`MAX_OUTPUT_BYTES`].
    pub output_bytes: usize,
    /// What it reads from and writes to.
    #[serde(default)]
    pub console: ExecutionConsole,
    /// As whom it runs.
    #[serde(default)]
    pub user: ExecutionUser,
    /// Lines of `name=value` over the container's environment.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// What an executed process reads from and writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionConsole {
    /// It reads nothing, and the end of its output is answered.
    #[default]
    Kept,
    /// A terminal of the container's, whose other side goes to who asked.
    Terminal {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
}

/// As whom an executed process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionUser {
    /// The user of the container's first process.
    #[default]
    Container,
    /// Root, with the capabilities that root has in the container.
    Root,
}

/// Most output of an executed process that is answered, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 8 * 1024;

/// A reply with the version of the shim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// [`crate::PROTOCOL_VERSION`] of the shim.
    pub version: u32,
    /// The answer itself.
    pub reply: Reply,
}

/// How a shim answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Start` and `Restart`: its process was executed.
    Started(Started),
    /// To `Start` and `Restart`: nothing of it is left.
    StartFailed {
        /// Where it failed.
        step: FailedStep,
        /// Why.
        message: String,
    },
    /// To `Execute`: the process has ended.
    Executed {
        /// Exit status, or 128 + signal.
        exit_code: i32,
        /// The end of its output, standard output and error as they came; not UTF-8 is replaced.
        output: String,
        /// By itself, or because its time was over.
        ending: ExecutionEnding,
    },
    /// To `Execute`: its program was not executed.
    NotExecuted {
        /// Why, in Docker's words.
        message: String,
    },
    /// To `Subscribe`: the containers that were started, in no order.
    Containers(Vec<ContainerStatus>),
    /// To `Share`, `Signal` and `Shutdown`.
    Done,
    /// The request makes no sense to this shim.
    Refused {
        /// Why.
        message: String,
    },
}

/// How an executed process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionEnding {
    /// By itself, or with its container.
    Exited,
    /// Killed because its time was over.
    TimedOut,
}

/// Which part of a start failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedStep {
    /// Mounts, cgroups, namespaces, limits.
    Create,
    /// The execution of its program.
    Execute,
}

/// A started container; also the content of its file `started`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Process id of its first process on the host.
    pub pid: i32,
    /// When its program was executed, nanoseconds since 1970.
    pub started_at_nanoseconds: i64,
}

/// How a container ended; also the content of its file `exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit status, or 128 + signal.
    pub exit_code: i32,
    /// The kernel killed it for want of memory.
    pub is_out_of_memory: bool,
    /// When it ended, nanoseconds since 1970.
    pub finished_at_nanoseconds: i64,
}

/// A container that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerStatus {
    /// Its name.
    pub container: String,
    /// When and as what.
    pub started: Started,
    /// `None`: it runs.
    pub exit: Option<Exit>,
}

/// News for a subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exited {
    /// Its name.
    pub container: String,
    /// How.
    pub exit: Exit,
}
