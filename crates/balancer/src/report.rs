//! What a balancer tells: changes only, in batches, the newest of each thing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::target::AnomalyDetection;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::health::machine::Health;

/// Changes that come within this time of each other are told together.
const COLLECT: Duration = Duration::from_millis(20);

/// A target in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName {
    /// The group's ARN.
    pub group: Arc<str>,
    /// What it was registered by.
    pub id: Arc<str>,
    /// Where it is reached.
    pub address: SocketAddr,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A listener listens.
    ListenerBound {
        /// Its ARN.
        listener: Arc<str>,
        /// Where.
        address: SocketAddr,
    },
    /// A listener does not listen.
    ListenerFailed {
        /// Its ARN.
        listener: Arc<str>,
        /// Where.
        address: SocketAddr,
        /// Why, for people.
        reason: String,
    },
    /// A target is healthy, or is not; [`Health`] knows Amazon's reasons.
    TargetHealth {
        /// Which.
        target: TargetName,
        /// How it is now.
        health: Health,
    },
    /// A target fails more often than its peers, or does not any more.
    TargetAnomaly {
        /// Which.
        target: TargetName,
        /// What is so now.
        anomaly: AnomalyDetection,
    },
    /// A draining target has nothing in flight any more.
    TargetIdle {
        /// Which.
        target: TargetName,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Listener(Arc<str>, SocketAddr),
    Health(TargetName),
    Anomaly(TargetName),
    Idle(TargetName),
}

impl Report {
    fn key(&self) -> Key {
        match self {
            Self::ListenerBound { listener, address }
            | Self::ListenerFailed {
                listener, address, ..
            } => Key::Listener(listener.clone(), *address),
            Self::TargetHealth { target, .. } => Key::Health(target.clone()),
            Self::TargetAnomaly { target, .. } => Key::Anomaly(target.clone()),
            Self::TargetIdle { target } => Key::Idle(target.clone()),
        }
    }
}

/// Where reports are left. What waits is bounded by the number of listeners and targets.
#[derive(Clone, Default)]
pub(crate) struct Reporter(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    reports: Mutex<BTreeMap<Key, Report>>,
    more: Notify,
}

impl Reporter {
    pub(crate) fn tell(&self, report: Report) {
        self.0.reports.lock().insert(report.key(), report);
        self.0.more.notify_one();
    }

    /// Hands batches on until nobody listens any more.
    pub(crate) async fn run(self, receiver: mpsc::Sender<Vec<Report>>) {
        loop {
            tokio::select! {
                () = self.0.more.notified() => {}
                () = receiver.closed() => return,
            }
            tokio::time::sleep(COLLECT).await;
            let batch: Vec<_> = std::mem::take(&mut *self.0.reports.lock())
                .into_values()
                .collect();
            if !batch.is_empty() && receiver.send(batch).await.is_err() {
                return;
            }
        }
    }
}
