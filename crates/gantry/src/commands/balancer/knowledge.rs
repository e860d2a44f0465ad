//! What a balancer has found out, and what of it the agent does not know yet. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use balancer::plan::{CertificatePem, Plan};
use balancer::report::{Report, TargetName};
use balancer::snapshot::{Snapshot, service_connect};
use domain::served_load_balancer::{
    BalancerNews, ServedCertificate, ServedClientAlias, ServedEndpoint, ServedLoadBalancer,
};
use domain::target::{AnomalyDetection, TargetHealth, TargetKey, TargetState};
use domain::{TargetGroupArn, Timestamp};

#[cfg(test)]
mod tests;

/// What is known.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Where sockets are to be.
    expected: BTreeSet<SocketAddr>,
    /// Which targets are to be checked.
    targets: BTreeSet<TargetKey>,
    /// Since when targets are registered, and drain.
    registrations: BTreeMap<TargetKey, (Timestamp, TargetState)>,
    /// Which targets drain.
    draining: BTreeSet<TargetKey>,
    /// Whose tasks wait for that.
    stopping: BTreeSet<TargetKey>,
    /// What came of sockets: why there is none.
    sockets: BTreeMap<SocketAddr, Option<String>>,
    health: BTreeMap<TargetKey, TargetHealth>,
    /// Of targets that fail more often than their peers, or did.
    anomalies: BTreeMap<TargetKey, AnomalyDetection>,
    /// Draining targets with nothing in flight.
    idle: BTreeSet<TargetKey>,
    /// What the agent knows.
    told_state: Option<BalancerNews>,
    told_health: BTreeMap<TargetKey, TargetHealth>,
    told_idle: BTreeSet<TargetKey>,
    /// What was looked at once, of what an earlier process has found out.
    is_begun: bool,
    told_anomalies: BTreeMap<TargetKey, AnomalyDetection>,
    /// Targets to which the process that was before may still have something in flight, of which it tells nobody.
    inherited: BTreeSet<TargetKey>,
}

/// What a balancer does for a load balancer.
pub fn plan(served: ServedLoadBalancer) -> Plan {
    let proxied = service_connect(&served.client_aliases);
    let snapshot = Snapshot {
        load_balancers: vec![served.load_balancer],
        listeners: served.listeners,
        rules: served.rules,
        target_groups: served.target_groups,
        targets: served.targets,
        certificates: served.certificates.into_iter().map(certificate).collect(),
        vpc_cidr: Some(served.network.vpc_cidr),
    };
    let mut plan = snapshot.plan();
    plan.listeners.extend(proxied.listeners);
    plan.groups.extend(proxied.groups);
    plan
}

/// An endpoint of a client alias, as targets are called.
fn endpoint_key(alias: &ServedClientAlias, it: &ServedEndpoint) -> TargetKey {
    TargetKey {
        group: alias.group.clone(),
        id: it.task.as_str().to_owned(),
        port: it.port,
    }
}

