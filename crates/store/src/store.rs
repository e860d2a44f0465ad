//! The store as everyone uses it: transactions, reads and the feed.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::clock::Clock;
use domain::ids::Ids;
use parking_lot::Mutex;

use crate::engine::{Engine, Loaded};
use crate::writer::thread::Queue;
use crate::writer::{Job, Shared, Tip, Writer, job, load};
use crate::{Commit, CommitId, Feed, Memory, State, StoreError, TransactError, Tx};

#[cfg(test)]
mod tests;

/// Longest that a caller waits for a transaction.
const TRANSACT_DEADLINE: Duration = Duration::from_secs(30);
/// Longest that closing waits for the writer.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// The state of all accounts and regions of one server. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    access: Access,
}

/// The way to the writer.
enum Access {
    /// On its own thread.
    Queue(Queue),
    /// On the caller's thread; the order in which the lock is taken is the order of commits.
    Direct(Box<Mutex<Writer>>),
}

impl Store {
    /// Loads all records and starts the writer. It ends when the store is closed or its last clone is dropped.
    ///
    /// # Errors
    /// The engine cannot be read, or holds what only a newer version understands.
    pub fn open(
        mut engine: Box<dyn Engine>,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
    ) -> Result<Self, StoreError> {
        let (state, loaded) = load(engine.as_mut())?;
        let (writer, shared) = writer(state, loaded, engine, clock, ids);
        let access = Access::Queue(Queue::start(writer)?);
        Ok(Self(Arc::new(Inner { shared, access })))
    }

    /// Loads all records. Each transaction runs on the thread that asks for it and has ended when the future is
    /// first polled: for engines that answer at once, and for simulations, where no thread may decide the order.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_direct(
        mut engine: Box<dyn Engine>,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
    ) -> Result<Self, StoreError> {
        let (state, loaded) = load(engine.as_mut())?;
        Ok(Self::direct(state, loaded, engine, clock, ids))
    }

    pub(crate) fn empty_in_memory(clock: Arc<dyn Clock>, ids: Arc<Ids>) -> Self {
        Self::direct(
            State::default(),
            Loaded::default(),
            Box::new(Memory::default()),
            clock,
            ids,
        )
    }

    fn direct(
        state: State,
        loaded: Loaded,
        engine: Box<dyn Engine>,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
    ) -> Self {
        let (writer, shared) = writer(state, loaded, engine, clock, ids);
        let access = Access::Direct(Box::new(Mutex::new(writer)));
        Self(Arc::new(Inner { shared, access }))
    }

    /// Runs the closure on the tip, in commit order, and answers once what it wrote and what it saw is durable.
    /// The closure is short and synchronous: all other writers wait for it. It runs even if the future is dropped
    /// after the first poll. Writing nothing makes no commit.
    ///
    /// # Errors
    /// `Refused` is the closure's own error. `Unavailable`: the closure panicked or wrote too much (nothing is kept),
    /// or the store failed (whether it is kept shows only in the state). Either way nothing is half done.
    pub async fn transact<T, E>(
        &self,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, TransactError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (job, answer) = job(decide);
        let closed = Err(TransactError::Unavailable(StoreError::Closed));
        let queue = match &self.0.access {
            Access::Queue(queue) => queue,
            Access::Direct(writer) => {
                run_here(writer, job);
                return answer.await.unwrap_or(closed);
            }
        };
        let asked = async {
            queue.ask(job).await?;
            answer.await.unwrap_or(closed)
        };
        let answer = tokio::time::timeout(TRANSACT_DEADLINE, asked).await;
        answer.unwrap_or(Err(TransactError::Unavailable(StoreError::TimedOut)))
    }

    /// Looks at the durable state. The closure must be short and must not call the store: the writer waits for it.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.0.shared.view.read())
    }

    /// Commits from now on.
    pub fn follow(&self) -> Feed {
        Feed::new(self.0.shared.feed.subscribe())
    }

    /// Looks at the durable state and follows it from there: the feed holds exactly the commits that come after.
    pub fn follow_with<R>(&self, look: impl FnOnce(&State) -> R) -> (R, Feed) {
        let view = self.0.shared.view.read();
        let feed = self.follow();
        (look(&view), feed)
    }

    /// The durable commits after that one, oldest first, for a follower that was behind or away. An engine keeps
    /// those that its [`crate::Retention`] holds; where it has let go of some, the first answered is a later one.
    ///
    /// # Errors
    /// The store is closed, or the engine cannot be read now.
    pub async fn commits_after(&self, after: CommitId) -> Result<Vec<Arc<Commit>>, StoreError> {
        match &self.0.access {
            Access::Queue(queue) => queue.commits_after(after).await,
            Access::Direct(writer) => writer.lock().commits_after(after),
        }
    }

    /// The last durable commit.
    pub fn last_commit(&self) -> CommitId {
        self.read(State::last_commit)
    }

    /// Carries out what is queued, then ends the writer and lets go of the engine; reads go on. Waits ten seconds at
    /// most. Later transactions are unavailable.
    pub async fn close(&self) {
        let Access::Queue(queue) = &self.0.access else {
            return;
        };
        if tokio::time::timeout(CLOSE_DEADLINE, queue.close()).await.is_err() {
            tracing::warn!("the store's writer has not ended in time; what was answered is durable");
        }
    }
}

/// Runs one transaction to its end.
fn run_here(writer: &Mutex<Writer>, job: Box<dyn Job>) {
    writer.lock().run(std::iter::once(job));
}

fn writer(
    state: State,
    loaded: Loaded,
    engine: Box<dyn Engine>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
) -> (Writer, Arc<Shared>) {
    let shared = Arc::new(Shared::new(state.clone()));
    let tip = Tip::new(state, loaded.at.unwrap_or(Timestamp::MIN), clock, ids);
    (Writer::new(tip, engine, Arc::clone(&shared)), shared)
}
