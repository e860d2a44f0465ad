//! The shim's protocol: what the agent's side and a shim say to each other, and the files both know.
//!
//! ```text
//!  agent ──shim.sock──► gantry-shim (one per task, outlives the agent)
//!                         ├─ holds an flock on `lock` as long as it lives
//!                         ├─ forks; the child makes one container with libcontainer and ends
//!                         ├─ writes containers/<name>/started, log/<position>, exit
//!                         └─ tells subscribers of exits
//! ```
//!
//! A message is one line of JSON. A connection carries one request and its reply; after `Subscribe` it
//! stays open and carries an [`Exited`] for each exit. A `Start` carries the descriptor of the
//! container's root mount, an `Execute` with a terminal that of a socket.

mod confinement;
pub mod files;
pub mod log;
mod messages;

pub use confinement::{
    COMPILE_FILTER, Condition, Confinement, FilterProfile, FilterRule, Privileges, SystemCalls,
};
pub use messages::{
    Answer, Console, ContainerStatus, ExecuteProcess, ExecutionConsole, ExecutionEnding, ExecutionUser, Exit,
    Exited, FailedStep, Input, LogLimits, MAX_OUTPUT_BYTES, Message, OwnerMapping, Reply, Request,
    SharedDirectory, SharedMemory, SharedNamespace, Sharing, StartContainer, Started,
};

/// Version of the messages and files. A shim and an agent of neighbouring versions understand each other.
pub const PROTOCOL_VERSION: u32 = 1;

/// Longest message in bytes, its newline included.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
