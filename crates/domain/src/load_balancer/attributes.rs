//! Attributes of load balancers: which kind has which, what they are at first, what they may become.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::LoadBalancerKind;
use crate::load_balancing_attribute::{
    self as attribute, Attribute, AttributeRefusal, boolean, number, word,
};

/// How a load balancer treats what comes. Those of the other kind stay as they are at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadBalancerAttributes {
    /// `deletion_protection.enabled`: whether it refuses to be deleted.
    pub is_deletion_protected: bool,
    /// `load_balancing.cross_zone.enabled`: whether each zone's address uses targets of all zones. Always so on an
    /// application load balancer.
    pub is_cross_zone: bool,
    /// `zonal_shift.config.enabled`
    pub may_shift_zones: bool,
    /// `access_logs.s3.…`
    pub access_logs: LogDestination,
    /// `connection_logs.s3.…` of an application load balancer.
    pub connection_logs: LogDestination,
    /// `health_check_logs.s3.…` of an application load balancer.
    pub health_check_logs: LogDestination,
    /// `idle_timeout.timeout_seconds`, 1 to 4000.
    pub idle_timeout_seconds: u32,
    /// `client_keep_alive.seconds`, 60 to 604800: how long a client may keep one connection.
    pub client_keep_alive_seconds: u32,
    /// `routing.http.desync_mitigation_mode`
    pub desync_mitigation: DesyncMitigation,
    /// `routing.http.drop_invalid_header_fields.enabled`
    pub drops_invalid_headers: bool,
    /// `routing.http.preserve_host_header.enabled`: else the target's address stands in `Host` where Amazon puts it.
    pub preserves_host_header: bool,
    /// `routing.http.x_amzn_tls_version_and_cipher_suite.enabled`: whether requests get two headers that say so.
    pub adds_tls_headers: bool,
    /// `routing.http.xff_client_port.enabled`: whether `X-Forwarded-For` has the client's port.
    pub adds_client_port: bool,
    /// `routing.http.xff_header_processing.mode`
    pub x_forwarded_for: XForwardedFor,
    /// `routing.http2.enabled`: whether clients may speak HTTP/2.
    pub is_http2: bool,
    /// `waf.fail_open.enabled`
    pub waf_fails_open: bool,
    /// `dns_record.client_routing_policy` of a network load balancer.
    pub client_routing: ClientRoutingPolicy,
    /// `secondary_ips.auto_assigned.per_subnet` of a network load balancer, 0 to 7.
    pub secondary_ips_per_subnet: u32,
    /// `EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic` of a network load balancer with security groups: kept for
    /// whoever reads it, there is no PrivateLink to it.
    pub enforces_rules_on_private_link: bool,
    /// Addresses that were chosen for an internal network load balancer: descriptions show these and no others.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub chosen_addresses: BTreeSet<IpAddr>,
}

/// Where logs go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogDestination {
    /// Whether they are written.
    pub is_enabled: bool,
    /// Bucket of S3.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
}

/// What is done with requests that proxies read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DesyncMitigation {
    /// They pass.
    Monitor,
    /// Those that are dangerous are refused, others end the connection.
    Defensive,
    /// Only what the standard allows passes.
    Strictest,
}

/// What is done with `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XForwardedFor {
    /// The client's address is added.
    Append,
    /// It passes as it is.
    Preserve,
    /// It is taken out.
    Remove,
}

/// Which of a network load balancer's zones its name leads a client to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientRoutingPolicy {
    /// Any.
    Any,
    /// Its own, for 85 of 100 clients.
    Partial,
    /// Its own.
    Own,
}

const DESYNC: &[(&str, DesyncMitigation)] = &[
    ("monitor", DesyncMitigation::Monitor),
    ("defensive", DesyncMitigation::Defensive),
    ("strictest", DesyncMitigation::Strictest),
];
const FORWARDED: &[(&str, XForwardedFor)] = &[
    ("append", XForwardedFor::Append),
    ("preserve", XForwardedFor::Preserve),
    ("remove", XForwardedFor::Remove),
];
const ROUTING: &[(&str, ClientRoutingPolicy)] = &[
    ("any_availability_zone", ClientRoutingPolicy::Any),
    ("partial_availability_zone_affinity", ClientRoutingPolicy::Partial),
    ("availability_zone_affinity", ClientRoutingPolicy::Own),
];

