//! Classic load balancers: the first kind that Amazon had. One has its listeners, instances and policies within it.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/introduction.html>

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::listener::Protocol;
use crate::load_balancer::{DesyncMitigation, LoadBalancerState, LoadBalancerZone, Scheme};
use crate::ssl_policy::SslPolicy;
use crate::tags::Pair;
use crate::target::{TargetHealth, TargetHealthState};
use crate::{LoadBalancerArn, Scope, TaskArn, Timestamp};

mod health_check;
mod instance_state;
mod served;
#[cfg(test)]
mod tests;

pub use health_check::{CheckTarget, ClassicHealthCheck, InvalidCheckTarget};
pub use instance_state::InstanceState;

/// Most instances of a classic load balancer.
pub const INSTANCES_MAX: usize = 1000;

/// What stands in ARNs where that of another load balancer says `app` or `net`; clients never see them.
const ARN_WORD: &str = "classic";

/// A classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassicLoadBalancer {
    /// The record's key, of Gantry's own making: clients know it by its name.
    pub arn: LoadBalancerArn,
    /// Unique among the classic ones of the scope; another kind may have the same.
    pub name: String,
    /// Whom it serves.
    pub scheme: Scheme,
    /// The VPC of its subnets.
    pub vpc_id: String,
    /// One of each availability zone at most, in the order of the zones' names.
    pub zones: Vec<LoadBalancerZone>,
    /// `sg-…`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// The name that stands for its addresses.
    pub dns_name: String,
    /// How far it is: written by the session of the balancer that serves it.
    pub state: LoadBalancerState,
    /// By port.
    pub listeners: Vec<ClassicListener>,
    /// In the order of their registration, draining ones too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<ClassicInstance>,
    /// How the health of instances is found out.
    pub health_check: ClassicHealthCheck,
    /// In the order they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<ClassicPolicy>,
    /// How it treats what comes.
    pub attributes: ClassicAttributes,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// A port of a classic load balancer, and the port of instances that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassicListener {
    /// Where it listens; once per load balancer.
    pub port: u16,
    /// What clients speak: HTTP, HTTPS, TCP, or TLS, which is called SSL here.
    pub protocol: Protocol,
    /// Where instances get what comes.
    pub instance_port: u16,
    /// What instances speak.
    pub instance_protocol: Protocol,
    /// The ARN of the certificate that clients are shown, if it speaks TLS with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Names of policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// An instance of a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassicInstance {
    /// `i-…`
    pub id: String,
    /// Where it is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was deregistered, if what is in flight to it may still end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draining_since: Option<Timestamp>,
    /// What the balancer says of it, by the port of the listener: each checks by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub health: BTreeMap<u16, TargetHealth>,
    /// Tasks whose services have registered it; none if somebody else has.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tasks: BTreeSet<TaskArn>,
    /// Ports of listeners behind which nothing is in flight to it any more, if it drains.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub idle: BTreeSet<u16>,
}

/// A policy of a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassicPolicy {
    /// Unique in the load balancer.
    pub name: String,
    /// What it says.
    pub kind: ClassicPolicyKind,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassicPolicyKind {
    /// A cookie of the load balancer keeps clients with their instances.
    LbCookie {
        /// How long, in seconds; `None` is as long as the browser's session.
        seconds: Option<u32>,
    },
    /// Clients stay with their instances as long as a cookie of the application lives.
    AppCookie {
        /// Its name.
        cookie: String,
    },
}

/// Attributes of a classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassicAttributes {
    /// Whether each zone's address uses instances of all zones.
    pub is_cross_zone: bool,
    /// How long instances drain, in seconds from 1 to 3600; `None`: they do not.
    pub draining_seconds: Option<u32>,
    /// How long they did when draining was switched off, or shall when it is switched on again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_draining_seconds: Option<u32>,
    /// 1 to 4000.
    pub idle_timeout_seconds: u32,
    /// `elb.http.desyncmitigationmode`
    pub desync_mitigation: DesyncMitigation,
}

impl Default for ClassicAttributes {
    /// As for one that is made through the API.
    fn default() -> Self {
        Self {
            is_cross_zone: false,
            draining_seconds: None,
            kept_draining_seconds: None,
            idle_timeout_seconds: 60,
            desync_mitigation: DesyncMitigation::Defensive,
        }
    }
}

impl ClassicLoadBalancer {
    /// The ARN of a new one: `id` are 16 hexadecimal digits.
    pub fn new_arn(scope: &Scope, name: &str, id: &str) -> LoadBalancerArn {
        LoadBalancerArn::new(scope, &[ARN_WORD, name, id])
    }

    /// What the ARN of the one of that name begins with; of an empty name, that of all of them.
    pub fn beginning_of_arn(scope: &Scope, name: &str) -> LoadBalancerArn {
        match name {
            "" => LoadBalancerArn::new(scope, &[ARN_WORD, ""]),
            name => LoadBalancerArn::new(scope, &[ARN_WORD, name, ""]),
        }
    }

