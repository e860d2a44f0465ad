//! RegisterTargets, DeregisterTargets, DescribeTargetHealth.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::served_load_balancer::ServedLoadBalancer;
use domain::target::{Target, TargetHealth, TargetHealthReason, TargetHealthState, TargetKey};
use domain::target_group::{CrossZone, HealthCheckPort, TargetGroup, TargetType};
use domain::vpc::{Subnet, Vpc};
use domain::{LoadBalancerArn, Scope, Timestamp};
use orchestrator::transitions::{NewTarget, deregister_targets as deregister, register_targets as register};
use store::State;

use super::errors::{constraint, from_store, invalid_target, unbuilt, validation};
use super::limits::TARGETS_MAX;
use super::names;
use crate::call::Call;
use crate::handlers::instances::{Instances, instances_of};

/// Every zone, in the member of that name.
const ALL_ZONES: &str = "all";

/// `RegisterTargets`: all or none. One that drains is taken back.
///
/// # Errors
/// TargetGroupNotFound, TooManyTargets, InvalidTarget, ValidationError.
pub async fn register_targets(
    call: Call<elbv2::RegisterTargets>,
) -> Result<elbv2::RegisterTargetsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let registered = call.access().store().transact(move |tx| {
        let group = names::target_group(tx.state(), &scope, &input.target_group_arn)?;
        let targets = checked(tx.state(), &scope, &group, &input.targets)?;
        let mut keys: BTreeSet<TargetKey> = tx
            .state()
            .targets_of(&group.arn)
            .map(|it| it.key.clone())
            .collect();
        keys.extend(targets.iter().map(|it| key(&group, &it.id, it.port)));
        let most = match group.target_type {
            TargetType::Alb => 1,
            TargetType::Instance | TargetType::Ip => TARGETS_MAX,
        };
        if keys.len() > most {
            return Err(Error::TooManyTargetsException(elbv2::TooManyTargetsException {
                message: Some(format!(
                    "A target group with target type '{}' can have at most {most} targets",
                    group.target_type.as_str()
                )),
            }));
        }
        register(tx, &group.arn, targets);
        Ok(())
    });
    registered.await.map_err(from_store)?;
    Ok(elbv2::RegisterTargetsOutput {})
}

fn key(group: &TargetGroup, id: &str, port: u16) -> TargetKey {
    TargetKey {
        group: group.arn.clone(),
        id: id.to_owned(),
        port,
    }
}

fn checked(
    state: &State,
    scope: &Scope,
    group: &TargetGroup,
    given: &[elbv2::TargetDescription],
) -> Result<Vec<NewTarget>, Error> {
    if given.is_empty() {
        return Err(validation("At least one target must be specified"));
    }
    let instances: Instances<'_> = match group.target_type {
        TargetType::Instance => instances_of(state, scope),
        TargetType::Ip | TargetType::Alb => Instances::new(),
    };
    let mut targets: Vec<NewTarget> = Vec::new();
    for it in given {
        if it.quic_server_id.is_some() {
            return Err(unbuilt("QuicServerId"));
        }
        let port = port(group, it.port)?;
        let zone = it.availability_zone.as_deref();
        let target = match group.target_type {
            TargetType::Ip => address(state, group, (&it.id, port), zone)?,
            TargetType::Instance => instance(&instances, (&it.id, port), zone)?,
            TargetType::Alb => load_balancer(state, scope, group, (&it.id, port), zone)?,
        };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn port(group: &TargetGroup, given: Option<i32>) -> Result<u16, Error> {
    let Some(given) = given else {
        return Ok(group.port);
    };
    u16::try_from(given).ok().filter(|it| *it > 0).ok_or_else(|| {
        let rule = match given {
            ..=0 => "Member must have value greater than or equal to 1",
            _ => "Member must have value less than or equal to 65535",
        };
        constraint(&given.to_string(), "targets.1.member.port", rule)
    })
}

fn instance(known: &Instances<'_>, (id, port): (&str, u16), zone: Option<&str>) -> Result<NewTarget, Error> {
    if !id.starts_with("i-") {
        return Err(validation(format!("Instance ID '{id}' is not valid")));
    }
    if zone.is_some() {
        return Err(validation(
            "You cannot specify an Availability Zone for a target of type 'instance'",
        ));
    }
    let Some(own_zone) = known.get(id) else {
        return Err(invalid_target(format!(
            "The following targets are not in a running state and cannot be registered: '{id}'"
        )));
    };
    Ok(NewTarget {
        id: id.to_owned(),
        port,
        zone: own_zone.map(str::to_owned),
        // The host itself fills it in.
        address: None,
        task: None,
    })
}

fn address(
    state: &State,
    group: &TargetGroup,
    (id, port): (&str, u16),
    given_zone: Option<&str>,
) -> Result<NewTarget, Error> {
    let address: Ipv4Addr = id
        .parse()
        .map_err(|_| validation(format!("The IP address '{id}' is not a valid IPv4 address")))?;
    let subnets = state.all::<Subnet>().filter(|it| it.vpc_id == group.vpc_id);
    let own_zone = subnets
        .into_iter()
        .find(|it| it.cidr.contains(address))
        .map(|it| it.availability_zone.clone());
    let zone = match (own_zone, given_zone) {
        (Some(own), None) => Some(own),
        (Some(own), Some(given)) if own == given => Some(own),
        (Some(own), Some(given)) => {
            return Err(validation(format!(
                "The IP address '{id}' is within the VPC, and cannot have its Availability Zone overridden to '{given}' from \
                 '{own}'"
            )));
        }
        (None, _) if !is_private(address) => {
            return Err(validation(format!(
                "The IP address '{id}' is not valid: it must be within the VPC, or in one of the ranges 10.0.0.0/8, \
                 100.64.0.0/10, 172.16.0.0/12 and 192.168.0.0/16"
            )));
        }
        (None, Some(ALL_ZONES)) => None,
        // The zone of such an address matters to an application load balancer that does not cross zones only.
        (None, Some(given)) if is_zone(state, group, given) => {
            let crosses = group.attributes.cross_zone != CrossZone::Off;
            let is_ignored = crosses && group.protocol.kind() == LoadBalancerKind::Application;
            (!is_ignored).then(|| given.to_owned())
        }
        (None, None) if is_in_vpc(state, group, address) => {
            return Err(validation(format!(
                "The Availability Zone is required for IP address '{id}' because it is not in the VPC: no subnet of it has that \
                 address"
            )));
        }
        (None, _) => {
            return Err(validation(format!(
                "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP \
                 address '{id}' is outside the VPC"
            )));
        }
    };
    Ok(NewTarget {
        id: address.to_string(),
        port,
        zone,
        address: Some(SocketAddr::new(IpAddr::V4(address), port)),
        task: None,
    })
}

fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private() || first == 100 && (64..128).contains(&second)
}

