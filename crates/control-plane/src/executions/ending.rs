//! How sessions end, and what is said of it.

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The command did: exit status, or 128 + signal.
    Exited(i32),
    /// The command was not run.
    Failed(String),
    /// Nothing was said for too long.
    Idle,
    /// The agent cannot be reached, or left.
    AgentLost,
    /// The plug-in left.
    ClientLeft,
    /// The plug-in does not speak the protocol, or nothing any more.
    ClientSilent,
    /// The plug-in asked for it.
    Terminated,
    /// The control plane ends.
    Shutdown,
}

impl Ending {
    /// What the user reads; empty if there is nothing to explain.
    pub fn text(&self) -> String {
        match self {
            Self::Exited(_) | Self::ClientLeft | Self::Terminated => String::new(),
            Self::Failed(reason) => format!("Unable to start command: {reason}"),
            Self::Idle => "Session terminated due to inactivity.".to_owned(),
            Self::AgentLost => "The agent of the task's container instance cannot be reached.".to_owned(),
            Self::ClientSilent => "The Session Manager plugin does not answer.".to_owned(),
            Self::Shutdown => "Session terminated: the control plane is shutting down.".to_owned(),
        }
    }

    /// The command's exit status, if it came to one.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(*code),
            _ => None,
        }
    }

    /// A word for the audit log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Failed(_) => "failed",
            Self::Idle => "idle",
            Self::AgentLost => "agent lost",
            Self::ClientLeft => "client left",
            Self::ClientSilent => "client silent",
            Self::Terminated => "terminated",
            Self::Shutdown => "shutdown",
        }
    }
}
