//! Actions of listeners and rules as they are given: checked, and against the groups that they forward to.

use api::elbv2::{self, Error};
use domain::Scope;
use domain::listener::Protocol;
use domain::listener_rule::{Action, FixedResponse, Forward, Redirect, WeightedTargetGroup};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::target_group::{ProtocolVersion, TargetGroup, TargetType};
use store::State;

use super::errors::{constraint, incompatible, invalid_action, invalid_configuration, validation};
use super::limits::TARGET_GROUPS_OF_ACTION_MAX;
use super::names;

/// Most of a fixed response's body, in bytes.
const BODY_MAX: usize = 1024;
/// Content types of fixed responses.
const CONTENT_TYPES: [&str; 5] = [
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
];
/// Longest host, path and query of a redirect.
const REDIRECT_PART_MAX: usize = 128;
/// Largest weight of a target group.
const WEIGHT_MAX: u16 = 999;
/// Largest order of an action.
const ORDER_MAX: i32 = 50_000;
/// Longest stickiness to a target group: a week.
const STICKINESS_SECONDS_MAX: u32 = 604_800;

/// Where an action is to be: what it may say depends on this.
pub struct Place<'a> {
    /// Records.
    pub state: &'a State,
    /// Account and region.
    pub scope: &'a Scope,
    /// The load balancer of the listener.
    pub load_balancer: &'a LoadBalancer,
    /// What the listener speaks.
    pub protocol: Protocol,
}

/// Reads the actions of a listener or rule: one, as long as authentication is not built.
///
/// # Errors
/// InvalidLoadBalancerAction, TargetGroupNotFound, IncompatibleProtocols, TargetGroupAssociationLimit,
/// InvalidConfigurationRequest, ValidationError.
pub fn read(place: &Place<'_>, given: &[elbv2::Action]) -> Result<Action, Error> {
    use elbv2::ActionTypeEnum as Kind;
    if let Some(it) = given.iter().find(|it| {
        matches!(
            it.r#type,
            Kind::AuthenticateOidc | Kind::AuthenticateCognito | Kind::JwtValidation
        )
    }) {
        return Err(invalid_action(format!(
            "The requested action is not valid: '{}' is not supported by Gantry yet.",
            it.r#type.as_str()
        )));
    }
    let action = match given {
        [] => return Err(validation("At least one action must be specified")),
        [only] => only,
        _ => {
            return Err(invalid_action(
                "Only one action with type 'forward', 'redirect' or 'fixed-response' can be specified",
            ));
        }
    };
    let is_application = place.load_balancer.kind == LoadBalancerKind::Application;
    match &action.r#type {
        Kind::Forward => forward(place, action).map(Action::Forward),
        Kind::Redirect if is_application => redirect(place.protocol, action).map(Action::Redirect),
        Kind::FixedResponse if is_application => fixed_response(action).map(Action::FixedResponse),
        Kind::Redirect | Kind::FixedResponse => Err(invalid_action(format!(
            "Actions with type '{}' are not supported on load balancers with type 'network'",
            action.r#type.as_str()
        ))),
        other => Err(validation(format!(
            "1 validation error detected: Value '{}' at 'actions.1.member.type' failed to satisfy constraint: Member must \
             satisfy enum value set: [forward, authenticate-oidc, authenticate-cognito, redirect, fixed-response]",
            other.as_str()
        ))),
    }
}

/// The order of the action of a listener or rule; none is the first.
///
/// # Errors
/// ValidationError.
pub fn order(given: &[elbv2::Action]) -> Result<Option<u16>, Error> {
    let Some(order) = given.first().and_then(|it| it.order) else {
        return Ok(None);
    };
    let rule = match order {
        ..=0 => "Member must have value greater than or equal to 1",
        1..=ORDER_MAX => "",
        _ => "Member must have value less than or equal to 50000",
    };
    match u16::try_from(order) {
        Ok(it) if rule.is_empty() => Ok(Some(it).filter(|it| *it > 1)),
        _ => Err(constraint(&order.to_string(), "actions.1.member.order", rule)),
    }
}

/// Checks that the groups of an action that is there go with what the listener now speaks.
///
/// # Errors
/// IncompatibleProtocols, InvalidLoadBalancerAction, TargetGroupNotFound.
pub fn check_groups(place: &Place<'_>, action: &Action) -> Result<(), Error> {
    for arn in action.target_groups() {
        let group = names::target_group(place.state, place.scope, arn.as_str())?;
        check_group(place.protocol, &group)?;
    }
    Ok(())
}

