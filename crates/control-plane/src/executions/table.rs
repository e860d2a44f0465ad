//! Which commands wait for their plug-in, which for their agent, and how many run.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{TaskArn, Timestamp};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::log::LogPlace;
use crate::sessions::Socket;
use crate::tickets::tokens::{NoRandomness, digest, is_same, random_text};
use crate::tickets::{self, Admitted, Issued, Tickets};

#[cfg(test)]
mod tests;

/// Sessions at once in one container: Amazon's agent allows as many in one namespace of processes.
pub const SESSIONS_PER_CONTAINER_MAX: usize = 2;

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

impl Admitted for Command {
    type Room = (TaskArn, String);
    const PLACES_MAX: usize = SESSIONS_PER_CONTAINER_MAX;
    const SESSION_PREFIX: &'static str = "ecs-execute-command-";
    const SESSION_DIGITS: usize = 17;

    fn room(&self) -> (TaskArn, String) {
        (self.task.clone(), self.container.clone())
    }
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

impl From<tickets::Refusal> for Refusal {
    fn from(refusal: tickets::Refusal) -> Self {
        match refusal {
            tickets::Refusal::NoPlace => Self::TooManyInContainer,
            tickets::Refusal::TooManyWaiting => Self::TooManyWaiting,
            tickets::Refusal::NoRandomness => Self::NoRandomness,
        }
    }
}

impl From<NoRandomness> for Refusal {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// A session's place among those of its container; dropped at its end.
pub type Place = tickets::Place<Command>;

/// All commands.
#[derive(Default)]
pub struct Executions {
    tickets: Arc<Tickets<Command>>,
    joining: Mutex<HashMap<String, Joining>>,
}

struct Joining {
    token: [u8; 32],
    host_id: String,
    socket: oneshot::Sender<Socket>,
}

impl Executions {
    /// Makes a session that waits for its plug-in.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn issue(&self, command: Command, now: Timestamp) -> Result<Issued, Refusal> {
        Ok(self.tickets.issue(command, now)?)
    }

    /// Takes a session over for who knows its token, once. `None`: there is none such, or the token is another one.
    ///
    /// # Errors
    /// [`Refusal::TooManyInContainer`].
    pub fn claim(
        &self,
        session_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Command, Place)>, Refusal> {
        Ok(self.tickets.claim(session_id, token, now)?)
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
        self.joining.lock().insert(session_id.to_owned(), joining);
        Ok((token, arrival))
    }

    /// The agent is not waited for any more.
    pub fn forget(&self, session_id: &str) {
        self.joining.lock().remove(session_id);
    }

    /// Who waits for this agent's socket, if the agent was asked and knows the secret.
    pub fn arrived(&self, session_id: &str, host_id: &str, token: &str) -> Option<oneshot::Sender<Socket>> {
        let mut all = self.joining.lock();
        let joining = all.get(session_id)?;
        if joining.host_id != host_id || !is_same(&joining.token, token) {
            return None;
        }
        all.remove(session_id).map(|it| it.socket)
    }
}
