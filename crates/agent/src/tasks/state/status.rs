//! The words for where a task and its parts stand.

use tokio::time::Instant;

use crate::host::{ContainerExit, PulledImage};

/// `desiredStatus`; it only ever goes from RUNNING to STOPPED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DesiredStatus {
    /// The task is to run.
    Running,
    /// The task is to end.
    Stopped,
}

/// A status as state changes report it, of a task or a container.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Not yet running.
    #[default]
    Pending,
    /// Running.
    Running,
    /// Ended; final.
    Stopped,
}

/// The sandbox of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// The host knows nothing of it.
    Absent,
    /// Asked for.
    Creating,
    /// There is something of it: to be created again before use, to be removed at the end.
    Partial,
    /// Ready for containers.
    Present,
    /// On its way out.
    Removing,
    /// Gone.
    Removed,
}

/// The image of a container.
#[derive(Clone, Debug, PartialEq)]
pub enum Image {
    /// Not asked for yet.
    Absent,
    /// Asked for.
    Pulling,
    /// On the host.
    Present(PulledImage),
}

/// The log stream of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// Not asked for yet.
    Closed,
    /// Asked for.
    Opening,
    /// Ready for output.
    Open,
}

/// Where a container stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Not started.
    Waiting,
    /// Asked for. It may end before the host has answered.
    Starting(Option<ContainerExit>),
    /// Its process runs.
    Running,
    /// Its process ended and is to be started again, by its restart policy.
    Restartable(ContainerExit),
    /// Its start was asked for again. It may end before the host has answered.
    Restarting {
        /// How it ended before.
        before: ContainerExit,
        /// How it has ended since.
        early: Option<ContainerExit>,
    },
    /// It was sent its stop signal.
    Stopping {
        /// When SIGKILL follows.
        kill_at: Instant,
    },
    /// It was sent SIGKILL.
    Killing {
        /// When it counts as gone without word from the host.
        give_up_at: Instant,
    },
    /// It ended or will never start.
    Stopped,
}