/// Whether it is of the VPC's range. Zones have subnets only.
fn is_in_vpc(state: &State, group: &TargetGroup, address: Ipv4Addr) -> bool {
    let vpc = state.get::<Vpc>(&group.vpc_id);
    vpc.is_some_and(|it| it.cidr.contains(address))
}

fn is_zone(state: &State, group: &TargetGroup, zone: &str) -> bool {
    let mut subnets = state.all::<Subnet>();
    subnets.any(|it| it.vpc_id == group.vpc_id && it.availability_zone == zone)
}

fn load_balancer(
    state: &State,
    scope: &Scope,
    group: &TargetGroup,
    (id, port): (&str, u16),
    zone: Option<&str>,
) -> Result<NewTarget, Error> {
    if zone.is_some_and(|it| it != ALL_ZONES) {
        return Err(validation(
            "You cannot specify an Availability Zone for a target of type 'alb'",
        ));
    }
    if port != group.port {
        return Err(validation(format!(
            "The port of a target of type 'alb' must be that of the target group, {}",
            group.port
        )));
    }
    let arn = LoadBalancerArn::parse(id)
        .map_err(|_| validation(format!("'{id}' is not a valid load balancer ARN")))?;
    let found = state.get::<LoadBalancer>(&arn).filter(|it| {
        arn.scope() == *scope && it.kind == LoadBalancerKind::Application && it.vpc_id == group.vpc_id
    });
    let found = found.ok_or_else(|| {
        invalid_target(format!(
            "Load balancer '{id}' does not exist, is not of type 'application', or is not in the VPC of the target group"
        ))
    })?;
    if !state.listeners_of(&found.arn).any(|it| it.port == port) {
        return Err(invalid_target(format!(
            "Load balancer '{id}' has no listener on port {port}"
        )));
    }
    let first = found.addresses().next();
    Ok(NewTarget {
        id: id.to_owned(),
        port,
        zone: None,
        address: first.map(|it| SocketAddr::new(it, port)),
        task: None,
    })
}

/// `DeregisterTargets`: they drain as long as the group's delay says. One that is not there is deregistered already.
///
/// # Errors
/// TargetGroupNotFound, ValidationError.
pub async fn deregister_targets(
    call: Call<elbv2::DeregisterTargets>,
) -> Result<elbv2::DeregisterTargetsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let deregistered = call.access().store().transact(move |tx| {
        let group = names::target_group(tx.state(), &scope, &input.target_group_arn)?;
        if input.targets.is_empty() {
            return Err(validation("At least one target must be specified"));
        }
        let keys = input
            .targets
            .iter()
            .map(|it| Ok(key(&group, &it.id, port(&group, it.port)?)));
        let keys = keys.collect::<Result<Vec<_>, Error>>()?;
        deregister(tx, &keys);
        Ok(())
    });
    deregistered.await.map_err(from_store)?;
    Ok(elbv2::DeregisterTargetsOutput {})
}

