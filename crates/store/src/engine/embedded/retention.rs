//! Which commits a follower still needs one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::CommitId;

/// Lets go of commits. Clones are the same one; the default one holds nothing.
#[derive(Clone, Debug, Default)]
pub struct Retention(Option<Arc<AtomicU64>>);

impl Retention {
    pub(super) fn after(commit: CommitId) -> Self {
        Self(Some(Arc::new(AtomicU64::new(commit.0))))
    }

    /// Commits up to that one need not be had one by one any longer. It never goes back.
    pub fn release(&self, through: CommitId) {
        if let Some(released) = &self.0 {
            released.fetch_max(through.0, Ordering::Relaxed);
        }
    }

    /// The last commit that is let go of; `None`: all are.
    pub(super) fn released(&self) -> Option<CommitId> {
        self.0.as_ref().map(|it| CommitId(it.load(Ordering::Relaxed)))
    }
}
