//! Instances of Cloud Map services: addresses and attributes under an id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DiscoveryService, HealthCheck};
use crate::Timestamp;

/// Names of attributes that mean something.
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html>
pub mod attribute {
    /// An IPv4 address: of A records, and of the host of SRV records.
    pub const IPV4: &str = "AWS_INSTANCE_IPV4";
    /// An IPv6 address.
    pub const IPV6: &str = "AWS_INSTANCE_IPV6";
    /// The port of SRV records.
    pub const PORT: &str = "AWS_INSTANCE_PORT";
    /// The other name of CNAME records.
    pub const CNAME: &str = "AWS_INSTANCE_CNAME";
    /// The DNS name of a load balancer that stands for the instance.
    pub const ALIAS: &str = "AWS_ALIAS_DNS_NAME";
    /// The container instance that it is.
    pub const EC2_INSTANCE_ID: &str = "AWS_EC2_INSTANCE_ID";
    /// The health that it begins with, where health is custom: `HEALTHY` or `UNHEALTHY`.
    pub const INIT_HEALTH: &str = "AWS_INIT_HEALTH_STATUS";
}

/// Service and instance id.
pub type InstanceKey = (String, String);

/// An instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveryInstance {
    /// `srv-…` of its service; first part of the record's key.
    pub service_id: String,
    /// As the caller said, of an ECS task its id; second part of the record's key.
    pub id: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// What was last said of its health; it counts where the service's health is custom.
    pub custom_health: CustomHealth,
    /// Of the call that registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_request_id: Option<String>,
    /// The operation that registered it, unless ECS did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// Health as callers or ECS say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomHealth {
    /// It is in answers.
    Healthy,
    /// It is not, unless all are.
    Unhealthy,
}

impl CustomHealth {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

/// Health as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceHealth {
    /// It was said to be healthy.
    Healthy,
    /// It was said to be unhealthy.
    Unhealthy,
    /// Nobody says it: the instance is taken as healthy.
    Unknown,
}

impl InstanceHealth {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl DiscoveryInstance {
    /// Its health as an instance of its service.
    pub fn health(&self, service: &DiscoveryService) -> InstanceHealth {
        match (&service.health_check, self.custom_health) {
            (Some(HealthCheck::Custom), CustomHealth::Healthy) => InstanceHealth::Healthy,
            (Some(HealthCheck::Custom), CustomHealth::Unhealthy) => InstanceHealth::Unhealthy,
            (Some(HealthCheck::Route53 { .. }) | None, _) => InstanceHealth::Unknown,
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}