/// Whether what a listener speaks goes with what the targets of a group speak. HTTP/2 and gRPC come in over TLS only:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-protocol-version>,
/// and to an Application Load Balancer leads TCP only:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/application-load-balancer-target.html>
fn check_group(listener: Protocol, group: &TargetGroup) -> Result<(), Error> {
    let is_led_by_tcp = group.target_type == TargetType::Alb;
    if !listener.may_forward_to(group.protocol) || is_led_by_tcp && listener != Protocol::Tcp {
        return Err(incompatible(
            group.arn.as_str(),
            listener.as_str(),
            group.protocol.as_str(),
        ));
    }
    match group.protocol_version {
        Some(version @ (ProtocolVersion::Http2 | ProtocolVersion::Grpc)) if listener == Protocol::Http => {
            Err(invalid_action(format!(
                "Listener protocol 'HTTP' is not supported with a target group with the protocol-version '{}'",
                version.as_str()
            )))
        }
        _ => Ok(()),
    }
}

fn forward(place: &Place<'_>, action: &elbv2::Action) -> Result<Forward, Error> {
    let tuples = groups_of(action)?;
    if tuples.len() > TARGET_GROUPS_OF_ACTION_MAX {
        return Err(Error::TooManyTargetGroupsException(
            elbv2::TooManyTargetGroupsException {
                message: Some(format!(
                    "An action can have at most {TARGET_GROUPS_OF_ACTION_MAX} target groups"
                )),
            },
        ));
    }
    let mut target_groups: Vec<WeightedTargetGroup> = Vec::new();
    for tuple in &tuples {
        let arn = tuple.target_group_arn.as_deref().unwrap_or_default();
        let it = weighted(place, arn, tuple.weight)?;
        if target_groups.iter().any(|other| other.arn == it.arn) {
            return Err(validation(format!(
                "Target group '{arn}' was specified more than once"
            )));
        }
        target_groups.push(it);
    }
    let config = action.forward_config.as_ref();
    let stickiness = config.and_then(|it| it.target_group_stickiness_config.as_ref());
    let stickiness_seconds = match stickiness {
        Some(it) if it.enabled == Some(true) => Some(stickiness_of(place, it)?),
        _ => None,
    };
    Ok(Forward {
        target_groups,
        stickiness_seconds,
    })
}

/// The groups named in either way, or in both if they agree.
fn groups_of(action: &elbv2::Action) -> Result<Vec<elbv2::TargetGroupTuple>, Error> {
    let config = action.forward_config.as_ref();
    let tuples = config.and_then(|it| it.target_groups.clone()).unwrap_or_default();
    match (&action.target_group_arn, tuples.as_slice()) {
        (None, []) => Err(validation("A target group ARN must be specified")),
        (Some(arn), []) => Ok(vec![elbv2::TargetGroupTuple {
            target_group_arn: Some(arn.clone()),
            weight: None,
        }]),
        (None, _) => Ok(tuples),
        (Some(arn), [only]) if only.target_group_arn.as_ref() == Some(arn) => Ok(tuples),
        (Some(_), _) => Err(validation(
            "You cannot specify both a target group ARN and a forward configuration with other target groups",
        )),
    }
}

fn weighted(place: &Place<'_>, arn: &str, weight: Option<i32>) -> Result<WeightedTargetGroup, Error> {
    let group = names::target_group(place.state, place.scope, arn)?;
    check_group(place.protocol, &group)?;
    if group.vpc_id != place.load_balancer.vpc_id {
        return Err(invalid_configuration(format!(
            "Target group '{arn}' is not in the VPC of the load balancer"
        )));
    }
    let others = place.state.load_balancers_to(&group.arn);
    if others.iter().any(|it| *it != place.load_balancer.arn) {
        return Err(Error::TargetGroupAssociationLimitException(
            elbv2::TargetGroupAssociationLimitException {
                message: Some(format!(
                    "The following target groups cannot be associated with more than one load balancer: {arn}"
                )),
            },
        ));
    }
    let weight = match weight {
        None => 1,
        Some(it) => u16::try_from(it)
            .ok()
            .filter(|it| *it <= WEIGHT_MAX)
            .ok_or_else(|| {
                validation(format!(
                    "The weight of a target group must be between 0 and {WEIGHT_MAX}"
                ))
            })?,
    };
    Ok(WeightedTargetGroup {
        arn: group.arn.clone(),
        weight,
    })
}

