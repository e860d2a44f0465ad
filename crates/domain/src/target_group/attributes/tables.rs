//! Keys and texts of the attributes of target groups.

use super::{Algorithm, CrossZone, Stickiness, TargetGroupAttributes};
use crate::load_balancer::LoadBalancerKind;
use crate::load_balancing_attribute::{
    Attribute, InvalidValue, boolean, number, number_or_off, or_off, word,
};

type Table = &'static [Attribute<TargetGroupAttributes>];

/// Longest duration of stickiness: a week.
const STICKINESS_SECONDS_MAX: u32 = 604_800;
/// Most healthy targets that may be asked for: all that a group can have.
const COUNT_MAX: u32 = 1000;

/// Which of them goes with which protocol is checked with all attributes.
const STICKINESS: &[(&str, Stickiness)] = &[
    ("lb_cookie", Stickiness::LbCookie),
    ("app_cookie", Stickiness::AppCookie),
    ("source_ip", Stickiness::SourceIp),
];
const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("round_robin", Algorithm::RoundRobin),
    ("least_outstanding_requests", Algorithm::LeastOutstandingRequests),
    ("weighted_random", Algorithm::WeightedRandom),
];
const CROSS_ZONE: &[(&str, CrossZone)] = &[
    ("true", CrossZone::On),
    ("false", CrossZone::Off),
    ("use_load_balancer_configuration", CrossZone::AsLoadBalancer),
];

/// Of all groups.
pub(super) const COMMON: Table = &[
    Attribute {
        key: "deregistration_delay.timeout_seconds",
        read: |it| it.deregistration_delay_seconds.to_string(),
        write: |it, text| number(text, 0..=3600).map(|value| it.deregistration_delay_seconds = value),
    },
    Attribute {
        key: "stickiness.enabled",
        read: |it| it.is_sticky.to_string(),
        write: |it, text| boolean(text).map(|value| it.is_sticky = value),
    },
    Attribute {
        key: "stickiness.type",
        read: |it| stickiness_word(it.stickiness),
        write: |it, text| word(text, STICKINESS).map(|value| it.stickiness = value),
    },
    Attribute {
        key: "load_balancing.cross_zone.enabled",
        read: |it| text_of(CROSS_ZONE, it.cross_zone),
        write: |it, text| word(text, CROSS_ZONE).map(|value| it.cross_zone = value),
    },
    Attribute {
        key: "target_group_health.dns_failover.minimum_healthy_targets.count",
        read: |it| or_off(it.dns_failover.count),
        write: |it, text| number_or_off(text, 1..=COUNT_MAX).map(|value| it.dns_failover.count = value),
    },
    Attribute {
        key: "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        read: |it| or_off(it.dns_failover.percentage),
        write: |it, text| number_or_off(text, 1..=100).map(|value| it.dns_failover.percentage = value),
    },
    Attribute {
        key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        read: |it| or_off(it.unhealthy_routing.count),
        write: |it, text| number(text, 1..=COUNT_MAX).map(|value| it.unhealthy_routing.count = Some(value)),
    },
    Attribute {
        key: "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        read: |it| or_off(it.unhealthy_routing.percentage),
        write: |it, text| number_or_off(text, 1..=100).map(|value| it.unhealthy_routing.percentage = value),
    },
];

