//! What a balancer shall do, in the form in which it does it: patterns compiled, times as durations.
//!
//! A plan is whole: what it does not name stops. [`crate::Balancer::apply`] finds the difference to what runs.

mod group;
mod listener;
pub mod pattern;
pub mod rule;

pub(crate) use group::TargetIdentity;
pub use group::{
    Anomalies, CheckKind, GroupPlan, HealthCheck, Matcher, Registration, Resilience, Stickiness, TargetPlan,
};
pub use listener::{
    CertificatePem, LimitsPlan, ListenerHeaders, ListenerPlan, LoadBalancerPlan, NodeAddress,
};

/// All that one balancer shall do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Listeners of all load balancers.
    pub listeners: Vec<ListenerPlan>,
    /// Target groups, those that no listener names too: their targets are not checked.
    pub groups: Vec<GroupPlan>,
}
