//! Connections of tasks to 169.254.170.2.

use tokio::net::TcpStream;

/// A connection of a task to 169.254.170.2.
#[derive(Debug)]
pub struct TaskConnection {
    /// Whose it is; the host vouches for it.
    pub caller: Caller,
    /// Which port it is for.
    pub port: TaskPort,
    /// The connection.
    pub stream: TcpStream,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A container of the task of this id.
    Task(String),
    /// Somebody in the host's own network, where tasks cannot be told apart.
    HostNetwork,
}

/// Ports of 169.254.170.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskPort {
    /// 80: credentials, metadata and the agent's own API.
    Endpoint,
    /// 4566: the AWS APIs.
    Api,
    /// None of its ports, but 51678 of the host: the introspection API of the agent.
    Introspection,
}
