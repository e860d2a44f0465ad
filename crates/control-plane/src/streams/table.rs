//! Which streams wait for who asked for them, and how many are open.

use std::collections::HashMap;
use std::sync::Arc;

use api::gantry::StreamTarget;
use domain::{TaskArn, Timestamp};
use parking_lot::Mutex;

use crate::executions::tokens::{NoRandomness, digest, is_same, random_text};

#[cfg(test)]
mod tests;

/// Streams that are open at once into one task.
pub const STREAMS_PER_TASK_MAX: usize = 128;
/// Streams that nobody has come for yet.
const WAITING_MAX: usize = 1024;
/// How long one may take to come.
const TOKEN_SECONDS: i64 = 60;
/// Before the random part of a session's id.
const SESSION_PREFIX: &str = "gantry-stream-";

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

/// What is needed to open the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `gantry-stream-…`
    pub session_id: String,
    /// Good once, and for a minute.
    pub token: String,
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

impl From<NoRandomness> for Refusal {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// All streams.
#[derive(Default)]
pub struct Streams(Mutex<Table>);

#[derive(Default)]
struct Table {
    waiting: HashMap<String, Waiting>,
    open: HashMap<TaskArn, usize>,
}

struct Waiting {
    token: [u8; 32],
    until: Timestamp,
    wanted: Wanted,
}

/// A stream's place among those of its task; dropped at its end.
pub struct Place {
    streams: Arc<Streams>,
    task: TaskArn,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.streams.0.lock();
        if let Some(count) = table.open.get_mut(&self.task) {
            *count -= 1;
            if *count == 0 {
                table.open.remove(&self.task);
            }
        }
    }
}

impl Streams {
    /// Makes a session that waits for who asked for it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn issue(&self, wanted: Wanted, now: Timestamp) -> Result<Issued, Refusal> {
        let issued = Issued {
            session_id: format!("{SESSION_PREFIX}{}", random_text::<12>()?),
            token: random_text::<32>()?,
        };
        let mut table = self.0.lock();
        table.waiting.retain(|_, it| it.until > now);
        if table.waiting.len() >= WAITING_MAX {
            return Err(Refusal::TooManyWaiting);
        }
        table.require_place(&wanted.task)?;
        let waiting = Waiting {
            token: digest(&issued.token),
            until: Timestamp::from_second(now.as_second() + TOKEN_SECONDS).unwrap_or(now),
            wanted,
        };
        table.waiting.insert(issued.session_id.clone(), waiting);
        Ok(issued)
    }

    /// Takes a stream over for who knows its token, once. `None`: there is none such, or the token is another one.
    ///
    /// # Errors
    /// [`Refusal::TooManyOfTask`].
    pub fn claim(
        self: &Arc<Self>,
        session_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Wanted, Place)>, Refusal> {
        let mut table = self.0.lock();
        let found = table.waiting.get(session_id);
        if !found.is_some_and(|it| it.until > now && is_same(&it.token, token)) {
            return Ok(None);
        }
        let Some(Waiting { wanted, .. }) = table.waiting.remove(session_id) else {
            return Ok(None);
        };
        table.require_place(&wanted.task)?;
        *table.open.entry(wanted.task.clone()).or_default() += 1;
        let place = Place {
            streams: Arc::clone(self),
            task: wanted.task.clone(),
        };
        Ok(Some((wanted, place)))
    }
}

impl Table {
    fn require_place(&self, task: &TaskArn) -> Result<(), Refusal> {
        match self.open.get(task) {
            Some(count) if *count >= STREAMS_PER_TASK_MAX => Err(Refusal::TooManyOfTask),
            _ => Ok(()),
        }
    }
}
