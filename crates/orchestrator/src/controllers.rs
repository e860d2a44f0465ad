//! Who wants what, and when. A controller is told which key to look at, never what happened.

pub mod code_deploy_deployments;
pub mod deleted_secrets;
pub mod deleted_task_definitions;
pub mod draining_instances;
pub mod draining_targets;
pub mod queued_tasks;
pub mod service_connect_proxies;
pub mod service_deployments;
pub mod target_use;
pub mod task_targets;

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use store::{Change, State, Tx};

/// What Amazon fixes and Gantry does not: intervals, and a range of addresses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a service waits before it tries again to place a task that found no room.
    pub placement_retry: Duration,
    /// How long a task without health checks has to run before it counts as healthy; Amazon waits 40 s.
    pub healthy_after: Duration,
    /// Least time between two moves of tasks to balance the container instances of a cluster, and before a move that
    /// found no room is tried again.
    pub rebalance_pause: Duration,
    /// What public addresses are given of, elastic ones and those of tasks, for all accounts.
    pub public_addresses: Ipv4Net,
}

/// Range of public addresses unless the operator has another: one that is kept for examples, RFC 5737.
pub const PUBLIC_ADDRESSES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24);

impl Default for Settings {
    fn default() -> Self {
        Self {
            placement_retry: Duration::from_secs(2),
            healthy_after: Duration::from_secs(5),
            rebalance_pause: Duration::from_secs(5),
            public_addresses: PUBLIC_ADDRESSES,
        }
    }
}

/// When a key is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something changes.
    AwaitChange,
    /// After a while, or when something changes.
    After(Duration),
    /// At once: there is more to do than one run may.
    Again,
}

impl Next {
    /// The sooner of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Again, _) | (_, Self::Again) => Self::Again,
            (Self::AwaitChange, next) | (next, Self::AwaitChange) => next,
            (Self::After(left), Self::After(right)) => Self::After(left.min(right)),
        }
    }
}

/// Keeps something true, key by key.
pub trait Controller: Send + Sync + 'static {
    /// For logs.
    const NAME: &'static str;
    /// What it looks at.
    type Key: Ord + Clone + std::fmt::Debug + Send + Sync + 'static;
    /// Keys that a change may concern; the state may be newer than the change.
    fn keys(&self, state: &State, change: &Change) -> Vec<Self::Key>;
    /// Keys to look at after a start.
    fn all_keys(&self, state: &State) -> Vec<Self::Key>;
    /// Brings the state of a key nearer to what it should be. Runs inside the transaction.
    fn reconcile(&self, tx: &mut Tx<'_>, key: &Self::Key) -> Next;
}