fn certificate(it: ServedCertificate) -> CertificatePem {
    CertificatePem {
        arn: it.arn.as_str().into(),
        chain: it.chain.into(),
        key: it.key.into(),
    }
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
        let aliases = &served.client_aliases;
        self.expected.extend(
            aliases
                .iter()
                .map(|it| SocketAddr::new(it.address.into(), it.port)),
        );
        let registered = served
            .targets
            .iter()
            .filter(|it| it.state == TargetState::Registered);
        self.targets = registered.map(|it| it.key.clone()).collect();
        let targets = served.targets.iter().map(|it| &it.key);
        self.draining = targets.filter(|it| !self.targets.contains(it)).cloned().collect();
        let endpoints = aliases.iter().flat_map(|alias| {
            let draining = alias.endpoints.iter().filter(|it| it.is_draining);
            draining.map(move |it| endpoint_key(alias, it))
        });
        self.draining.extend(endpoints);
        let stopping = aliases.iter().flat_map(|alias| {
            let stopping = alias.endpoints.iter().filter(|it| it.is_stopping);
            stopping.map(move |it| endpoint_key(alias, it))
        });
        let stopping: BTreeSet<TargetKey> = stopping.collect();
        // As long as they only drained, nobody kept that they are idle.
        for it in stopping.difference(&self.stopping) {
            self.told_idle.remove(it);
        }
        self.stopping = stopping;
        if !std::mem::replace(&mut self.is_begun, true) {
            // Another process has found that out; this one takes it back until it finds it out itself.
            let stored = served.targets.iter().filter(|it| !it.anomaly.is_normal());
            let taken_back = stored.map(|it| (it.key.clone(), AnomalyDetection::default()));
            self.anomalies.extend(taken_back);
        }
        let Self {
            expected,
            targets,
            draining,
            ..
        } = self;
        self.sockets.retain(|it, _| expected.contains(it));
        self.health.retain(|it, _| targets.contains(it));
        self.anomalies.retain(|it, _| targets.contains(it));
        self.told_anomalies.retain(|it, _| targets.contains(it));
        self.told_health.retain(|it, _| targets.contains(it));
        self.idle.retain(|it| draining.contains(it));
        self.told_idle.retain(|it| draining.contains(it));
        self.forget_told_not_kept(served);
    }

    /// What was told of a target that was registered or deregistered anew in between is not known any more, though nothing
    /// has changed here: it is told again. So is health that just crossed this on its way, which does no harm.
    fn forget_told_not_kept(&mut self, served: &ServedLoadBalancer) {
        let registrations = served.targets.iter();
        let registrations = registrations.map(|it| (it.key.clone(), (it.registered_at, it.state)));
        let before = std::mem::replace(&mut self.registrations, registrations.collect());
        for it in &served.targets {
            let known = before.get(&it.key);
            if known.is_some_and(|(_, state)| *state != it.state) {
                self.told_idle.remove(&it.key);
            }
            if known.is_some_and(|(since, _)| *since != it.registered_at) {
                self.told_anomalies.remove(&it.key);
            }
            if self
                .told_health
                .get(&it.key)
                .is_some_and(|told| *told != it.health)
            {
                self.told_health.remove(&it.key);
            }
        }
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
                    if let Some(key) = key(&target).filter(|it| self.targets.contains(it)) {
                        self.health.insert(key, health.record());
                    }
                }
                Report::TargetAnomaly { target, anomaly } => {
                    if let Some(key) = key(&target).filter(|it| self.targets.contains(it)) {
                        self.anomalies.insert(key, anomaly);
                    }
                }
                Report::TargetIdle { target } => {
                    self.idle
                        .extend(key(&target).filter(|it| self.draining.contains(it)));
                }
            }
        }
    }

    /// What is served, with the health of targets that is known by now.
    pub fn with_health(&self, served: &ServedLoadBalancer) -> ServedLoadBalancer {
        let mut served = served.clone();
        for target in &mut served.targets {
            if let Some(health) = self.health.get(&target.key) {
                target.health = health.clone();
            }
        }
        served
    }

    /// The process that was before has these targets too, and ends what it has with them.
    pub fn inherit(&mut self, served: &ServedLoadBalancer) {
        self.inherited = served.targets.iter().map(|it| it.key.clone()).collect();
    }

    /// Whether that process may still have something in flight.
    pub fn inherits(&self) -> bool {
        !self.inherited.is_empty()
    }

    /// That process has ended.
    pub fn is_heir_no_more(&mut self) {
        self.inherited.clear();
    }

    /// Another agent knows nothing.
    pub fn forget_told(&mut self) {
        self.told_state = None;
        self.told_health.clear();
        self.told_anomalies.clear();
        self.told_idle.clear();
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
        for (target, anomaly) in &self.anomalies {
            if self.told_anomalies.get(target) != Some(anomaly) {
                news.push(BalancerNews::Anomaly {
                    target: target.clone(),
                    anomaly: *anomaly,
                });
            }
        }
        self.told_anomalies.clone_from(&self.anomalies);
        let idle = self.idle.difference(&self.told_idle);
        let idle: Vec<TargetKey> = idle.filter(|it| !self.inherited.contains(it)).cloned().collect();
        for target in idle {
            self.told_idle.insert(target.clone());
            news.push(BalancerNews::Idle { target });
        }
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

/// The target that a balancer calls so.
fn key(target: &TargetName) -> Option<TargetKey> {
    Some(TargetKey {
        group: TargetGroupArn::parse(&target.group).ok()?,
        id: target.id.to_string(),
        port: target.address.port(),
    })
}
