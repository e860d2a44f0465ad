//! Target groups and targets as they run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::listener::Protocol;
use domain::target_group::{Algorithm, ProtocolVersion};
use domain::vpc::Cidr;

pub use crate::anomaly::Anomalies;
use crate::health::machine::Health;

/// How clients stay with a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stickiness {
    /// They do not.
    #[default]
    Off,
    /// By the cookies AWSALB and AWSALBCORS, for this long after the last request.
    Duration(Duration),
    /// By AWSALBAPP-0, once the target has set the cookie of this name, for this long.
    Application {
        /// The application's cookie.
        cookie: Arc<str>,
        /// How long.
        duration: Duration,
    },
    /// By AWSELB (classic load balancers).
    Classic {
        /// Only once the target has set the application's cookie of this name.
        cookie: Option<Arc<str>>,
        /// How long; none for as long as the browser's session.
        duration: Option<Duration>,
    },
    /// By the client's address (network load balancers).
    SourceIp,
}

/// How health is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// A connection can be made.
    Tcp,
    /// A connection can be made, and TLS spoken over it.
    Tls,
    /// GET answers with a code that matches.
    Http {
        /// Whether within TLS.
        tls: bool,
        /// Path and query.
        path: Arc<str>,
        /// What answers are healthy.
        matcher: Matcher,
        /// HTTP/1.1 or HTTP/2.
        version: ProtocolVersion,
    },
    /// A unary call of this path ends with a status that matches.
    Grpc {
        /// Whether within TLS.
        tls: bool,
        /// `/package.service/method`.
        path: Arc<str>,
        /// What statuses are healthy.
        matcher: Matcher,
    },
}

/// Codes that count as healthy: ranges, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher(pub Vec<(u16, u16)>);

impl Matcher {
    /// Reads `200`, `200-299` or `200,204,300-399`; none if it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let range = |part: &str| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low <= high).then_some((low, high))
        };
        text.split(',').map(range).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether `code` is healthy.
    pub fn matches(&self, code: u16) -> bool {
        self.0.iter().any(|(low, high)| (*low..=*high).contains(&code))
    }
}

/// The health check of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// How it is asked.
    pub kind: CheckKind,
    /// A port other than the target's own.
    pub port: Option<u16>,
    /// From one check to the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Passes in a row that make an unhealthy target healthy.
    pub healthy_threshold: u32,
    /// Failures in a row that make a target unhealthy.
    pub unhealthy_threshold: u32,
    /// Passes in a row that a target needs after registration: one for Application Load Balancers.
    pub first_threshold: u32,
    /// Whether a classic load balancer asks, which calls itself otherwise.
    pub is_classic: bool,
}

/// Whether a target is to get traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It is registered.
    Registered,
    /// It is being deregistered: it gets nothing new.
    Draining,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPlan {
    /// What it was registered by: an address or an instance.
    pub id: Arc<str>,
    /// Where it is reached.
    pub address: SocketAddr,
    /// Its zone; none for `all`.
    pub zone: Option<Arc<str>>,
    /// Whether it gets traffic.
    pub registration: Registration,
    /// What was known of it before this balancer began; looked at once, when the balancer first sees the target.
    pub known: Health,
}

impl TargetPlan {
    /// What tells it from the other targets of its group: another one in any of this has connections and health of its own.
    pub(crate) fn identity(&self) -> TargetIdentity {
        (self.id.clone(), self.address, self.zone.clone())
    }
}

/// Id, address and zone of a target.
pub(crate) type TargetIdentity = (Arc<str>, SocketAddr, Option<Arc<str>>);

/// What proxies of Service Connect do: targets that fail time and again are ejected for a while, and requests are tried
/// again with another target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resilience {
    /// An answer has to be whole after this long; none for no bound.
    pub request_timeout: Option<Duration>,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its ARN.
    pub arn: Arc<str>,
    /// What is spoken with targets.
    pub protocol: Protocol,
    /// The version of HTTP.
    pub version: ProtocolVersion,
    /// How a target is chosen.
    pub algorithm: Algorithm,
    /// What is done about targets that fail more often than their peers.
    pub anomalies: Anomalies,
    /// How clients stay with a target.
    pub stickiness: Stickiness,
    /// `slow_start.duration_seconds`; zero for none.
    pub slow_start: Duration,
    /// `load_balancing.cross_zone.enabled`; none to use the load balancer's.
    pub cross_zone: Option<bool>,
    /// `target_group_health.unhealthy_state_routing.minimum_healthy_targets.count`: below it all targets get traffic. With 0,
    /// and 0 percent too, unhealthy targets never do: that is how classic load balancers are.
    pub minimum_healthy: usize,
    /// `target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage`, of registered targets.
    pub minimum_healthy_percent: usize,
    /// Health checks; none when disabled, as groups of type lambda have them.
    pub health_check: Option<HealthCheck>,
    /// `proxy_protocol_v2.enabled`.
    pub proxy_protocol: bool,
    /// `preserve_client_ip.enabled`: targets with an address in this range see the client's address and port.
    pub preserves_clients_in: Option<Cidr>,
    /// `target_health_state.unhealthy.connection_termination.enabled` of a network load balancer's group.
    pub ends_unhealthy_connections: bool,
    /// `target_health_state.unhealthy.draining_interval_seconds` of a network load balancer's group, whose connections do not
    /// end at once: when they end if the target is unhealthy still. Zero for never.
    pub unhealthy_draining: Duration,
    /// `deregistration_delay.connection_termination.enabled` of a network load balancer's group: whether connections
    /// end when a target leaves the plan. Those of an application load balancer always do.
    pub ends_connections_after_delay: bool,
    /// What only proxies of Service Connect do.
    pub resilience: Option<Resilience>,
    /// Its targets.
    pub targets: Vec<TargetPlan>,
}

impl GroupPlan {
    /// A group with the attributes that Amazon gives a new one, without health checks or targets.
    pub fn new(arn: &str, protocol: Protocol) -> Self {
        Self {
            arn: arn.into(),
            protocol,
            version: ProtocolVersion::Http1,
            algorithm: Algorithm::RoundRobin,
            anomalies: Anomalies::Ignored,
            stickiness: Stickiness::Off,
            slow_start: Duration::ZERO,
            cross_zone: None,
            minimum_healthy: 1,
            minimum_healthy_percent: 0,
            health_check: None,
            proxy_protocol: false,
            preserves_clients_in: None,
            ends_unhealthy_connections: true,
            unhealthy_draining: Duration::ZERO,
            ends_connections_after_delay: false,
            resilience: None,
            targets: Vec::new(),
        }
    }

    /// The same with the targets that were there before as they were: what only goes has not gone yet.
    pub(crate) fn beside(&self, before: &Self) -> Self {
        let mut both = self.clone();
        if self.protocol != before.protocol || self.version != before.version {
            return both;
        }
        let mut there: BTreeMap<_, _> = before.targets.iter().map(|it| (it.identity(), it)).collect();
        for target in &mut both.targets {
            if let Some(before) = there.remove(&target.identity())
                && before.registration == Registration::Registered
            {
                target.registration = Registration::Registered;
            }
        }
        both.targets.extend(there.into_values().cloned());
        both
    }
}
