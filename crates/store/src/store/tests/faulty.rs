//! An engine that blocks or fails when a test wants it to.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::engine::{Batch, Engine, Loaded, Operation};
use crate::{Memory, StoreError};

/// The memory engine with faults.
pub struct Faulty {
    inner: Memory,
    faults: Arc<Faults>,
}

/// What is wrong with it now.
#[derive(Default)]
pub struct Faults {
    fault: Mutex<Fault>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    Block,
    Blocked,
    Fail,
}

impl Faulty {
    pub fn new() -> (Self, Arc<Faults>) {
        let faults = Arc::new(Faults::default());
        let inner = Memory::default();
        let engine = Self {
            inner,
            faults: Arc::clone(&faults),
        };
        (engine, faults)
    }

    fn check(&self) -> Result<(), StoreError> {
        match *self.faults.fault.lock() {
            Fault::Fail => Err(StoreError::Io {
                doing: "write",
                cause: "the test wants it".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl Faults {
    pub fn block(&self) {
        self.set(Fault::Block);
    }

    pub fn fail(&self) {
        self.set(Fault::Fail);
    }

    pub fn heal(&self) {
        self.set(Fault::None);
    }

    pub async fn wait_until_blocked(self: &Arc<Self>, deadline: Duration) {
        let faults = Arc::clone(self);
        let wait = move || {
            let mut fault = faults.fault.lock();
            let waited = faults
                .changed
                .wait_while_for(&mut fault, |it| *it != Fault::Blocked, deadline);
            assert!(!waited.timed_out());
        };
        tokio::task::spawn_blocking(wait)
            .await
            .expect("is blocked in time");
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock() = fault;
        self.changed.notify_all();
    }
}

impl Engine for Faulty {
    fn load(
        &mut self,
        visit: &mut dyn FnMut(Operation) -> Result<(), StoreError>,
    ) -> Result<Loaded, StoreError> {
        self.check()?;
        self.inner.load(visit)
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut fault = self.faults.fault.lock();
        if *fault == Fault::Block {
            *fault = Fault::Blocked;
            self.faults.changed.notify_all();
            self.faults
                .changed
                .wait_while(&mut fault, |it| *it == Fault::Blocked);
        }
        drop(fault);
        self.check()?;
        self.inner.append(batch)
    }
}
