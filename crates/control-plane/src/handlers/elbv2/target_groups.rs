//! CreateTargetGroup, DescribeTargetGroups, ModifyTargetGroup, DeleteTargetGroup.

use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::listener::Protocol;
use domain::load_balancer::LoadBalancerKind;
use domain::target_group::{HealthCheck, ProtocolVersion, TargetGroup, TargetGroupAttributes, TargetType};
use domain::vpc::Vpc;
use domain::{Scope, TargetGroupArn};
use orchestrator::transitions::delete_target_group as delete;
use store::{State, Tx};

use super::errors::{constraint, from_store, in_use, no_target_group, unbuilt, validation};
use super::health_checks::{self, Given, Group};
use super::limits::TARGET_GROUPS_MAX;
use super::paging::{Wanted, cut};
use super::{names, render, tags};
use crate::call::Call;

/// `CreateTargetGroup`. One that is there with the same settings is answered again.
///
/// # Errors
/// DuplicateTargetGroupName, TooManyTargetGroups, InvalidConfigurationRequest, TooManyTags, DuplicateTagKeys,
/// ValidationError.
pub async fn create_target_group(
    call: Call<elbv2::CreateTargetGroup>,
) -> Result<elbv2::CreateTargetGroupOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_name("Target group", &input.name)?;
    let target_type = target_type(input.target_type.as_ref())?;
    check_unbuilt(&input)?;
    let protocol = protocol(target_type, input.protocol.as_ref())?;
    let version = version(protocol, input.protocol_version.as_deref())?;
    let port = port(input.port)?;
    let group = Group {
        protocol,
        version,
        target_type,
    };
    let check_protocol =
        health_checks::protocol((protocol, target_type), input.health_check_protocol.as_ref())?;
    let first = HealthCheck::new(protocol, version, target_type, check_protocol);
    let health_check = health_checks::checked(&group, &given(&input), first)?;
    let tags = tags::read(input.tags.clone())?;
    let created = call.access().store().transact(move |tx| {
        let vpc_id = vpc(tx.state(), &scope, input.vpc_id.as_deref())?;
        let new = TargetGroup {
            arn: TargetGroupArn::of(&scope, &input.name, &tx.ids().hex_16()),
            name: input.name,
            target_type,
            protocol,
            protocol_version: version,
            port,
            vpc_id,
            health_check,
            attributes: TargetGroupAttributes::new(protocol, target_type),
            created_at: tx.now(),
            tags,
        };
        let made = create_or_find(tx, &scope, new)?;
        Ok(render::target_group(tx.state(), &made))
    });
    Ok(elbv2::CreateTargetGroupOutput {
        target_groups: Some(vec![created.await.map_err(from_store)?]),
    })
}

fn create_or_find(tx: &mut Tx<'_>, scope: &Scope, new: TargetGroup) -> Result<Arc<TargetGroup>, Error> {
    if let Some(it) = tx.state().target_group_of_name(scope, &new.name) {
        let like_it = TargetGroup {
            arn: it.arn.clone(),
            attributes: it.attributes.clone(),
            created_at: it.created_at,
            ..new
        };
        if **it == like_it {
            return Ok(Arc::clone(it));
        }
        return Err(Error::DuplicateTargetGroupNameException(
            elbv2::DuplicateTargetGroupNameException {
                message: Some(format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    it.name
                )),
            },
        ));
    }
    if tx.state().target_groups(scope).count() >= TARGET_GROUPS_MAX {
        return Err(Error::TooManyTargetGroupsException(
            elbv2::TooManyTargetGroupsException {
                message: Some(format!(
                    "The maximum number of target groups has been reached: {TARGET_GROUPS_MAX}"
                )),
            },
        ));
    }
    Ok(tx.put(new))
}

fn target_type(given: Option<&elbv2::TargetTypeEnum>) -> Result<TargetType, Error> {
    match given {
        None | Some(elbv2::TargetTypeEnum::Instance) => Ok(TargetType::Instance),
        Some(elbv2::TargetTypeEnum::Ip) => Ok(TargetType::Ip),
        Some(elbv2::TargetTypeEnum::Alb) => Ok(TargetType::Alb),
        Some(elbv2::TargetTypeEnum::Lambda) => Err(unbuilt("a target group with target type 'lambda'")),
        Some(other) => Err(constraint(
            other.as_str(),
            "targetType",
            "Member must satisfy enum value set: [instance, ip, lambda, alb]",
        )),
    }
}

