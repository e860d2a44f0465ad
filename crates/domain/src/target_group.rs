//! Target groups: who may get requests, how they are spoken to, and how their health is found out.

use serde::{Deserialize, Serialize};

use crate::listener::Protocol;
use crate::load_balancer::LoadBalancerKind;
use crate::tags::Pair;
use crate::{TargetGroupArn, Timestamp};

mod attributes;
mod health_check;

pub use attributes::{Algorithm, CrossZone, MinimumHealthy, Stickiness, TargetGroupAttributes};
pub use health_check::{HealthCheck, HealthCheckPort, Matcher, is_matcher};

#[cfg(test)]
mod tests;

/// A group of targets. Targets are records of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// The record's key.
    pub arn: TargetGroupArn,
    /// Unique in the scope.
    pub name: String,
    /// What its targets are named by.
    pub target_type: TargetType,
    /// What targets speak.
    pub protocol: Protocol,
    /// Which version of HTTP they speak; of HTTP and HTTPS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<ProtocolVersion>,
    /// Of targets that name none.
    pub port: u16,
    /// Where the targets are.
    pub vpc_id: String,
    /// How health is found out.
    pub health_check: HealthCheck,
    /// How requests are shared out.
    pub attributes: TargetGroupAttributes,
    /// When it was made.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl TargetGroup {
    /// Whether targets see the addresses of clients instead of that of their load balancer. Those that are instances are
    /// ports of hosts, from which answers would not find back: they never do.
    pub fn preserves_clients(&self) -> bool {
        let is_network = self.protocol.kind() == LoadBalancerKind::Network;
        let is_in_vpc = matches!(self.target_type, TargetType::Ip | TargetType::Alb);
        is_network && is_in_vpc && self.attributes.preserves_client_ip
    }
}

/// What targets are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TargetType {
    /// The id of an EC2 instance.
    Instance,
    /// An address.
    Ip,
    /// The ARN of an application load balancer.
    Alb,
}

impl TargetType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
            Self::Alb => "alb",
        }
    }
}

/// Which version of HTTP targets speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProtocolVersion {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
}

impl ProtocolVersion {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP1",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
        }
    }
}
