//! What the balancer of a load balancer has to know, and what it tells of it. A host is sent the one and sends the
//! other.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::listener::Listener;
use crate::listener_rule::ListenerRule;
use crate::load_balancer::LoadBalancer;
use crate::service_connect::{AppProtocol, ClientAliasMetrics};
use crate::target::{AnomalyDetection, Target, TargetHealth, TargetKey};
use crate::target_group::TargetGroup;
use crate::vpc::Cidr;

#[cfg(test)]
mod tests;
use crate::{CertificateArn, LoadBalancerArn, TargetGroupArn, TaskArn, Timestamp};

/// A load balancer with all that belongs to it: whole, so that the last one sent is all that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedLoadBalancer {
    /// Itself.
    pub load_balancer: LoadBalancer,
    /// Where it is.
    pub network: LoadBalancerNetwork,
    /// Its listeners.
    pub listeners: Vec<Listener>,
    /// Their rules in the order they are tried, the default ones too.
    pub rules: Vec<ListenerRule>,
    /// Those that rules forward to.
    pub target_groups: Vec<TargetGroup>,
    /// Their targets, draining ones too.
    pub targets: Vec<Target>,
    /// Names of Service Connect that it serves, each at its own address: it is no load balancer then, but the proxy of a
    /// host in a VPC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_aliases: Vec<ServedClientAlias>,
    /// Those that its listeners show, with their keys.
    #[serde(default)]
    pub certificates: Vec<ServedCertificate>,
    /// The id by which targets name the host that is told: it alone knows where its load balancers find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_instance: Option<String>,
    /// Seals the cookies that it gives to clients; the same after every restart.
    pub cookie_key: [u8; 32],
}

/// A client alias as a proxy serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedClientAlias {
    /// What its endpoints are called as a group: each is told of by the ARN of its task.
    pub group: TargetGroupArn,
    /// The virtual address of its name.
    pub address: Ipv4Addr,
    /// Where clients connect.
    pub port: u16,
    /// What endpoints speak.
    pub protocol: AppProtocol,
    /// In seconds; 0 is never.
    pub idle_timeout_seconds: u32,
    /// In seconds; 0 is no bound.
    pub per_request_timeout_seconds: u32,
    /// Who answers.
    pub endpoints: Vec<ServedEndpoint>,
}

/// A task that answers what comes to a client alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedEndpoint {
    /// Which.
    pub task: TaskArn,
    /// Where it is; `None` is the host that is told.
    pub address: Option<Ipv4Addr>,
    /// On which port.
    pub port: u16,
    /// It gets nothing new.
    pub is_draining: bool,
    /// Its task waits for it to be idle, and hears of that again.
    #[serde(default)]
    pub is_stopping: bool,
}

/// A certificate as a balancer shows it. Its key is in the clear: it is on its way to where it is used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedCertificate {
    /// Which.
    pub arn: CertificateArn,
    /// The certificate, then its chain, as PEM.
    pub chain: String,
    /// Its private key, as PEM.
    pub key: String,
}

/// Says nothing of the key.
impl std::fmt::Debug for ServedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedCertificate")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// Where a load balancer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerNetwork {
    /// Range of its VPC.
    pub vpc_cidr: Cidr,
    /// The router of its first subnet.
    pub gateway: Ipv4Addr,
}

impl ServedLoadBalancer {
    /// Fills in where targets are that are the host itself: at the traffic port of `address`.
    #[must_use]
    pub fn with_host_at(&self, address: Ipv4Addr) -> Self {
        let mut served = self.clone();
        for target in &mut served.targets {
            let is_own = self.own_instance.as_ref() == Some(&target.key.id);
            if is_own && target.address.is_none() {
                target.address = Some(SocketAddr::from((address, target.key.port)));
            }
        }
        for endpoint in served.client_aliases.iter_mut().flat_map(|it| &mut it.endpoints) {
            endpoint.address.get_or_insert(address);
        }
        served
    }
}

/// What a host is sent of load balancers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancersMessage {
    /// These are all: others are not served by this host any more.
    pub is_whole: bool,
    /// Those that are new or have changed.
    pub served: Vec<ServedLoadBalancer>,
    /// Those that are gone.
    pub gone: Vec<LoadBalancerArn>,
}

/// What a balancer has found out, as far as it has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerReport {
    /// Of which load balancer.
    pub load_balancer: LoadBalancerArn,
    /// What it says.
    pub news: Vec<BalancerNews>,
}

/// One thing that a balancer has found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BalancerNews {
    /// All that it was sent is in force: its addresses answer.
    Serves,
    /// It cannot be served at all.
    Fails {
        /// Why.
        reason: String,
    },
    /// Lines of its access log.
    Logged {
        /// Without their ends, in order.
        lines: Vec<String>,
    },
    /// Nothing is in flight any more to a target that drains.
    Idle {
        /// Which.
        target: TargetKey,
    },
    /// How a target is.
    Health {
        /// Which.
        target: TargetKey,
        /// How.
        health: TargetHealth,
    },
    /// Whether a target fails more often than its peers.
    Anomaly {
        /// Which.
        target: TargetKey,
        /// What is so now.
        anomaly: AnomalyDetection,
    },
    /// What a proxy of Service Connect has counted of aliases of which that has changed.
    Counted {
        /// When the proxy began.
        since: Timestamp,
        /// From then on.
        aliases: Vec<ClientAliasMetrics>,
    },
}
