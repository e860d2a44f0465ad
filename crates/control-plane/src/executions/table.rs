//! Which commands wait for their plug-in, which for their agent, and how many run.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{TaskArn, Timestamp};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::log::LogPlace;
use super::tokens::{NoRandomness, digest, is_same, random_text};
use crate::sessions::Socket;

#[cfg(test)]
mod tests;

/// Sessions at once in one container: Amazon's agent allows as many in one namespace of processes.
pub const SESSIONS_PER_CONTAINER_MAX: usize = 2;
/// Sessions whose plug-in has not come yet.
const WAITING_MAX: usize = 1024;
/// How long a plug-in may take to come.
const TOKEN_SECONDS: i64 = 60;
/// Before the random part of a session's id.
const SESSION_PREFIX: &str = "ecs-execute-command-";
/// Hexadecimal digits of the random part.
const SESSION_DIGITS: usize = 17;

/// A command, as ExecuteCommand found it to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The task.
    pub task: TaskArn,
    /// Name of its container.
    pub container: String,
    /// Its host.
    pub host_id: String,
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// The same as it was given.
    pub text: String,
    /// ARN of the caller.
    pub caller: String,
    /// Where its output is logged.
    pub log: Option<LogPlace>,
}

/// What a plug-in needs to open the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `ecs-execute-command-…`
    pub session_id: String,
    /// Good once, and for a minute.
    pub token: String,
}

/// Why no session was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The container has [`SESSIONS_PER_CONTAINER_MAX`].
    #[error(
        "The container has {SESSIONS_PER_CONTAINER_MAX} sessions already. End one of them and try again."
    )]
    TooManyInContainer,
    /// Very many wait.
    #[error("Too many sessions wait to be opened. Try again in a minute.")]
    TooManyWaiting,
    /// The operating system gives no random bytes.
    #[error("The execute command failed due to an internal error. Try again later.")]
    NoRandomness,
}

impl From<NoRandomness> for Refusal {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// All commands.
#[derive(Default)]
pub struct Executions(Mutex<Table>);

#[derive(Default)]
struct Table {
    waiting: HashMap<String, Waiting>,
    joining: HashMap<String, Joining>,
    running: HashMap<(TaskArn, String), usize>,
}

struct Waiting {
    token: [u8; 32],
    until: Timestamp,
    command: Command,
}

struct Joining {
    token: [u8; 32],
    host_id: String,
    socket: oneshot::Sender<Socket>,
}

/// A session's place among those of its container; dropped at its end.
pub struct Place {
    executions: Arc<Executions>,
    container: (TaskArn, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.executions.0.lock();
        if let Some(count) = table.running.get_mut(&self.container) {
            *count -= 1;
            if *count == 0 {
                table.running.remove(&self.container);
            }
        }
    }
}

impl Executions {
    /// Makes a session that waits for its plug-in.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn issue(&self, command: Command, now: Timestamp) -> Result<Issued, Refusal> {
        let name = random_text::<16>()?;
        let issued = Issued {
            session_id: format!("{SESSION_PREFIX}{}", &name[..SESSION_DIGITS]),
            token: random_text::<32>()?,
        };
        let mut table = self.0.lock();
        table.waiting.retain(|_, it| it.until > now);
        if table.waiting.len() >= WAITING_MAX {
            return Err(Refusal::TooManyWaiting);
        }
        table.require_place(&(command.task.clone(), command.container.clone()))?;
        let waiting = Waiting {
            token: digest(&issued.token),
            until: Timestamp::from_second(now.as_second() + TOKEN_SECONDS).unwrap_or(now),
            command,
        };
        table.waiting.insert(issued.session_id.clone(), waiting);
        Ok(issued)
    }

    /// Takes a session over for who knows its token, once. `None`: there is none such, or the token is another one.
    ///
    /// # Errors
    /// [`Refusal::TooManyInContainer`].
    pub fn claim(
        self: &Arc<Self>,
        session_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Command, Place)>, Refusal> {
        let mut table = self.0.lock();
        let found = table.waiting.get(session_id);
        if !found.is_some_and(|it| it.until > now && is_same(&it.token, token)) {
            return Ok(None);
        }
        let Some(Waiting { command, .. }) = table.waiting.remove(session_id) else {
            return Ok(None);
        };
        let container = (command.task.clone(), command.container.clone());
        table.require_place(&container)?;
        *table.running.entry(container.clone()).or_default() += 1;
        let executions = Arc::clone(self);
        Ok(Some((
            command,
            Place {
                executions,
                container,
            },
        )))
    }

    /// The agent of a host will bring a socket for a session: the secret it is to be told, and where the socket comes.
    ///
    /// # Errors
    /// [`Refusal::NoRandomness`].
    pub fn expect(
        &self,
        session_id: &str,
        host_id: &str,
    ) -> Result<(String, oneshot::Receiver<Socket>), Refusal> {
        let token = random_text::<32>()?;
        let (socket, arrival) = oneshot::channel();
        let joining = Joining {
            token: digest(&token),
            host_id: host_id.to_owned(),
            socket,
        };
        self.0.lock().joining.insert(session_id.to_owned(), joining);
        Ok((token, arrival))
    }

    /// The agent is not waited for any more.
    pub fn forget(&self, session_id: &str) {
        self.0.lock().joining.remove(session_id);
    }

    /// Who waits for this agent's socket, if the agent was asked and knows the secret.
    pub fn arrived(&self, session_id: &str, host_id: &str, token: &str) -> Option<oneshot::Sender<Socket>> {
        let mut table = self.0.lock();
        let joining = table.joining.get(session_id)?;
        if joining.host_id != host_id || !is_same(&joining.token, token) {
            return None;
        }
        table.joining.remove(session_id).map(|it| it.socket)
    }
}

impl Table {
    fn require_place(&self, container: &(TaskArn, String)) -> Result<(), Refusal> {
        match self.running.get(container) {
            Some(count) if *count >= SESSIONS_PER_CONTAINER_MAX => Err(Refusal::TooManyInContainer),
            _ => Ok(()),
        }
    }
}
