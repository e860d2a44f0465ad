//! Names below a task's directory.

/// Held locked (`flock`) while the shim lives; contains its process id.
pub const LOCK: &str = "lock";
/// Where the shim listens.
pub const SOCKET: &str = "shim.sock";
/// Parent of the containers' directories.
pub const CONTAINERS: &str = "containers";
/// Directory of links to the namespaces that the containers share, see [`crate::SharedNamespace::link`].
pub const SHARED: &str = "shared";

/// In a container's directory: empty directory on which its root is mounted, seen by the container only.
pub const ROOT: &str = "rootfs";
/// In a container's directory: its compiled seccomp filter.
pub const FILTER: &str = "seccomp.filter";
/// In a container's directory: libcontainer's own state, of no use once the container runs.
pub const STATE: &str = "state";
/// In a container's directory: [`crate::Started`], present once its process was executed.
pub const STARTED: &str = "started";
/// In a container's directory: [`crate::Exit`], present once it has ended.
pub const EXIT: &str = "exit";
/// In a container's directory: its output, see [`crate::log`].
pub const LOG: &str = "log";
