//! Cloud Map: namespaces, the services in them, and the instances by which these are discovered.
//! <https://docs.aws.amazon.com/cloud-map/latest/api/Welcome.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::tags::Pair;
use crate::{Scope, ServiceArn, Timestamp};

mod answers;
mod discover;
mod instance;
mod operation;
#[cfg(test)]
mod tests;
pub mod zone_records;

pub use answers::{ANSWERS_MAX, RecordData, candidates, chosen, host_name, record};
pub use discover::{HealthFilter, Wanted, discovered};
pub use instance::{CustomHealth, DiscoveryInstance, InstanceHealth, InstanceKey, attribute};
pub use operation::{Operation, OperationKind, OperationTarget};

/// A namespace: the names of its services are unique in it. Private ones of different VPCs may have the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// `ns-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// As given; of DNS, without a dot at its end.
    pub name: String,
    /// What DiscoverInstances calls it, where another namespace had its name already when it was made; see
    /// [`Namespace::http_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_http_name: Option<String>,
    /// As the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How its services are found.
    pub kind: NamespaceKind,
    /// Of the call that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_request_id: Option<String>,
    /// The operation that made it.
    pub operation_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// How the services of a namespace are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamespaceKind {
    /// By DiscoverInstances only.
    Http,
    /// By DNS within a VPC, too.
    PrivateDns {
        /// `vpc-…`
        vpc_id: String,
        /// Its hosted zone.
        zone: HostedZone,
    },
    /// By DNS from everywhere, too.
    PublicDns {
        /// Its hosted zone.
        zone: HostedZone,
    },
}

/// The zone of Route 53 that a namespace of DNS stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostedZone {
    /// `Z…`
    pub id: String,
    /// How long others may keep its SOA record, and so that there is no such name.
    pub soa_ttl_seconds: u32,
}

/// What a SOA record lives for unless the caller says otherwise, as on Amazon.
pub const SOA_TTL_SECONDS: u32 = 15;

impl Namespace {
    /// `arn:aws:servicediscovery:<region>:<account>:namespace/ns-…`
    pub fn arn(&self) -> String {
        arn(&self.scope, "namespace", &self.id)
    }

    /// What DiscoverInstances calls it, of which there is one in a scope: its name, unless another namespace has that.
    /// <https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html>
    pub fn http_name(&self) -> &str {
        self.other_http_name.as_deref().unwrap_or(&self.name)
    }

    /// Its zone, unless it is found by HTTP only.
    pub fn zone(&self) -> Option<&HostedZone> {
        match &self.kind {
            NamespaceKind::Http => None,
            NamespaceKind::PrivateDns { zone, .. } | NamespaceKind::PublicDns { zone } => Some(zone),
        }
    }

    /// The VPC in which its names are known, of a private one.
    pub fn vpc_id(&self) -> Option<&str> {
        match &self.kind {
            NamespaceKind::PrivateDns { vpc_id, .. } => Some(vpc_id),
            NamespaceKind::Http | NamespaceKind::PublicDns { .. } => None,
        }
    }
}

impl NamespaceKind {
    /// The word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::PrivateDns { .. } => "DNS_PRIVATE",
            Self::PublicDns { .. } => "DNS_PUBLIC",
        }
    }
}

/// A service of Cloud Map: something that is discovered by name. Not one of ECS, though that may register with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveryService {
    /// `srv-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its namespace.
    pub namespace_id: String,
    /// Unique in the namespace; of DNS without regard to case.
    pub name: String,
    /// As the caller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The DNS records that its instances have; without, it is found by DiscoverInstances only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsConfig>,
    /// The DNS records that it was made with, where an update has taken away some: no others can be given to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_at_first: Option<DnsConfig>,
    /// Who says whether its instances are healthy; without, they all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// What callers have noted of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Of the call that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_request_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with each change of its instances, from 1.
    pub instances_revision: u64,
    /// ECS has made it for Service Connect, and deletes it with the last service that offers it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ecs_managed: bool,
    /// Services of ECS that offer it by Service Connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered_by: Vec<ServiceArn>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

impl DiscoveryService {
    /// `arn:aws:servicediscovery:<region>:<account>:service/srv-…`
    pub fn arn(&self) -> String {
        arn(&self.scope, "service", &self.id)
    }

    /// The id in the ARN of a service of this scope.
    pub fn id_of_arn<'a>(scope: &Scope, arn_of_it: &'a str) -> Option<&'a str> {
        let head = arn(scope, "service", "");
        arn_of_it.strip_prefix(&head).filter(|it| !it.is_empty())
    }

    /// Whether its instances have a DNS record of that type.
    pub fn has_record(&self, record_type: RecordType) -> bool {
        let records = self.dns.iter().flat_map(|it| &it.records);
        records.into_iter().any(|it| it.record_type == record_type)
    }
}

/// The ARN of a resource of Cloud Map.
fn arn(scope: &Scope, word: &str, id: &str) -> String {
    let Scope { account, region } = scope;
    format!("arn:aws:servicediscovery:{region}:{account}:{word}/{id}")
}

/// The DNS records of a service's instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsConfig {
    /// How many of them an answer has.
    pub routing_policy: RoutingPolicy,
    /// No type comes twice.
    pub records: Vec<DnsRecord>,
}

/// How many instances an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoutingPolicy {
    /// Up to eight that are healthy, at random.
    Multivalue,
    /// One that is healthy, at random.
    Weighted,
}

impl RoutingPolicy {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Multivalue => "MULTIVALUE",
            Self::Weighted => "WEIGHTED",
        }
    }
}

/// A DNS record that each instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Its type.
    pub record_type: RecordType,
    /// How long others may keep it.
    pub ttl_seconds: u32,
}

/// Types of DNS records that instances may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// A port and the name of a host.
    Srv,
    /// Another name.
    Cname,
}

impl RecordType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Srv => "SRV",
            Self::Cname => "CNAME",
        }
    }
}

/// Who says whether instances are healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheck {
    /// UpdateInstanceCustomHealthStatus. The threshold is always 1, as on Amazon.
    Custom,
    /// Health checkers of Route 53 on the internet. It is kept as given: Gantry has none, and takes instances as healthy.
    Route53 {
        /// `HTTP`, `HTTPS` or `TCP`.
        protocol: String,
        /// What is asked for by HTTP.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource_path: Option<String>,
        /// How many checks in a row change the health.
        failure_threshold: u8,
    },
}