type Table = &'static [Attribute<LoadBalancerAttributes>];

const COMMON: Table = &[
    Attribute {
        key: "access_logs.s3.enabled",
        read: |it| it.access_logs.is_enabled.to_string(),
        write: |it, text| boolean(text).map(|value| it.access_logs.is_enabled = value),
    },
    Attribute {
        key: "access_logs.s3.bucket",
        read: |it| it.access_logs.bucket.clone(),
        write: |it, text| {
            it.access_logs.bucket = text.to_owned();
            Ok(())
        },
    },
    Attribute {
        key: "access_logs.s3.prefix",
        read: |it| it.access_logs.prefix.clone(),
        write: |it, text| {
            it.access_logs.prefix = text.to_owned();
            Ok(())
        },
    },
    Attribute {
        key: "deletion_protection.enabled",
        read: |it| it.is_deletion_protected.to_string(),
        write: |it, text| boolean(text).map(|value| it.is_deletion_protected = value),
    },
    Attribute {
        key: "zonal_shift.config.enabled",
        read: |it| it.may_shift_zones.to_string(),
        write: |it, text| boolean(text).map(|value| it.may_shift_zones = value),
    },
];

const OF_APPLICATION: Table = &[
    // Groups may say otherwise; the load balancer itself may not.
    Attribute {
        key: "load_balancing.cross_zone.enabled",
        read: |it| it.is_cross_zone.to_string(),
        write: |it, text| word(text, &[("true", true)]).map(|value| it.is_cross_zone = value),
    },
    Attribute {
        key: "idle_timeout.timeout_seconds",
        read: |it| it.idle_timeout_seconds.to_string(),
        write: |it, text| number(text, 1..=4000).map(|value| it.idle_timeout_seconds = value),
    },
    Attribute {
        key: "client_keep_alive.seconds",
        read: |it| it.client_keep_alive_seconds.to_string(),
        write: |it, text| number(text, 60..=604_800).map(|value| it.client_keep_alive_seconds = value),
    },
    Attribute {
        key: "routing.http2.enabled",
        read: |it| it.is_http2.to_string(),
        write: |it, text| boolean(text).map(|value| it.is_http2 = value),
    },
    Attribute {
        key: "routing.http.drop_invalid_header_fields.enabled",
        read: |it| it.drops_invalid_headers.to_string(),
        write: |it, text| boolean(text).map(|value| it.drops_invalid_headers = value),
    },
    Attribute {
        key: "routing.http.xff_client_port.enabled",
        read: |it| it.adds_client_port.to_string(),
        write: |it, text| boolean(text).map(|value| it.adds_client_port = value),
    },
    Attribute {
        key: "routing.http.preserve_host_header.enabled",
        read: |it| it.preserves_host_header.to_string(),
        write: |it, text| boolean(text).map(|value| it.preserves_host_header = value),
    },
    Attribute {
        key: "routing.http.xff_header_processing.mode",
        read: |it| text_of(FORWARDED, it.x_forwarded_for),
        write: |it, text| word(text, FORWARDED).map(|value| it.x_forwarded_for = value),
    },
    Attribute {
        key: "routing.http.desync_mitigation_mode",
        read: |it| text_of(DESYNC, it.desync_mitigation),
        write: |it, text| word(text, DESYNC).map(|value| it.desync_mitigation = value),
    },
    Attribute {
        key: "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        read: |it| it.adds_tls_headers.to_string(),
        write: |it, text| boolean(text).map(|value| it.adds_tls_headers = value),
    },
    Attribute {
        key: "waf.fail_open.enabled",
        read: |it| it.waf_fails_open.to_string(),
        write: |it, text| boolean(text).map(|value| it.waf_fails_open = value),
    },
    Attribute {
        key: "connection_logs.s3.enabled",
        read: |it| it.connection_logs.is_enabled.to_string(),
        write: |it, text| boolean(text).map(|value| it.connection_logs.is_enabled = value),
    },
    Attribute {
        key: "connection_logs.s3.bucket",
        read: |it| it.connection_logs.bucket.clone(),
        write: |it, text| {
            it.connection_logs.bucket = text.to_owned();
            Ok(())
        },
    },
    Attribute {
        key: "connection_logs.s3.prefix",
        read: |it| it.connection_logs.prefix.clone(),
        write: |it, text| {
            it.connection_logs.prefix = text.to_owned();
            Ok(())
        },
    },
    Attribute {
        key: "health_check_logs.s3.enabled",
        read: |it| it.health_check_logs.is_enabled.to_string(),
        write: |it, text| boolean(text).map(|value| it.health_check_logs.is_enabled = value),
    },
    Attribute {
        key: "health_check_logs.s3.bucket",
        read: |it| it.health_check_logs.bucket.clone(),
        write: |it, text| {
            it.health_check_logs.bucket = text.to_owned();
            Ok(())
        },
    },
    Attribute {
        key: "health_check_logs.s3.prefix",
        read: |it| it.health_check_logs.prefix.clone(),
        write: |it, text| {
            it.health_check_logs.prefix = text.to_owned();
            Ok(())
        },
    },
];