fn check_unbuilt(input: &elbv2::CreateTargetGroupInput) -> Result<(), Error> {
    if input.target_control_port.is_some() {
        return Err(unbuilt("TargetControlPort"));
    }
    match &input.ip_address_type {
        None | Some(elbv2::TargetGroupIpAddressTypeEnum::Ipv4) => Ok(()),
        Some(other) => Err(unbuilt(&format!("the IP address type '{}'", other.as_str()))),
    }
}

fn protocol(target_type: TargetType, given: Option<&elbv2::ProtocolEnum>) -> Result<Protocol, Error> {
    let given = given.ok_or_else(|| validation("A protocol must be specified"))?;
    let Some(it) = Protocol::parse(given.as_str()) else {
        return Err(match given.as_str() {
            "GENEVE" | "QUIC" | "TCP_QUIC" => unbuilt(&format!("the protocol '{}'", given.as_str())),
            other => constraint(
                other,
                "protocol",
                "Member must satisfy enum value set: [HTTP, TCP_QUIC, TLS, TCP_UDP, GENEVE, UDP, TCP, QUIC, HTTPS]",
            ),
        });
    };
    match (target_type, it) {
        (TargetType::Alb, Protocol::Tcp) => Ok(it),
        (TargetType::Alb, _) => Err(validation(format!(
            "Protocol '{}' is not supported for target groups with target type 'alb': it must be 'TCP'",
            it.as_str()
        ))),
        _ => Ok(it),
    }
}

fn version(protocol: Protocol, given: Option<&str>) -> Result<Option<ProtocolVersion>, Error> {
    if protocol.kind() == LoadBalancerKind::Network {
        return match given {
            None => Ok(None),
            Some(_) => Err(validation(format!(
                "Protocol version is not supported for target groups with the protocol '{}'",
                protocol.as_str()
            ))),
        };
    }
    match given {
        None | Some("HTTP1") => Ok(Some(ProtocolVersion::Http1)),
        Some("HTTP2") => Ok(Some(ProtocolVersion::Http2)),
        Some("GRPC") => Ok(Some(ProtocolVersion::Grpc)),
        Some(other) => Err(validation(format!(
            "Protocol version '{other}' must be one of 'GRPC, HTTP1, HTTP2'"
        ))),
    }
}

fn port(given: Option<i32>) -> Result<u16, Error> {
    let given = given.ok_or_else(|| validation("A port must be specified"))?;
    let port = u16::try_from(given).ok().filter(|it| *it > 0);
    port.ok_or_else(|| {
        let rule = match given {
            ..=0 => "Member must have value greater than or equal to 1",
            _ => "Member must have value less than or equal to 65535",
        };
        constraint(&given.to_string(), "port", rule)
    })
}

fn vpc(state: &State, scope: &Scope, given: Option<&str>) -> Result<String, Error> {
    let given = given.ok_or_else(|| validation("A VPC ID must be specified"))?;
    let found = state
        .get::<Vpc>(&given.to_owned())
        .filter(|it| it.scope == *scope);
    match found {
        Some(it) => Ok(it.id.clone()),
        None => Err(validation(format!("The VPC ID '{given}' is not found"))),
    }
}

fn given(input: &elbv2::CreateTargetGroupInput) -> Given<'_> {
    Given {
        enabled: input.health_check_enabled,
        port: input.health_check_port.as_deref(),
        path: input.health_check_path.as_deref(),
        interval_seconds: input.health_check_interval_seconds,
        timeout_seconds: input.health_check_timeout_seconds,
        healthy_threshold: input.healthy_threshold_count,
        unhealthy_threshold: input.unhealthy_threshold_count,
        matcher: input.matcher.as_ref(),
    }
}

/// `DescribeTargetGroups`: all, those of a load balancer, or of the ARNs or names given.
///
/// # Errors
/// TargetGroupNotFound, LoadBalancerNotFound, ValidationError.
pub async fn describe_target_groups(
    call: Call<elbv2::DescribeTargetGroups>,
) -> Result<elbv2::DescribeTargetGroupsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let arns = input.target_group_arns.as_deref().unwrap_or_default();
    let names = input.names.as_deref().unwrap_or_default();
    let found = call.access().store().read(|state| {
        let found = select(state, scope, input.load_balancer_arn.as_deref(), arns, names)?;
        let found = found
            .into_iter()
            .map(|it| (it.arn.to_string(), render::target_group(state, &it)));
        Ok::<Vec<_>, Error>(found.collect())
    })?;
    let wanted = Wanted {
        listing: &format!("target groups {:?} {arns:?} {names:?}", input.load_balancer_arn),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let (target_groups, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeTargetGroupsOutput {
        next_marker,
        target_groups: Some(target_groups),
    })
}

