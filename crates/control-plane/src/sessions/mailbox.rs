//! What a session has still to learn of its tasks.

use std::sync::Arc;

use api::acs;
use domain::task::Task;
use parking_lot::Mutex;
use store::CommitId;
use tokio::sync::Notify;

/// Changes that a session may be behind before it has to look at the state again.
pub const CAPACITY: usize = 4096;
/// Orders that may wait to be given.
const ORDERS_MAX: usize = 64;

/// News for one session, in the order of commits.
#[derive(Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    tasks: Vec<(CommitId, Arc<Task>)>,
    orders: Vec<Order>,
    has_missed: bool,
}

/// What an agent is to do for a user, beside its tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Run a command in a container.
    Command(acs::ExecuteCommandMessage),
    /// Open a stream into a container.
    Stream(acs::OpenStreamMessage),
}

/// What a session learns.
#[derive(Debug, PartialEq)]
pub enum News {
    /// What is to be done; at least one.
    Orders(Vec<Order>),
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

    /// Something is to be done. Returns whether there was room.
    pub fn order(&self, order: Order) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.orders.len() == ORDERS_MAX {
            return false;
        }
        waiting.orders.push(order);
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
        if !waiting.orders.is_empty() {
            return Some(News::Orders(std::mem::take(&mut waiting.orders)));
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