/// Of HTTP and HTTPS.
pub(super) const OF_APPLICATION: Table = &[
    Attribute {
        key: "stickiness.lb_cookie.duration_seconds",
        read: |it| it.lb_cookie_seconds.to_string(),
        write: |it, text| number(text, 1..=STICKINESS_SECONDS_MAX).map(|value| it.lb_cookie_seconds = value),
    },
    Attribute {
        key: "stickiness.app_cookie.cookie_name",
        read: |it| it.app_cookie_name.clone(),
        write: |it, text| cookie_name(text).map(|value| it.app_cookie_name = value),
    },
    Attribute {
        key: "stickiness.app_cookie.duration_seconds",
        read: |it| it.app_cookie_seconds.to_string(),
        write: |it, text| number(text, 1..=STICKINESS_SECONDS_MAX).map(|value| it.app_cookie_seconds = value),
    },
    Attribute {
        key: "slow_start.duration_seconds",
        read: |it| it.slow_start_seconds.to_string(),
        write: |it, text| slow_start(text).map(|value| it.slow_start_seconds = value),
    },
    Attribute {
        key: "load_balancing.algorithm.type",
        read: |it| text_of(ALGORITHMS, it.algorithm),
        write: |it, text| word(text, ALGORITHMS).map(|value| it.algorithm = value),
    },
    Attribute {
        key: "load_balancing.algorithm.anomaly_mitigation",
        read: |it| if it.mitigates_anomalies { "on" } else { "off" }.to_owned(),
        write: |it, text| {
            word(text, &[("on", true), ("off", false)]).map(|value| it.mitigates_anomalies = value)
        },
    },
];

/// Of TCP, TLS, UDP and TCP_UDP.
pub(super) const OF_NETWORK: Table = &[
    Attribute {
        key: "deregistration_delay.connection_termination.enabled",
        read: |it| it.ends_connections_after_delay.to_string(),
        write: |it, text| boolean(text).map(|value| it.ends_connections_after_delay = value),
    },
    Attribute {
        key: "preserve_client_ip.enabled",
        read: |it| it.preserves_client_ip.to_string(),
        write: |it, text| boolean(text).map(|value| it.preserves_client_ip = value),
    },
    Attribute {
        key: "proxy_protocol_v2.enabled",
        read: |it| it.is_proxy_protocol.to_string(),
        write: |it, text| boolean(text).map(|value| it.is_proxy_protocol = value),
    },
    Attribute {
        key: "target_health_state.unhealthy.connection_termination.enabled",
        read: |it| it.ends_connections_of_unhealthy.to_string(),
        write: |it, text| boolean(text).map(|value| it.ends_connections_of_unhealthy = value),
    },
    Attribute {
        key: "target_health_state.unhealthy.draining_interval_seconds",
        read: |it| it.unhealthy_draining_seconds.to_string(),
        write: |it, text| number(text, 0..=360_000).map(|value| it.unhealthy_draining_seconds = value),
    },
];

/// Those that only groups of one kind of load balancer have.
pub(super) fn own(kind: LoadBalancerKind) -> Table {
    match kind {
        LoadBalancerKind::Application => OF_APPLICATION,
        LoadBalancerKind::Network => OF_NETWORK,
    }
}

/// `lb_cookie`; nothing of those of classic load balancers.
pub(super) fn stickiness_word(it: Stickiness) -> String {
    text_of(STICKINESS, it)
}

fn text_of<T: PartialEq>(words: &[(&str, T)], value: T) -> String {
    words
        .iter()
        .find(|(_, it)| *it == value)
        .map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn slow_start(text: &str) -> Result<u32, InvalidValue> {
    match text.parse() {
        Ok(it @ (0 | 30..=900)) => Ok(it),
        _ => Err(InvalidValue(
            "0 or a number between 30 and 900, inclusive".to_owned(),
        )),
    }
}

/// A cookie of the application may have any name but those of the load balancer's own.
fn cookie_name(text: &str) -> Result<String, InvalidValue> {
    const RESERVED: [&str; 3] = ["AWSALB", "AWSALBAPP", "AWSALBTG"];
    /// What may not stand in the name of a cookie, besides control characters.
    const SEPARATORS: &[u8] = b"()<>@,;:\\\"/[]?={} \t";
    let is_fit = |it: u8| (b'!'..=b'~').contains(&it) && !SEPARATORS.contains(&it);
    if text.bytes().all(is_fit) && !RESERVED.iter().any(|it| text.starts_with(it)) {
        return Ok(text.to_owned());
    }
    Err(InvalidValue(
        "the name of a cookie that does not begin with AWSALB, AWSALBAPP or AWSALBTG".to_owned(),
    ))
}
