//! Which streams wait for who asked for them, and how many are open.

use std::sync::Arc;

use api::gantry::StreamTarget;
use domain::{TaskArn, Timestamp};

use crate::tickets::{self, Admitted, Issued, Tickets};

#[cfg(test)]
mod tests;

/// Streams that are open at once into one task.
pub const STREAMS_PER_TASK_MAX: usize = 128;

/// A stream, as OpenTaskStream found it to be allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The task.
    pub task: TaskArn,
    /// Name of its container.
    pub container: String,
    /// Its host.
    pub host_id: String,
    /// Where it leads.
    pub target: StreamTarget,
    /// ARN of the caller.
    pub caller: String,
}

impl Admitted for Wanted {
    type Room = TaskArn;
    const PLACES_MAX: usize = STREAMS_PER_TASK_MAX;
    const SESSION_PREFIX: &'static str = "gantry-stream-";
    const SESSION_DIGITS: usize = 24;

    fn room(&self) -> TaskArn {
        self.task.clone()
    }
}

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The task has [`STREAMS_PER_TASK_MAX`].
    #[error(
        "The task has {STREAMS_PER_TASK_MAX} streams open already, which is the most. Close connections and try again."
    )]
    TooManyOfTask,
    /// Very many wait.
    #[error("Too many streams wait to be opened. Try again in a minute.")]
    TooManyWaiting,
    /// The operating system gives no random bytes.
    #[error("The stream could not be opened due to an internal error. Try again later.")]
    NoRandomness,
}

impl From<tickets::Refusal> for Refusal {
    fn from(refusal: tickets::Refusal) -> Self {
        match refusal {
            tickets::Refusal::NoPlace => Self::TooManyOfTask,
            tickets::Refusal::TooManyWaiting => Self::TooManyWaiting,
            tickets::Refusal::NoRandomness => Self::NoRandomness,
        }
    }
}

/// A stream's place among those of its task; dropped at its end.
pub type Place = tickets::Place<Wanted>;

/// All streams.
#[derive(Default)]
pub struct Streams(Arc<Tickets<Wanted>>);

impl Streams {
    /// Makes a session that waits for who asked for it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn issue(&self, wanted: Wanted, now: Timestamp) -> Result<Issued, Refusal> {
        Ok(self.0.issue(wanted, now)?)
    }

    /// Takes a stream over for who knows its token, once. `None`: there is none such, or the token is another one.
    ///
    /// # Errors
    /// [`Refusal::TooManyOfTask`].
    pub fn claim(
        &self,
        session_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Wanted, Place)>, Refusal> {
        Ok(self.0.claim(session_id, token, now)?)
    }
}