fn stickiness_of(place: &Place<'_>, it: &elbv2::TargetGroupStickinessConfig) -> Result<u32, Error> {
    if place.load_balancer.kind == LoadBalancerKind::Network {
        return Err(invalid_action(
            "Target group stickiness is not supported on load balancers with type 'network'",
        ));
    }
    let seconds = it.duration_seconds.and_then(|it| u32::try_from(it).ok());
    seconds
        .filter(|it| (1..=STICKINESS_SECONDS_MAX).contains(it))
        .ok_or_else(|| {
            validation(format!(
                "The duration of target group stickiness must be between 1 and {STICKINESS_SECONDS_MAX} seconds"
            ))
        })
}

fn redirect(listener: Protocol, action: &elbv2::Action) -> Result<Redirect, Error> {
    let config = action
        .redirect_config
        .as_ref()
        .ok_or_else(|| validation("A redirect configuration must be specified"))?;
    let part = |given: &Option<String>, same: &str| given.clone().unwrap_or_else(|| same.to_owned());
    let it = Redirect {
        status_code: match config.status_code {
            elbv2::RedirectActionStatusCodeEnum::Http301 => 301,
            elbv2::RedirectActionStatusCodeEnum::Http302 => 302,
            _ => {
                return Err(validation(
                    "The status code of a redirect must be 'HTTP_301' or 'HTTP_302'",
                ));
            }
        },
        protocol: part(&config.protocol, "#{protocol}"),
        host: part(&config.host, "#{host}"),
        port: part(&config.port, "#{port}"),
        path: part(&config.path, "/#{path}"),
        query: part(&config.query, "#{query}"),
    };
    let is_port = it.port == "#{port}" || it.port.parse().is_ok_and(|it: u16| it > 0);
    if !is_port {
        return Err(validation(format!(
            "The port '{}' of a redirect is not valid",
            it.port
        )));
    }
    match (it.protocol.as_str(), listener) {
        ("HTTP", Protocol::Https) => return Err(invalid_action("You cannot redirect HTTPS to HTTP")),
        ("HTTP" | "HTTPS" | "#{protocol}", _) => {}
        (other, _) => {
            return Err(validation(format!(
                "The protocol '{other}' of a redirect is not valid"
            )));
        }
    }
    if !it.path.starts_with('/') {
        return Err(validation("The path of a redirect must begin with '/'"));
    }
    for (what, text, least) in [
        ("host", &it.host, 1),
        ("path", &it.path, 1),
        ("query", &it.query, 0),
    ] {
        let is_printable = text.bytes().all(|it| (b'!'..=b'~').contains(&it));
        if !(least..=REDIRECT_PART_MAX).contains(&text.len()) || !is_printable {
            return Err(validation(format!(
                "The {what} '{text}' of a redirect is not valid"
            )));
        }
    }
    // The query alone does not lead elsewhere.
    let is_loop =
        it.protocol == "#{protocol}" && it.host == "#{host}" && it.port == "#{port}" && it.path == "/#{path}";
    match is_loop {
        true => Err(invalid_action(
            "The redirect configuration is not valid because it creates a loop",
        )),
        false => Ok(it),
    }
}

fn fixed_response(action: &elbv2::Action) -> Result<FixedResponse, Error> {
    let config = action
        .fixed_response_config
        .as_ref()
        .ok_or_else(|| validation("A fixed response configuration must be specified"))?;
    let status = &config.status_code;
    let code: Option<u16> = status.parse().ok().filter(|_| status.len() == 3);
    let status_code = code
        .filter(|it| matches!(it, 200..=299 | 400..=599))
        .ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value '{status}' at 'actions.1.member.fixedResponseConfig.statusCode' failed to \
                 satisfy constraint: Member must satisfy regular expression pattern: ^(2|4|5)\\d\\d$"
            ))
        })?;
    if let Some(other) = config
        .content_type
        .as_deref()
        .filter(|it| !CONTENT_TYPES.contains(it))
    {
        return Err(validation(format!(
            "The content type '{other}' is not valid: it must be one of '{}'",
            CONTENT_TYPES.join(", ")
        )));
    }
    if config.message_body.as_ref().is_some_and(|it| it.len() > BODY_MAX) {
        return Err(validation(format!(
            "The body of a fixed response must have at most {BODY_MAX} bytes"
        )));
    }
    Ok(FixedResponse {
        status_code,
        content_type: config.content_type.clone(),
        body: config.message_body.clone(),
    })
}
