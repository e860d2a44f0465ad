//! Target groups and targets as they run.

use std::time::Duration;

use domain::listener::Protocol;
use domain::load_balancer::LoadBalancerKind;
use domain::target::{Target, TargetHealthReason, TargetHealthState, TargetState};
use domain::target_group::{
    self as record, Algorithm, CrossZone, HealthCheckPort, ProtocolVersion, TargetGroup,
    TargetGroupAttributes,
};
use domain::vpc::Cidr;

use crate::health::machine::{Failure, Health};
use crate::plan::{
    Anomalies, CheckKind, GroupPlan, HealthCheck, Matcher, Registration, Stickiness, TargetPlan,
};

pub(super) fn group(group: &TargetGroup, targets: &[&Target], vpc: Option<Cidr>) -> GroupPlan {
    let attributes = &group.attributes;
    GroupPlan {
        arn: group.arn.as_str().into(),
        protocol: group.protocol,
        version: group.protocol_version.unwrap_or(ProtocolVersion::Http1),
        algorithm: attributes.algorithm,
        anomalies: anomalies(group),
        stickiness: stickiness(attributes),
        slow_start: seconds(attributes.slow_start_seconds),
        cross_zone: match attributes.cross_zone {
            CrossZone::On => Some(true),
            CrossZone::Off => Some(false),
            CrossZone::AsLoadBalancer => None,
        },
        minimum_healthy: attributes.unhealthy_routing.count.unwrap_or(0) as usize,
        minimum_healthy_percent: attributes.unhealthy_routing.percentage.unwrap_or(0) as usize,
        health_check: Some(health_check(group)),
        proxy_protocol: attributes.is_proxy_protocol,
        preserves_clients_in: vpc.filter(|_| group.preserves_clients()),
        ends_unhealthy_connections: attributes.ends_connections_of_unhealthy,
        unhealthy_draining: seconds(attributes.unhealthy_draining_seconds),
        ends_connections_after_delay: attributes.ends_connections_after_delay,
        resilience: None,
        targets: targets.iter().filter_map(|it| target(it)).collect(),
    }
}

/// None as long as its address is not known.
fn target(target: &Target) -> Option<TargetPlan> {
    Some(TargetPlan {
        id: target.key.id.as_str().into(),
        address: target.address?,
        zone: target.zone.as_deref().map(Into::into),
        registration: match target.state {
            TargetState::Registered => Registration::Registered,
            TargetState::Draining { .. } => Registration::Draining,
        },
        known: match target.health.state {
            TargetHealthState::Healthy => Health::Healthy,
            TargetHealthState::Unhealthy => Health::Unhealthy(failure(target.health.reason)),
            TargetHealthState::UnhealthyDraining => Health::UnhealthyDraining(failure(target.health.reason)),
            _ => Health::Initial,
        },
    })
}

/// The code of a mismatch is found out again by the next check.
fn failure(reason: Option<TargetHealthReason>) -> Failure {
    match reason {
        Some(TargetHealthReason::Timeout) => Failure::Timeout,
        _ => Failure::Connection,
    }
}

/// They are looked for in all groups of HTTP and HTTPS, as on Amazon. One that never opens is of a classic load balancer.
fn anomalies(group: &TargetGroup) -> Anomalies {
    let attributes = &group.attributes;
    let is_application = group.protocol.kind() == LoadBalancerKind::Application;
    if !is_application || attributes.unhealthy_routing.count.is_none() {
        return Anomalies::Ignored;
    }
    match attributes.mitigates_anomalies && attributes.algorithm == Algorithm::WeightedRandom {
        true => Anomalies::Mitigated,
        false => Anomalies::Detected,
    }
}

fn stickiness(attributes: &TargetGroupAttributes) -> Stickiness {
    if !attributes.is_sticky {
        return Stickiness::Off;
    }
    match attributes.stickiness {
        record::Stickiness::LbCookie => Stickiness::Duration(seconds(attributes.lb_cookie_seconds)),
        record::Stickiness::AppCookie => Stickiness::Application {
            cookie: attributes.app_cookie_name.as_str().into(),
            duration: seconds(attributes.app_cookie_seconds),
        },
        record::Stickiness::SourceIp => Stickiness::SourceIp,
        record::Stickiness::ClassicLbCookie => Stickiness::Classic {
            cookie: None,
            duration: Some(seconds(attributes.lb_cookie_seconds)).filter(|it| !it.is_zero()),
        },
        record::Stickiness::ClassicAppCookie => Stickiness::Classic {
            cookie: Some(attributes.app_cookie_name.as_str().into()),
            duration: None,
        },
    }
}

fn health_check(group: &TargetGroup) -> HealthCheck {
    let check = &group.health_check;
    HealthCheck {
        kind: kind(group),
        port: match check.port {
            HealthCheckPort::TrafficPort => None,
            HealthCheckPort::Port(port) => Some(port),
        },
        interval: seconds(check.interval_seconds),
        timeout: seconds(check.timeout_seconds),
        healthy_threshold: check.healthy_threshold,
        unhealthy_threshold: check.unhealthy_threshold,
        // A group that never opens is of a classic load balancer: all its listeners are open after one good check.
        first_threshold: match (group.protocol.kind(), group.attributes.unhealthy_routing.count) {
            (LoadBalancerKind::Application, _) | (LoadBalancerKind::Network, None) => 1,
            (LoadBalancerKind::Network, Some(_)) => check.healthy_threshold,
        },
        is_classic: group.attributes.unhealthy_routing.count.is_none(),
    }
}

fn kind(group: &TargetGroup) -> CheckKind {
    let check = &group.health_check;
    let tls = match check.protocol {
        Protocol::Http => false,
        Protocol::Https => true,
        Protocol::Tls => return CheckKind::Tls,
        Protocol::Tcp | Protocol::Udp | Protocol::TcpUdp => return CheckKind::Tcp,
    };
    let codes = check.matcher.as_ref().map_or("200", record::Matcher::codes);
    // codes are checked when a group is made: none that can be read match nothing
    let matcher = Matcher::parse(codes).unwrap_or(Matcher(Vec::new()));
    let path = check.path.as_deref().unwrap_or("/").into();
    match (&check.matcher, group.protocol_version) {
        (Some(record::Matcher::Grpc(_)), _) => CheckKind::Grpc { tls, path, matcher },
        (_, version) => {
            let version = version.unwrap_or(ProtocolVersion::Http1);
            CheckKind::Http {
                tls,
                path,
                matcher,
                version,
            }
        }
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
