//! Service Connect: names and ports by which tasks reach a service, whatever tasks that has.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts.html>
//!
//! ```text
//!  task ─▶ name ─▶ virtual address : port (ClientAlias) ─▶ proxy of the host ─▶ endpoints (tasks of the service)
//! ```

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::container_definition::LogConfiguration;
use crate::vpc::Cidr;
use crate::{LoadBalancerArn, Scope, ServiceArn, TargetGroupArn};

mod metrics;
#[cfg(test)]
mod tests;

pub use metrics::{ClientAliasMetrics, ServiceConnectMetrics};

/// How long a task that stops may still answer what it has been asked, in seconds.
pub const DRAIN_SECONDS: u32 = 20;
/// Where virtual addresses are: link-local, so that no VPC has a range of it.
pub const VIRTUAL_ADDRESSES: Cidr = Cidr {
    network: Ipv4Addr::new(169, 254, 64, 0),
    prefix: 18,
};
/// How many there are, without the first and the last.
const BLOCK_SIZE: u32 = (1 << 14) - 2;

/// `serviceConnectConfiguration` of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectConfiguration {
    /// Whether it takes part.
    pub is_enabled: bool,
    /// As given, or the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `ns-…` of that namespace, if it takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<String>,
    /// What it offers; a service that is only a client offers nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConnectService>,
    /// Kept and shown: there is no proxy in the task that has a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
}

impl ServiceConnectConfiguration {
    /// What is offered to others.
    pub fn offered(&self) -> &[ServiceConnectService] {
        match self.is_enabled {
            true => &self.services,
            false => &[],
        }
    }
}

/// A port of a service that others can reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectService {
    /// Name of a port mapping of the task definition.
    pub port_name: String,
    /// Name of the Cloud Map service, if it is not the port's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// What clients use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_alias: Option<ServiceConnectClientAlias>,
    /// As given: no proxy listens in the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port_override: Option<u16>,
    /// Bounds of connections and requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeoutConfiguration>,
}

impl ServiceConnectService {
    /// Name of the Cloud Map service.
    pub fn discovery_name(&self) -> &str {
        self.discovery_name.as_deref().unwrap_or(&self.port_name)
    }
}

/// `clientAliases[0]`, as given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectClientAlias {
    /// `<discoveryName>.<namespace>` if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// Where clients connect.
    pub port: u16,
}

/// `timeout`, as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeoutConfiguration {
    /// A connection on which nothing happens for so long ends; 0 is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u32>,
    /// An answer has to be whole after so long; 0 is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_request_timeout_seconds: Option<u32>,
}

/// `serviceConnectResources[]`: a Cloud Map service that was made for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectServiceResource {
    /// Its name.
    pub discovery_name: String,
    /// Its ARN.
    pub discovery_arn: String,
}

/// What endpoints speak: the proxy balances requests, or connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppProtocol {
    /// HTTP/1.1
    Http,
    /// HTTP/2
    Http2,
    /// gRPC
    Grpc,
    /// Anything.
    Tcp,
}

impl AppProtocol {
    /// The word of `appProtocol`; `tcp` is that of none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
        }
    }

    /// That of a port mapping; without the word it is TCP.
    pub fn of(app_protocol: Option<&str>) -> Self {
        match app_protocol {
            Some("http") => Self::Http,
            Some("http2") => Self::Http2,
            Some("grpc") => Self::Grpc,
            _ => Self::Tcp,
        }
    }

    /// A connection may be idle for so long, in seconds: five minutes, with TCP an hour, as Amazon's proxies have it.
    pub fn idle_timeout_seconds(self) -> u32 {
        match self {
            Self::Http | Self::Http2 | Self::Grpc => 300,
            Self::Tcp => 3600,
        }
    }

    /// An answer has to be whole after so long, in seconds; 0 is no bound.
    pub fn per_request_timeout_seconds(self) -> u32 {
        match self {
            Self::Http | Self::Http2 | Self::Grpc => 15,
            Self::Tcp => 0,
        }
    }
}

/// What identifies a client alias.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientAliasKey {
    /// `ns-…`
    pub namespace_id: String,
    /// What clients look up, in lower case.
    pub dns_name: String,
    /// Where they connect.
    pub port: u16,
}

