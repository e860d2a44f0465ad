//! The writer's thread, and the queue in front of it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::{Job, Writer};
use crate::{Commit, CommitId, StoreError};

/// Transactions that may wait for the writer; then callers wait for room.
const QUEUE_CAPACITY: usize = 4096;

/// Where to ask, and how to learn that the writer has ended.
pub(crate) struct Queue {
    requests: Sender<Request>,
    room: Arc<Semaphore>,
    ended: watch::Receiver<bool>,
}

enum Request {
    Run {
        job: Box<dyn Job>,
        /// Its place in the queue: free again when this is dropped.
        _place: OwnedSemaphorePermit,
    },
    CommitsAfter {
        after: CommitId,
        reply: oneshot::Sender<Result<Vec<Arc<Commit>>, StoreError>>,
    },
    Close,
}

impl Queue {
    /// Starts the thread. It ends when the queue is closed or dropped, and lets go of the engine then.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(writer: Writer) -> Result<Self, StoreError> {
        let (requests, receiver) = channel();
        let (end, ended) = watch::channel(false);
        let room = Arc::new(Semaphore::new(QUEUE_CAPACITY));
        let run = move || {
            run(writer, &receiver);
            end.send_replace(true);
        };
        let started = std::thread::Builder::new().name("store-writer".into()).spawn(run);
        started.map_err(|error| StoreError::Io {
            doing: "start the store's thread",
            cause: error.to_string(),
        })?;
        Ok(Self {
            requests,
            room,
            ended,
        })
    }

    /// Queues a transaction, once there is room.
    ///
    /// # Errors
    /// The queue is closed.
    pub async fn ask(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let place = Arc::clone(&self.room)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        self.requests
            .send(Request::Run { job, _place: place })
            .map_err(|_| StoreError::Closed)
    }

    /// The durable commits after that one, as far as the engine still has them.
    ///
    /// # Errors
    /// The queue is closed, or the engine cannot be read.
    pub async fn commits_after(&self, after: CommitId) -> Result<Vec<Arc<Commit>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.requests.send(Request::CommitsAfter { after, reply });
        asked.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Takes no more transactions and waits until the queued ones are done.
    pub async fn close(&self) {
        self.room.close();
        // An error says that the thread has ended already.
        let _ = self.requests.send(Request::Close);
        let _ = self.ended.clone().wait_for(|has_ended| *has_ended).await;
    }
}

fn run(mut writer: Writer, requests: &Receiver<Request>) {
    // What came while a batch was gathered, and is none of it.
    let mut set_aside = None;
    loop {
        let request = set_aside.take().or_else(|| requests.recv().ok());
        let first = match request {
            Some(Request::Run { job, .. }) => job,
            Some(Request::CommitsAfter { after, reply }) => {
                // Whoever asked may have gone.
                let _ = reply.send(writer.commits_after(after));
                continue;
            }
            Some(Request::Close) | None => return,
        };
        // All that is queued by now, and all that arrives while it is decided: no delay makes batches larger.
        let queued = std::iter::from_fn(|| match requests.try_recv() {
            Ok(Request::Run { job, .. }) => Some(job),
            Ok(other) => {
                set_aside = Some(other);
                None
            }
            Err(_) => None,
        });
        writer.run(std::iter::once(first).chain(queued));
    }
}
