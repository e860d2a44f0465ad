//! What a session has still to learn of its tasks.

use std::sync::Arc;

use domain::task::Task;
use parking_lot::Mutex;
use store::CommitId;
use tokio::sync::Notify;

/// Changes that a session may be behind before it has to look at the state again.
pub const CAPACITY: usize = 4096;

/// News for one session, in the order of commits.
#[derive(Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    tasks: Vec<(CommitId, Arc<Task>)>,
    has_missed: bool,
}

/// What a session learns.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
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
        let Waiting { tasks, has_missed } = std::mem::take(&mut *self.waiting.lock());
        match has_missed {
            true => Some(News::Missed),
            false => (!tasks.is_empty()).then_some(News::Tasks(tasks)),
        }
    }
}