/// `DescribeTargetHealth`: of all targets of a group, or of those given.
///
/// # Errors
/// TargetGroupNotFound, ValidationError.
pub async fn describe_target_health(
    call: Call<elbv2::DescribeTargetHealth>,
) -> Result<elbv2::DescribeTargetHealthOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let described = call.access().store().read(|state| {
        let group = names::target_group(state, scope, &input.target_group_arn)?;
        let wanted = input.targets.as_deref().unwrap_or_default();
        let include = input.include.as_deref().unwrap_or_default();
        let balancers = state.load_balancers_to(&group.arn);
        let told = balancers
            .iter()
            .filter_map(|it| call.access().balancers().told(it));
        let told: Vec<_> = told.collect();
        // asked for targets that are new only
        let known = LazyCell::new(|| known_to_balancers(&told));
        let is_known = |it: &Target| known.contains(&(&it.key, it.registered_at));
        let of_target = |it: &Target| elbv2::TargetHealthDescription {
            anomaly_detection: anomaly_detection(&group, it).filter(|_| includes_anomalies(include)),
            ..of_target(&group, it, is_known)
        };
        if wanted.is_empty() {
            let all = state.targets_of(&group.arn);
            return Ok(all.map(|it| of_target(it)).collect());
        }
        let described = wanted.iter().map(|it| {
            let key = key(&group, &it.id, port(&group, it.port)?);
            Ok(match state.get::<Target>(&key) {
                Some(it) => of_target(it),
                None => of_stranger(&group, &key),
            })
        });
        described.collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(elbv2::DescribeTargetHealthOutput {
        target_health_descriptions: Some(described),
    })
}

fn includes_anomalies(include: &[elbv2::DescribeTargetHealthInputIncludeEnum]) -> bool {
    let mut words = include.iter().map(|it| it.as_str());
    words.any(|it| matches!(it, "AnomalyDetection" | "All"))
}

/// They are looked for behind application load balancers.
fn anomaly_detection(group: &TargetGroup, it: &Target) -> Option<elbv2::AnomalyDetection> {
    let word = |is: bool, words: [&'static str; 2]| words[usize::from(is)];
    let result = word(it.anomaly.is_anomalous, ["normal", "anomalous"]);
    let mitigation = word(it.anomaly.is_mitigated, ["no", "yes"]);
    (group.protocol.kind() == LoadBalancerKind::Application).then(|| elbv2::AnomalyDetection {
        mitigation_in_effect: Some(mitigation.into()),
        result: Some(result.into()),
    })
}

/// Targets that their balancers check, by when they were registered: they were told of them, and know where they are.
fn known_to_balancers(told: &[Arc<ServedLoadBalancer>]) -> HashSet<(&TargetKey, Timestamp)> {
    let targets = told.iter().flat_map(|served| {
        let own = served.own_instance.as_deref();
        let targets = served.targets.iter();
        targets.filter(move |it| it.address.is_some() || own == Some(it.key.id.as_str()))
    });
    targets.map(|it| (&it.key, it.registered_at)).collect()
}

/// How a target is. One that is being registered is checked once its balancer has heard of it: that is not stored, since
/// the session with the balancer knows it.
fn health(it: &Target, is_known: impl Fn(&Target) -> bool) -> TargetHealth {
    match it.health == TargetHealth::at_first(true) && is_known(it) {
        true => TargetHealth::because(
            TargetHealthState::Initial,
            TargetHealthReason::InitialHealthChecking,
        ),
        false => it.health.clone(),
    }
}

fn of_target(
    group: &TargetGroup,
    it: &Target,
    is_known: impl Fn(&Target) -> bool,
) -> elbv2::TargetHealthDescription {
    let zone = match group.target_type {
        // Addresses outside of the VPC are in all zones.
        TargetType::Ip => Some(it.zone.clone().unwrap_or_else(|| ALL_ZONES.to_owned())),
        // Said by whoever asks about the instance.
        TargetType::Instance | TargetType::Alb => None,
    };
    description(group, &it.key, zone, &health(it, is_known))
}

fn of_stranger(group: &TargetGroup, key: &TargetKey) -> elbv2::TargetHealthDescription {
    let health = TargetHealth::because(TargetHealthState::Unused, TargetHealthReason::NotRegistered);
    description(group, key, None, &health)
}

fn description(
    group: &TargetGroup,
    key: &TargetKey,
    zone: Option<String>,
    health: &TargetHealth,
) -> elbv2::TargetHealthDescription {
    let check_port = match group.health_check.port {
        HealthCheckPort::TrafficPort => key.port,
        HealthCheckPort::Port(it) => it,
    };
    elbv2::TargetHealthDescription {
        administrative_override: None,
        anomaly_detection: None,
        health_check_port: Some(check_port.to_string()),
        target: Some(elbv2::TargetDescription {
            availability_zone: zone,
            id: key.id.clone(),
            port: Some(i32::from(key.port)),
            quic_server_id: None,
        }),
        target_health: Some(elbv2::TargetHealth {
            description: health.description.clone(),
            reason: health.reason.map(|it| it.as_str().into()),
            state: Some(health.state.as_str().into()),
        }),
    }
}
