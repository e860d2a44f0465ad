//! The writer's thread, and the queue in front of it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Job, Writer};
use crate::StoreError;
use crate::engine::{Load, Rest};

/// Transactions that may wait for the writer; then callers wait for room.
const QUEUE_CAPACITY: usize = 4096;
/// Quiet time before the engine may do its upkeep.
const IDLE_AFTER: Duration = Duration::from_millis(20);

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

    /// Takes no more transactions and waits until the queued ones are done.
    pub async fn close(&self) {
        self.room.close();
        // An error says that the thread has ended already.
        let _ = self.requests.send(Request::Close);
        let _ = self.ended.clone().wait_for(|has_ended| *has_ended).await;
    }
}

fn run(mut writer: Writer, requests: &Receiver<Request>) {
    // The last run may have left something to do.
    let mut rest = Rest::More;
    loop {
        let request = match rest {
            Rest::Done => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Rest::More => requests.recv_timeout(IDLE_AFTER),
        };
        let first = match request {
            Ok(Request::Run { job, .. }) => job,
            Err(RecvTimeoutError::Timeout) => {
                rest = writer.tend(Load::Idle);
                continue;
            }
            Ok(Request::Close) | Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut is_closing = false;
        // All that is queued by now, and all that arrives while it is decided: no delay makes batches larger.
        let queued = std::iter::from_fn(|| match requests.try_recv() {
            Ok(Request::Run { job, .. }) => Some(job),
            Ok(Request::Close) => {
                is_closing = true;
                None
            }
            Err(_) => None,
        });
        writer.run(std::iter::once(first).chain(queued));
        if is_closing {
            return;
        }
        rest = writer.tend(Load::Busy);
    }
}