const OF_NETWORK: Table = &[
    Attribute {
        key: "load_balancing.cross_zone.enabled",
        read: |it| it.is_cross_zone.to_string(),
        write: |it, text| boolean(text).map(|value| it.is_cross_zone = value),
    },
    Attribute {
        key: "dns_record.client_routing_policy",
        read: |it| text_of(ROUTING, it.client_routing),
        write: |it, text| word(text, ROUTING).map(|value| it.client_routing = value),
    },
    Attribute {
        key: "secondary_ips.auto_assigned.per_subnet",
        read: |it| it.secondary_ips_per_subnet.to_string(),
        write: |it, text| number(text, 0..=7).map(|value| it.secondary_ips_per_subnet = value),
    },
];

fn text_of<T: PartialEq>(words: &[(&str, T)], value: T) -> String {
    words
        .iter()
        .find(|(_, it)| *it == value)
        .map_or_else(String::new, |(word, _)| (*word).to_owned())
}

impl LoadBalancerAttributes {
    /// What they are at first.
    pub fn new(kind: LoadBalancerKind) -> Self {
        Self {
            is_deletion_protected: false,
            is_cross_zone: kind == LoadBalancerKind::Application,
            may_shift_zones: false,
            access_logs: LogDestination::default(),
            connection_logs: LogDestination::default(),
            health_check_logs: LogDestination::default(),
            idle_timeout_seconds: 60,
            client_keep_alive_seconds: 3600,
            desync_mitigation: DesyncMitigation::Defensive,
            drops_invalid_headers: false,
            preserves_host_header: false,
            adds_tls_headers: false,
            adds_client_port: false,
            x_forwarded_for: XForwardedFor::Append,
            is_http2: true,
            waf_fails_open: false,
            client_routing: ClientRoutingPolicy::Any,
            secondary_ips_per_subnet: 0,
            enforces_rules_on_private_link: true,
            chosen_addresses: BTreeSet::new(),
        }
    }

    /// Keys and values of the attributes that this kind has.
    pub fn list(&self, kind: LoadBalancerKind) -> Vec<(&'static str, String)> {
        attribute::read(self, &[COMMON, own(kind)])
    }

    /// Sets one.
    ///
    /// # Errors
    /// There is none of that key, this kind has none, or it cannot have that value.
    pub fn set(&mut self, kind: LoadBalancerKind, key: &str, value: &str) -> Result<(), AttributeRefusal> {
        attribute::write(
            self,
            (key, value),
            &[COMMON, own(kind)],
            &[OF_APPLICATION, OF_NETWORK],
        )
    }
}

impl Default for LoadBalancerAttributes {
    fn default() -> Self {
        Self::new(LoadBalancerKind::Application)
    }
}

fn own(kind: LoadBalancerKind) -> Table {
    match kind {
        LoadBalancerKind::Application => OF_APPLICATION,
        LoadBalancerKind::Network => OF_NETWORK,
    }
}
