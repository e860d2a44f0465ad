//! Records as a plan: what the control plane keeps becomes what a balancer does.

use std::collections::HashMap;
use std::sync::Arc;

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::target::Target;
use domain::target_group::TargetGroup;
use domain::vpc::Cidr;
use domain::{LoadBalancerArn, TargetGroupArn};

use crate::plan::{CertificatePem, LoadBalancerPlan, NodeAddress, Plan};

mod groups;
mod listeners;
mod service_connect;
#[cfg(test)]
mod tests;

pub use service_connect::service_connect;

/// All records of the load balancers that one balancer serves.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Load balancers.
    pub load_balancers: Vec<LoadBalancer>,
    /// Their listeners.
    pub listeners: Vec<Listener>,
    /// Their rules, the default ones too, which say nothing that their listeners do not.
    pub rules: Vec<ListenerRule>,
    /// The groups that listeners and rules name, and others: those are not checked.
    pub target_groups: Vec<TargetGroup>,
    /// Targets of these groups that may get traffic. One whose address is not known is left out.
    pub targets: Vec<Target>,
    /// The certificates that listeners name.
    pub certificates: Vec<CertificatePem>,
    /// The range of the VPC: targets within may see the addresses of clients.
    pub vpc_cidr: Option<Cidr>,
}

impl Snapshot {
    /// What a balancer does for these records. What belongs to something that is not there is left out.
    pub fn plan(&self) -> Plan {
        let load_balancers: HashMap<&LoadBalancerArn, Arc<LoadBalancerPlan>> = self
            .load_balancers
            .iter()
            .map(|it| (&it.arn, Arc::new(load_balancer(it))))
            .collect();
        let certificates: HashMap<&str, &CertificatePem> =
            self.certificates.iter().map(|it| (&*it.arn, it)).collect();
        let mut rules: HashMap<_, Vec<&ListenerRule>> = HashMap::new();
        for rule in &self.rules {
            rules.entry(&rule.listener).or_default().push(rule);
        }
        let mut targets: HashMap<&TargetGroupArn, Vec<&Target>> = HashMap::new();
        for target in &self.targets {
            targets.entry(&target.key.group).or_default().push(target);
        }
        let listeners = self.listeners.iter().filter_map(|listener| {
            let owner = load_balancers.get(&listener.load_balancer)?.clone();
            let own = rules.get(&listener.arn).map_or(&[][..], Vec::as_slice);
            Some(listeners::listener(listener, owner, own, &certificates))
        });
        let groups = self.target_groups.iter().map(|group| {
            let own = targets.get(&group.arn).map_or(&[][..], Vec::as_slice);
            groups::group(group, own, self.vpc_cidr)
        });
        Plan {
            listeners: listeners.collect(),
            groups: groups.collect(),
        }
    }
}

fn load_balancer(record: &LoadBalancer) -> LoadBalancerPlan {
    let nodes = record.zones.iter().flat_map(|zone| {
        let name: Arc<str> = zone.name.as_str().into();
        zone.addresses.iter().map(move |ip| NodeAddress {
            ip: *ip,
            zone: name.clone(),
        })
    });
    let attributes = &record.attributes;
    let seconds = |it: u32| std::time::Duration::from_secs(it.into());
    LoadBalancerPlan {
        idle_timeout: seconds(attributes.idle_timeout_seconds),
        client_keep_alive: seconds(attributes.client_keep_alive_seconds),
        desync: attributes.desync_mitigation,
        dns_name: record.dns_name.as_str().into(),
        // a classic one leaves it alone
        preserves_host: attributes.preserves_host_header || ClassicLoadBalancer::is_arn(&record.arn),
        forwarded_for: attributes.x_forwarded_for,
        forwards_client_port: attributes.adds_client_port,
        drops_invalid_headers: attributes.drops_invalid_headers,
        adds_tls_headers: attributes.adds_tls_headers,
        http2: attributes.is_http2,
        cross_zone: record.kind == LoadBalancerKind::Application || attributes.is_cross_zone,
        access_logs: attributes.access_logs.is_enabled,
        is_classic: ClassicLoadBalancer::is_arn(&record.arn),
        ..LoadBalancerPlan::new(record.arn.as_str(), record.arn.path(), nodes.collect())
    }
}
