//! What a balancer has found out, and what of it the agent does not know yet. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use balancer::plan::Plan;
use balancer::report::Report;
use balancer::snapshot::Snapshot;
use domain::TargetGroupArn;
use domain::served_load_balancer::{BalancerNews, ServedLoadBalancer};
use domain::target::{TargetHealth, TargetKey, TargetState};

#[cfg(test)]
mod tests;

/// What is known.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Where sockets are to be.
    expected: BTreeSet<SocketAddr>,
    /// Which targets are to be checked.
    targets: BTreeSet<TargetKey>,
    /// What came of sockets: why there is none.
    sockets: BTreeMap<SocketAddr, Option<String>>,
    health: BTreeMap<TargetKey, TargetHealth>,
    /// What the agent knows.
    told_state: Option<BalancerNews>,
    told_health: BTreeMap<TargetKey, TargetHealth>,
}

/// What a balancer does for a load balancer.
pub fn plan(served: ServedLoadBalancer) -> Plan {
    let snapshot = Snapshot {
        load_balancers: vec![served.load_balancer],
        listeners: served.listeners,
        rules: served.rules,
        target_groups: served.target_groups,
        targets: served.targets,
        certificates: Vec::new(),
    };
    snapshot.plan()
}

impl Knowledge {
    /// What comes of this is waited for; what is known of anything else is forgotten.
    pub fn expect(&mut self, served: &ServedLoadBalancer) {
        let zones = &served.load_balancer.zones;
        let ports = served.listeners.iter().map(|it| it.port);
        self.expected = ports
            .flat_map(|port| {
                let addresses = zones.iter().flat_map(|it| &it.addresses);
                addresses.map(move |it| SocketAddr::new(*it, port))
            })
            .collect();
        let registered = served
            .targets
            .iter()
            .filter(|it| it.state == TargetState::Registered);
        self.targets = registered.map(|it| it.key.clone()).collect();
        let Self {
            expected, targets, ..
        } = self;
        self.sockets.retain(|it, _| expected.contains(it));
        self.health.retain(|it, _| targets.contains(it));
        self.told_health.retain(|it, _| targets.contains(it));
    }

    /// Takes over what the balancer says.
    pub fn learn(&mut self, batch: Vec<Report>) {
        for report in batch {
            match report {
                Report::ListenerBound { address, .. } => drop(self.sockets.insert(address, None)),
                Report::ListenerFailed { address, reason, .. } => {
                    self.sockets.insert(address, Some(reason));
                }
                Report::TargetHealth { target, health } => {
                    let Ok(group) = TargetGroupArn::parse(&target.group) else {
                        continue;
                    };
                    let key = TargetKey {
                        group,
                        id: target.id.to_string(),
                        port: target.address.port(),
                    };
                    if self.targets.contains(&key) {
                        self.health.insert(key, health.record());
                    }
                }
                // Who waits for that does not listen here yet.
                Report::TargetIdle { .. } => {}
            }
        }
    }

    /// Another agent knows nothing.
    pub fn forget_told(&mut self) {
        self.told_state = None;
        self.told_health.clear();
    }

    /// What the agent does not know yet; it does then.
    pub fn news(&mut self) -> Vec<BalancerNews> {
        let mut news = Vec::new();
        if let Some(state) = self.state().filter(|it| self.told_state.as_ref() != Some(it)) {
            news.push(state.clone());
            self.told_state = Some(state);
        }
        for (target, health) in &self.health {
            if self.told_health.get(target) != Some(health) {
                news.push(BalancerNews::Health {
                    target: target.clone(),
                    health: health.clone(),
                });
            }
        }
        self.told_health.clone_from(&self.health);
        news
    }

    /// `None` as long as nothing is known of a socket.
    fn state(&self) -> Option<BalancerNews> {
        let mut failures = Vec::new();
        for address in &self.expected {
            if let Some(reason) = self.sockets.get(address)? {
                failures.push(format!("{address}: {reason}"));
            }
        }
        Some(match failures.is_empty() {
            true => BalancerNews::Serves,
            false => BalancerNews::Fails {
                reason: failures.join("; "),
            },
        })
    }
}