/// A name and a port by which a service is reached within a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAlias {
    /// The record's key.
    pub key: ClientAliasKey,
    /// Account and region.
    pub scope: Scope,
    /// What the name stands for: all ports of a name have the same.
    pub address: Ipv4Addr,
    /// Whose tasks answer.
    pub service: ServiceArn,
    /// Which of their endpoints.
    pub discovery_name: String,
    /// What they speak.
    pub protocol: AppProtocol,
    /// In seconds; 0 is never.
    pub idle_timeout_seconds: u32,
    /// In seconds; 0 is no bound.
    pub per_request_timeout_seconds: u32,
}

impl ClientAlias {
    /// What its endpoints are called as a group: no target group has such a name.
    pub fn group(&self) -> TargetGroupArn {
        let key = &self.key;
        let id = format!("{}_{}_{}", key.namespace_id, key.dns_name, key.port);
        TargetGroupArn::of(&self.scope, "service-connect", &id)
    }
}

/// How a task takes part in Service Connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskServiceConnect {
    /// What it offers; at least one.
    pub endpoints: Vec<TaskEndpoint>,
    /// Hosts and aliases: by way of an alias, the proxy of a host has nothing in flight to it any more, since it is to stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle_on: Vec<String>,
}

impl TaskServiceConnect {
    /// The port that answers what comes to an alias: the one that was offered there when the task began, whatever the
    /// endpoint is called by now; if there was none, that of the endpoint.
    pub fn endpoint_of(&self, alias: &ClientAlias) -> Option<&TaskEndpoint> {
        let is_alias = |it: &&TaskEndpoint| it.client_alias.as_ref() == Some(&alias.key);
        let is_endpoint = |it: &&TaskEndpoint| it.discovery_name == alias.discovery_name;
        let mut all = self.endpoints.iter();
        all.clone().find(is_alias).or_else(|| all.find(is_endpoint))
    }
}

/// A port of a task that proxies send requests to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEndpoint {
    /// Name of the endpoint.
    pub discovery_name: String,
    /// Where clients reached it when the task began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_alias: Option<ClientAliasKey>,
    /// Whose port it is.
    pub container: String,
    /// As the container sees it.
    pub container_port: u16,
}

/// The proxy of a host in a VPC, with the address that it connects from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectProxy {
    /// The host; with the VPC the record's key.
    pub host_id: String,
    /// `vpc-…`
    pub vpc_id: String,
    /// Account and region.
    pub scope: Scope,
    /// `subnet-…`
    pub subnet_id: String,
    /// Taken from the subnet: no task gets it.
    pub address: Ipv4Addr,
}

impl ServiceConnectProxy {
    /// By which its host is told of it, as of a load balancer: no load balancer has such an id.
    pub fn arn_in(scope: &Scope, vpc_id: &str) -> LoadBalancerArn {
        LoadBalancerArn::new(scope, &[PROXIES, vpc_id])
    }

    /// The VPC of the proxies that are called so, if proxies are.
    pub fn vpc_of(arn: &LoadBalancerArn) -> Option<&str> {
        let id = arn.path().strip_prefix(PROXIES)?.strip_prefix('/')?;
        id.starts_with("vpc-").then_some(id)
    }
}

/// What the ARNs of proxies have before the VPC.
const PROXIES: &str = "app/service-connect";

/// The virtual address of a name: the first that is free, from where the hash of the name says on, so that a name which
/// comes again most likely has the address that it had. `None` if all are taken.
pub fn virtual_address(
    namespace_id: &str,
    dns_name: &str,
    is_taken: impl Fn(Ipv4Addr) -> bool,
) -> Option<Ipv4Addr> {
    let text = [namespace_id.as_bytes(), b"/", dns_name.as_bytes()].concat();
    let start = fnv(&text) % BLOCK_SIZE;
    let first = u32::from(VIRTUAL_ADDRESSES.network) + 1;
    (0..BLOCK_SIZE)
        .map(|step| Ipv4Addr::from(first + (start + step) % BLOCK_SIZE))
        .find(|it| !is_taken(*it))
}

/// FNV-1a: the same in every release.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