fn select(
    state: &State,
    scope: &Scope,
    load_balancer: Option<&str>,
    arns: &[String],
    names: &[String],
) -> Result<Vec<Arc<TargetGroup>>, Error> {
    let missing = || no_target_group("One or more target groups not found");
    let mut found: Vec<Arc<TargetGroup>> = match (load_balancer, arns, names) {
        (None, [], []) => state.target_groups(scope).cloned().collect(),
        (Some(arn), [], []) => {
            let it = names::load_balancer(state, scope, arn)?;
            let rules = state.listeners_of(&it.arn).flat_map(|it| state.rules_of(&it.arn));
            let groups = rules.flat_map(|it| it.action.target_groups());
            groups
                .filter_map(|it| state.get::<TargetGroup>(it))
                .cloned()
                .collect()
        }
        (None, arns, []) => {
            let found = arns
                .iter()
                .map(|arn| match names::target_group(state, scope, arn) {
                    Err(Error::TargetGroupNotFoundException(_)) => Err(missing()),
                    other => other,
                });
            found.collect::<Result<_, _>>()?
        }
        (None, [], names) => {
            let found = names
                .iter()
                .map(|it| state.target_group_of_name(scope, it).cloned());
            found.collect::<Option<_>>().ok_or_else(missing)?
        }
        _ => {
            return Err(validation(
                "Target group names, target group ARNs and a load balancer ARN cannot be specified at the same time",
            ));
        }
    };
    found.sort_by(|left, right| left.arn.cmp(&right.arn));
    found.dedup();
    Ok(found)
}

/// `ModifyTargetGroup`: its health check; what is not given stays.
///
/// # Errors
/// TargetGroupNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_target_group(
    call: Call<elbv2::ModifyTargetGroup>,
) -> Result<elbv2::ModifyTargetGroupOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let modified = call.access().store().transact(move |tx| {
        let found = names::target_group(tx.state(), &scope, &input.target_group_arn)?;
        let group = Group::of(&found);
        let protocol = health_checks::protocol(
            (found.protocol, found.target_type),
            input.health_check_protocol.as_ref(),
        )?;
        let before = match protocol {
            // A check of HTTP has a path and a matcher, one of TCP has none; the rest stays.
            Some(other) if other.kind() != found.health_check.protocol.kind() => {
                let fresh = HealthCheck::new(group.protocol, group.version, group.target_type, Some(other));
                HealthCheck {
                    protocol: other,
                    path: fresh.path,
                    matcher: fresh.matcher,
                    ..found.health_check.clone()
                }
            }
            other => HealthCheck {
                protocol: other.unwrap_or(found.health_check.protocol),
                ..found.health_check.clone()
            },
        };
        let given = Given {
            enabled: input.health_check_enabled,
            port: input.health_check_port.as_deref(),
            path: input.health_check_path.as_deref(),
            interval_seconds: input.health_check_interval_seconds,
            timeout_seconds: input.health_check_timeout_seconds,
            healthy_threshold: input.healthy_threshold_count,
            unhealthy_threshold: input.unhealthy_threshold_count,
            matcher: input.matcher.as_ref(),
        };
        let modified = tx.put(TargetGroup {
            health_check: health_checks::checked(&group, &given, before)?,
            ..TargetGroup::clone(&found)
        });
        Ok(render::target_group(tx.state(), &modified))
    });
    Ok(elbv2::ModifyTargetGroupOutput {
        target_groups: Some(vec![modified.await.map_err(from_store)?]),
    })
}

/// `DeleteTargetGroup`: with its targets. One that is not there is deleted already.
///
/// # Errors
/// ResourceInUse, ValidationError.
pub async fn delete_target_group(
    call: Call<elbv2::DeleteTargetGroup>,
) -> Result<elbv2::DeleteTargetGroupOutput, Error> {
    let (scope, arn) = (call.scope().clone(), call.input().target_group_arn.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = match names::target_group(tx.state(), &scope, &arn) {
            Err(Error::TargetGroupNotFoundException(_)) => return Ok(()),
            other => other?,
        };
        match delete(tx, &it.arn) {
            true => Ok(()),
            false => Err(in_use(format!(
                "Target group '{arn}' is currently in use by a listener or a rule"
            ))),
        }
    });
    deleted.await.map_err(from_store)?;
    Ok(elbv2::DeleteTargetGroupOutput {})
}
