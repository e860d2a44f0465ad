//! Which hosts follow something in the store, and what has changed of it since each of them looked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use store::Commit;
use tokio::sync::Notify;

/// What a session has to look at. The default is nothing.
pub trait News: Default + PartialEq {
    /// Everything.
    fn all() -> Self;

    /// What a commit changes.
    fn of(commit: &Commit) -> Self;

    /// Adds others.
    fn add(&mut self, others: &Self);
}

/// The sessions that follow, by the id of their host.
pub struct Followers<N> {
    open: Mutex<BTreeMap<String, Arc<Follower<N>>>>,
    last: AtomicU64,
}

/// What a session has not looked at yet.
pub struct Follower<N> {
    number: u64,
    news: Mutex<N>,
    arrived: Notify,
}

impl<N> Default for Followers<N> {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            last: AtomicU64::default(),
        }
    }
}

impl<N: News> Followers<N> {
    /// Opens the session of a host, in place of an older one. It has to look at everything.
    pub fn open(&self, host_id: &str) -> Arc<Follower<N>> {
        let follower = Arc::new(Follower {
            number: self.last.fetch_add(1, Ordering::Relaxed),
            news: Mutex::new(N::all()),
            arrived: Notify::new(),
        });
        self.open.lock().insert(host_id.to_owned(), Arc::clone(&follower));
        follower
    }

    /// Closes a session, unless a newer one has its place.
    pub fn close(&self, host_id: &str, follower: &Follower<N>) {
        let mut open = self.open.lock();
        if open.get(host_id).is_some_and(|it| it.number == follower.number) {
            open.remove(host_id);
        }
    }

    /// Whether a session is the newest of its host.
    pub fn is_open(&self, host_id: &str, follower: &Follower<N>) -> bool {
        let open = self.open.lock();
        open.get(host_id).is_some_and(|it| it.number == follower.number)
    }

    /// A commit may have changed what they follow; the store has it.
    pub fn tell(&self, commit: &Commit) {
        if self.open.lock().is_empty() {
            return;
        }
        let news = N::of(commit);
        if news != N::default() {
            self.look_at(&news);
        }
    }

    /// Commits were missed.
    pub fn miss(&self) {
        self.look_at(&N::all());
    }

    /// Something has changed that is not in the store.
    pub fn look_at(&self, news: &N) {
        for follower in self.open.lock().values() {
            follower.news.lock().add(news);
            follower.arrived.notify_one();
        }
    }
}

impl<N: News> Follower<N> {
    /// Waits until there is something to look at, and gives all of it. Dropping the future loses nothing.
    pub async fn next(&self) -> N {
        loop {
            let news = std::mem::take(&mut *self.news.lock());
            if news != N::default() {
                return news;
            }
            self.arrived.notified().await;
        }
    }
}
