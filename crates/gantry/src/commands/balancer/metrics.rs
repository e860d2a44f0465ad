//! What was counted, and what of it the agent does not know yet. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::served_load_balancer::BalancerNews;
use domain::service_connect::{ClientAliasMetrics, ServiceConnectMetrics};
use domain::{TargetGroupArn, Timestamp};

#[cfg(test)]
mod tests;

/// How often the agent is told what has changed.
pub const EVERY: Duration = Duration::from_secs(10);
/// Aliases that are told at once, some 400 bytes each.
const TOLD_AT_ONCE: usize = 500;

/// What the agent knows.
pub struct Metrics {
    since: Timestamp,
    told: BTreeMap<Arc<str>, ServiceConnectMetrics>,
}

impl Metrics {
    /// Of a proxy that begins now.
    pub fn new(since: Timestamp) -> Self {
        Self {
            since,
            told: BTreeMap::new(),
        }
    }

    /// Another agent knows nothing.
    pub fn forget_told(&mut self) {
        self.told.clear();
    }

    /// What has changed since the agent was told, in parts; it knows it then. An alias for which nothing came is told of
    /// never.
    pub fn news(&mut self, counted: Vec<(Arc<str>, ServiceConnectMetrics)>) -> Vec<BalancerNews> {
        let counted: BTreeMap<_, _> = counted.into_iter().collect();
        let unknown = ServiceConnectMetrics::default();
        let is_news =
            |name: &Arc<str>, it: &ServiceConnectMetrics| self.told.get(name).unwrap_or(&unknown) != it;
        let changed = counted.iter().filter(|(name, it)| is_news(name, it));
        let changed: Vec<ClientAliasMetrics> = changed
            .filter_map(|(name, metrics)| {
                Some(ClientAliasMetrics {
                    group: TargetGroupArn::parse(name).ok()?,
                    metrics: *metrics,
                })
            })
            .collect();
        self.told = counted;
        let parts = changed.chunks(TOLD_AT_ONCE);
        let since = self.since;
        parts
            .map(|it| BalancerNews::Counted {
                since,
                aliases: it.to_vec(),
            })
            .collect()
    }
}
