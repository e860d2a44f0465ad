//! What a session has still to learn of its tasks.

use std::sync::Arc;

use api::acs;
use domain::task::Task;
use parking_lot::Mutex;
use store::CommitId;
use tokio::sync::Notify;

/// Changes that a session may be behind before it has to look at the state again.
pub const CAPACITY: usize = 4096;
/// Commands that may wait to be asked for.
const COMMANDS_MAX: usize = 64;

/// News for one session, in the order of commits.
#[derive(Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    tasks: Vec<(CommitId, Arc<Task>)>,
    commands: Vec<acs::ExecuteCommandMessage>,
    has_missed: bool,
}

/// What a session learns.
#[derive(Debug, PartialEq)]
pub enum News {
    /// Commands to run; at least one.
    Commands(Vec<acs::ExecuteCommandMessage>),
    /// Its tasks as commits changed them, oldest first; at least one.
    Tasks(Vec<(CommitId, Arc<Task>)>),
    /// Something was left out: look at the state again.
    Missed,
}

impl Mailbox {
    /// A commit changed a task of the session.
    pub fn put(&self, at: CommitId, task: Arc<Task>) {
        let mut waiting = self.waiting.lock();
        if waiting.tasks.len() == CAPACITY {
            waiting.tasks.clear();
            waiting.has_missed = true;
        }
        if !waiting.has_missed {
            waiting.tasks.push((at, task));
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// A command is to be run. Returns whether there was room.
    pub fn order(&self, command: acs::ExecuteCommandMessage) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.commands.len() == COMMANDS_MAX {
            return false;
        }
        waiting.commands.push(command);
        drop(waiting);
        self.arrived.notify_one();
        true
    }

    /// Changes may have been left out.
    pub fn miss(&self) {
        self.waiting.lock().has_missed = true;
        self.arrived.notify_one();
    }

    /// All the news there is. Waits as long as there is none. Dropping the future loses nothing.
    pub async fn next(&self) -> News {
        loop {
            if let Some(news) = self.take() {
                return news;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<News> {
        let mut waiting = self.waiting.lock();
        if !waiting.commands.is_empty() {
            return Some(News::Commands(std::mem::take(&mut waiting.commands)));
        }
        let Waiting {
            tasks, has_missed, ..
        } = std::mem::take(&mut *waiting);
        match has_missed {
            true => Some(News::Missed),
            false => (!tasks.is_empty()).then_some(News::Tasks(tasks)),
        }
    }
}
