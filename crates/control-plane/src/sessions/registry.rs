//! Which agent sessions there are: one for each host, the newest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::task::Task;
use parking_lot::Mutex;
use store::CommitId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::inspection::{self, Question};
use super::mailbox::{Mailbox, Order};
use super::upgrade::AgentKind;

/// The sessions that are open, by the id of their host.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<String, Open>>,
    last: AtomicU64,
}

struct Open {
    number: u64,
    kind: AgentKind,
    end: CancellationToken,
    mailbox: Arc<Mailbox>,
    questions: mpsc::Sender<Question>,
}

/// A session's place in the registry.
pub struct Place {
    number: u64,
    /// Ends the session: the server stops, or a newer session took its place.
    pub end: CancellationToken,
    /// Changes of its tasks from now on.
    pub mailbox: Arc<Mailbox>,
    /// What its agent is to be asked; taken by the session.
    pub questions: Option<mpsc::Receiver<Question>>,
}

impl Sessions {
    /// Opens a session; an older one of the same host ends.
    pub fn open(&self, host_id: &str, kind: AgentKind, shutdown: &CancellationToken) -> Place {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let (end, mailbox) = (shutdown.child_token(), Arc::<Mailbox>::default());
        let (questions, asked) = mpsc::channel(inspection::QUESTIONS_BOUND);
        let open = Open {
            number,
            kind,
            end: end.clone(),
            mailbox: Arc::clone(&mailbox),
            questions,
        };
        let older = self.open.lock().insert(host_id.to_owned(), open);
        if let Some(older) = older {
            older.end.cancel();
        }
        Place {
            number,
            end,
            mailbox,
            questions: Some(asked),
        }
    }

    /// Closes a session. Returns whether it was the newest: then nobody is connected any more.
    pub fn close(&self, host_id: &str, place: &Place) -> bool {
        let mut open = self.open.lock();
        let is_newest = open.get(host_id).is_some_and(|it| it.number == place.number);
        if is_newest {
            open.remove(host_id);
        }
        is_newest
    }

    /// A commit changed a task: its host's session learns of it, if there is one.
    pub fn tell(&self, at: CommitId, task: &Arc<Task>) {
        if let Some(open) = self.open.lock().get(&task.host_id) {
            open.mailbox.put(at, Arc::clone(task));
        }
    }

    /// Whether the agent of a host is connected and takes orders: commands and streams into containers.
    pub fn runs_commands(&self, host_id: &str) -> bool {
        let open = self.open.lock();
        open.get(host_id).is_some_and(|it| it.kind == AgentKind::Gantry)
    }

    /// Asks the agent of a host to do something. Returns whether it will be asked: it is connected and understands.
    pub fn order(&self, host_id: &str, order: Order) -> bool {
        let open = self.open.lock();
        let found = open.get(host_id).filter(|it| it.kind == AgentKind::Gantry);
        found.is_some_and(|it| it.mailbox.order(order))
    }

    /// Where questions to the agent of a host go, if it has a session and understands them.
    pub(super) fn questions(&self, host_id: &str) -> Option<mpsc::Sender<Question>> {
        let open = self.open.lock();
        let found = open.get(host_id).filter(|it| it.kind == AgentKind::Gantry);
        found.map(|it| it.questions.clone())
    }

    /// Whether the agent of a host has a session.
    pub fn is_connected(&self, host_id: &str) -> bool {
        self.open.lock().contains_key(host_id)
    }

    /// Commits were missed: all sessions look at the state again.
    pub fn miss(&self) {
        self.open.lock().values().for_each(|it| it.mailbox.miss());
    }
}

#[cfg(test)]
mod tests;
