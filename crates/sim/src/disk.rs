//! The disk that outlives control planes, and the fuse by which each of them dies between two commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::engine::{Batch, Engine, Loaded, Operation};
use store::{Memory, StoreError};

/// Counts the commits that a control plane may still make.
#[derive(Clone)]
pub struct Fuse(Arc<AtomicU64>);

impl Fuse {
    /// One that does not burn by itself.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// Lets so many more commits become durable, and none after them.
    pub fn burn_after(&self, commits: u64) {
        self.0.store(commits, Ordering::Relaxed);
    }

    /// No commit becomes durable any more.
    pub fn is_burnt(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn burn_one(&self) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), Ordering::Relaxed);
    }
}

/// What one control plane writes to.
pub struct Mounted {
    /// Shared by all that were and will be.
    pub disk: Memory,
    /// Its own.
    pub fuse: Fuse,
}

impl Engine for Mounted {
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError> {
        self.require_alive("read")?;
        self.disk.load(visit)
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.require_alive("write")?;
        self.disk.append(batch)?;
        self.fuse.burn_one();
        Ok(())
    }
}

impl Mounted {
    fn require_alive(&self, doing: &'static str) -> Result<(), StoreError> {
        if self.fuse.is_burnt() {
            let cause = "the control plane was killed".to_owned();
            return Err(StoreError::Io { doing, cause });
        }
        Ok(())
    }
}
