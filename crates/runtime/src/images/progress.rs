//! How far a pull is, for whoever watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How far a pull is.
#[derive(Debug, Default)]
pub struct PullProgress(Mutex<Vec<Arc<LayerProgress>>>);

/// How far one layer is.
#[derive(Debug)]
pub struct LayerProgress {
    /// Digest as transferred.
    pub digest: String,
    /// Bytes in all, as the manifest says.
    pub total: u64,
    received: AtomicU64,
    state: Mutex<LayerState>,
}

/// What is being done with a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerState {
    /// Others come first.
    #[default]
    Waiting,
    /// It is arriving, and unpacked while it does.
    Receiving,
    /// It is here.
    Done,
    /// It was here.
    AlreadyThere,
}

impl LayerProgress {
    /// Bytes that have arrived, without those that came twice.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What is being done with it.
    pub fn state(&self) -> LayerState {
        *self.state.lock()
    }

    pub(super) fn set(&self, state: LayerState) {
        *self.state.lock() = state;
    }

    pub(super) fn received_to(&self, position: u64) {
        self.received.store(position, Ordering::Relaxed);
    }
}

impl PullProgress {
    /// The layers of the image, lowest first; none before its manifest is there.
    pub fn layers(&self) -> Vec<Arc<LayerProgress>> {
        self.0.lock().clone()
    }

    pub(super) fn begin(&self, layers: impl Iterator<Item = (String, u64)>) {
        let begun = layers.map(|(digest, total)| {
            Arc::new(LayerProgress {
                digest,
                total,
                received: AtomicU64::new(0),
                state: Mutex::default(),
            })
        });
        *self.0.lock() = begun.collect();
    }

    pub(super) fn of(&self, digest: &str) -> Option<Arc<LayerProgress>> {
        self.0.lock().iter().find(|it| it.digest == digest).cloned()
    }
}