    /// Whether an ARN is that of a classic load balancer.
    pub fn is_arn(arn: &LoadBalancerArn) -> bool {
        arn.path().split('/').next() == Some(ARN_WORD)
    }

    /// What clients know it by in ARNs, which have no digits: `loadbalancer/<name>`. `None` for one of another kind.
    pub fn public_arn(arn: &LoadBalancerArn) -> Option<String> {
        let mut parts = arn.path().split('/');
        let name = parts.next().filter(|it| *it == ARN_WORD).and(parts.next())?;
        let Scope { account, region } = arn.scope();
        Some(format!(
            "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{name}"
        ))
    }

    /// The security policy of its listeners, if any speaks TLS.
    pub fn ssl_policy(&self) -> Option<&'static str> {
        self.listeners.iter().find_map(ClassicListener::ssl_policy)
    }

    /// The listener of a port.
    pub fn listener(&self, port: u16) -> Option<&ClassicListener> {
        self.listeners.iter().find(|it| it.port == port)
    }

    /// An instance, be it that it drains.
    pub fn instance(&self, id: &str) -> Option<&ClassicInstance> {
        self.instances.iter().find(|it| it.id == id)
    }

    /// Whether any listener leads to a port of instances.
    pub fn leads_to(&self, instance_port: u16) -> bool {
        self.listeners.iter().any(|it| it.instance_port == instance_port)
    }

    /// Whether nothing is in flight any more to an instance that drains.
    pub fn is_idle(&self, instance: &ClassicInstance) -> bool {
        let mut ports = self.listeners.iter().map(|it| it.port);
        ports.all(|it| instance.idle.contains(&it))
    }

    /// Instances that are registered: those that drain are not any more.
    pub fn registered(&self) -> impl Iterator<Item = &ClassicInstance> {
        self.instances.iter().filter(|it| it.draining_since.is_none())
    }

    /// Whether it is in the zone of an instance.
    pub fn is_in_zone_of(&self, instance: &ClassicInstance) -> bool {
        let zone = instance.zone.as_deref();
        zone.is_none_or(|zone| self.zones.iter().any(|it| it.name == zone))
    }

    /// How an instance is: healthy if it is behind all listeners, so that whoever waits for that finds all of them open.
    pub fn health_of(&self, instance: &ClassicInstance) -> TargetHealth {
        let all = self.listeners.iter().map(|it| instance.health_at(it.port));
        let rank = |it: &TargetHealth| match it.state {
            TargetHealthState::Healthy => 0,
            TargetHealthState::Initial => 1,
            _ => 2,
        };
        let worst = all.max_by_key(rank);
        worst.unwrap_or_else(|| TargetHealth::at_first(true))
    }

    /// What its name stands for: without cross-zone load balancing, addresses of zones without instances that are in
    /// service are left out, as long as there are others.
    pub fn resolved(&self) -> Vec<IpAddr> {
        let serves = |zone: &&LoadBalancerZone| {
            let mut of_zone = self.registered().filter(|it| {
                let own = it.zone.as_deref();
                own.is_none_or(|own| own == zone.name)
            });
            of_zone.any(|it| self.health_of(it).state == TargetHealthState::Healthy)
        };
        let mut zones: Vec<&LoadBalancerZone> = self.zones.iter().filter(serves).collect();
        if self.attributes.is_cross_zone || zones.is_empty() {
            zones = self.zones.iter().collect();
        }
        zones.iter().flat_map(|it| it.addresses.iter().copied()).collect()
    }
}

impl ClassicListener {
    /// Its security policy, if it speaks TLS: the default one.
    pub fn ssl_policy(&self) -> Option<&'static str> {
        self.protocol.is_encrypted().then_some(SslPolicy::DEFAULT)
    }
}

impl ClassicInstance {
    /// One that was just registered.
    pub fn new(id: String, zone: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            zone,
            registered_at: now,
            draining_since: None,
            health: BTreeMap::new(),
            tasks: BTreeSet::new(),
            idle: BTreeSet::new(),
        }
    }

    /// How it is behind the listener of a port.
    pub fn health_at(&self, port: u16) -> TargetHealth {
        let known = self.health.get(&port).cloned();
        known.unwrap_or_else(|| TargetHealth::at_first(true))
    }
}

/// The word of the wire for a protocol.
pub fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tls => "SSL",
        other => other.as_str(),
    }
}

/// The protocol of a word, which may be in any case.
pub fn parse_protocol(word: &str) -> Option<Protocol> {
    let known = [Protocol::Http, Protocol::Https, Protocol::Tcp, Protocol::Tls];
    known
        .into_iter()
        .find(|it| protocol_word(*it).eq_ignore_ascii_case(word))
}
