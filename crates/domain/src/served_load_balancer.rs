//! What the balancer of a load balancer has to know, and what it tells of it. A host is sent the one and sends the
//! other.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::LoadBalancerArn;
use crate::listener::Listener;
use crate::listener_rule::ListenerRule;
use crate::load_balancer::LoadBalancer;
use crate::target::{Target, TargetHealth, TargetKey};
use crate::target_group::TargetGroup;
use crate::vpc::Cidr;

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
    /// Seals the cookies that it gives to clients; the same after every restart.
    pub cookie_key: [u8; 32],
}

/// Where a load balancer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerNetwork {
    /// Range of its VPC.
    pub vpc_cidr: Cidr,
    /// The router of its first subnet.
    pub gateway: Ipv4Addr,
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
    /// How a target is.
    Health {
        /// Which.
        target: TargetKey,
        /// How.
        health: TargetHealth,
    },
}
