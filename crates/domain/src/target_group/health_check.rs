//! How the health of targets is found out, and what is taken where nothing was said.

use serde::{Deserialize, Serialize};

use super::{ProtocolVersion, TargetType};
use crate::listener::Protocol;
use crate::load_balancer::LoadBalancerKind;

/// How health is found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// HTTP, HTTPS or TCP.
    pub protocol: Protocol,
    /// Where.
    pub port: HealthCheckPort,
    /// What is asked for with HTTP and HTTPS; with gRPC the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// From one check to the next, 5 to 300.
    pub interval_seconds: u32,
    /// 2 to 120.
    pub timeout_seconds: u32,
    /// Good checks in a row before an unhealthy target is healthy, 2 to 10.
    pub healthy_threshold: u32,
    /// Bad checks in a row before a target is unhealthy, 2 to 10.
    pub unhealthy_threshold: u32,
    /// Which answers are good; of HTTP and HTTPS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
}

/// Where a health check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheckPort {
    /// To the port that gets requests.
    TrafficPort,
    /// To another.
    Port(u16),
}

impl HealthCheckPort {
    /// Reads a number from 1 to 65535 or `traffic-port`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "traffic-port" => Some(Self::TrafficPort),
            _ => text.parse().ok().filter(|it| *it > 0).map(Self::Port),
        }
    }
}

impl std::fmt::Display for HealthCheckPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TrafficPort => f.write_str("traffic-port"),
            Self::Port(it) => it.fmt(f),
        }
    }
}

/// Which answers are good: codes and ranges of codes, `200,202` or `200-299`, as given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matcher {
    /// Codes of HTTP.
    Http(String),
    /// Codes of gRPC.
    Grpc(String),
}

impl Matcher {
    /// The codes as given.
    pub fn codes(&self) -> &str {
        match self {
            Self::Http(it) | Self::Grpc(it) => it,
        }
    }

    /// Whether an answer of this code is good.
    pub fn is_good(&self, code: u16) -> bool {
        ranges(self.codes()).is_some_and(|it| it.iter().any(|it| it.contains(&code)))
    }
}

/// Whether a text holds codes and ranges of codes that all lie within bounds.
pub fn is_matcher(codes: &str, bounds: std::ops::RangeInclusive<u16>) -> bool {
    ranges(codes).is_some_and(|it| {
        it.iter()
            .all(|it| bounds.contains(it.start()) && bounds.contains(it.end()) && it.start() <= it.end())
    })
}

fn ranges(codes: &str) -> Option<Vec<std::ops::RangeInclusive<u16>>> {
    codes
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        })
        .collect()
}

impl HealthCheck {
    /// What a group gets that says nothing; `protocol` is that of the check if it was given.
    pub fn new(
        group: Protocol,
        version: Option<ProtocolVersion>,
        target_type: TargetType,
        protocol: Option<Protocol>,
    ) -> Self {
        let kind = group.kind();
        let protocol = protocol.unwrap_or(match (kind, target_type) {
            (_, TargetType::Alb) | (LoadBalancerKind::Application, _) => Protocol::Http,
            (LoadBalancerKind::Network, _) => Protocol::Tcp,
        });
        let is_http = protocol.kind() == LoadBalancerKind::Application;
        let is_grpc = version == Some(ProtocolVersion::Grpc);
        let (path, matcher) = match (kind, is_grpc) {
            (_, true) => ("/AWS.ALB/healthcheck", Matcher::Grpc("12".to_owned())),
            (LoadBalancerKind::Application, false) => ("/", Matcher::Http("200".to_owned())),
            (LoadBalancerKind::Network, false) => ("/", Matcher::Http("200-399".to_owned())),
        };
        let timeout_seconds = match (kind, protocol) {
            (LoadBalancerKind::Application, _) => 5,
            (LoadBalancerKind::Network, Protocol::Http) => 6,
            (LoadBalancerKind::Network, _) => 10,
        };
        Self {
            protocol,
            port: HealthCheckPort::TrafficPort,
            path: is_http.then(|| path.to_owned()),
            interval_seconds: 30,
            timeout_seconds,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: is_http.then_some(matcher),
        }
    }
}
