//! Health checks of target groups as they are given: checked, over what is taken unless told.

use api::elbv2::{self, Error};
use domain::listener::Protocol;
use domain::load_balancer::LoadBalancerKind;
use domain::target_group::{
    HealthCheck, HealthCheckPort, Matcher, ProtocolVersion, TargetGroup, TargetType, is_matcher,
};

use super::errors::{constraint, invalid_configuration, validation};

/// Longest path of a health check.
const PATH_MAX: usize = 1024;

/// What CreateTargetGroup and ModifyTargetGroup say of health checks, but for the protocol: see [`protocol`].
pub struct Given<'a> {
    /// `HealthCheckEnabled`
    pub enabled: Option<bool>,
    /// `HealthCheckPort`
    pub port: Option<&'a str>,
    /// `HealthCheckPath`
    pub path: Option<&'a str>,
    /// `HealthCheckIntervalSeconds`
    pub interval_seconds: Option<i32>,
    /// `HealthCheckTimeoutSeconds`
    pub timeout_seconds: Option<i32>,
    /// `HealthyThresholdCount`
    pub healthy_threshold: Option<i32>,
    /// `UnhealthyThresholdCount`
    pub unhealthy_threshold: Option<i32>,
    /// `Matcher`
    pub matcher: Option<&'a elbv2::Matcher>,
}

/// What a health check of this group may be: its members but for the health check are as they will be.
pub struct Group {
    /// What targets speak.
    pub protocol: Protocol,
    /// Which version of HTTP.
    pub version: Option<ProtocolVersion>,
    /// What targets are named by.
    pub target_type: TargetType,
}

impl Group {
    /// That of a group that is there.
    pub fn of(it: &TargetGroup) -> Self {
        Self {
            protocol: it.protocol,
            version: it.protocol_version,
            target_type: it.target_type,
        }
    }
}

/// The protocol of a group's health checks.
///
/// # Errors
/// InvalidConfigurationRequest, ValidationError.
pub fn protocol(
    (group, target_type): (Protocol, TargetType),
    given: Option<&elbv2::ProtocolEnum>,
) -> Result<Option<Protocol>, Error> {
    let Some(given) = given else {
        return Ok(None);
    };
    if target_type == TargetType::Alb && Protocol::parse(given.as_str()) == Some(Protocol::Tcp) {
        return Err(validation(
            "Health check protocol 'TCP' is not supported for target groups with target type 'alb': it must be 'HTTP' or \
             'HTTPS'",
        ));
    }
    match (Protocol::parse(given.as_str()), group.kind()) {
        (Some(it @ (Protocol::Http | Protocol::Https)), _) => Ok(Some(it)),
        (Some(Protocol::Tcp), LoadBalancerKind::Network) => Ok(Some(Protocol::Tcp)),
        _ => Err(validation(format!(
            "Health check protocol '{}' is not supported for target groups with the protocol '{}'",
            given.as_str(),
            group.as_str()
        ))),
    }
}

/// The health check of a group: what is given over what it is.
///
/// # Errors
/// InvalidConfigurationRequest, ValidationError.
pub fn checked(group: &Group, given: &Given<'_>, before: HealthCheck) -> Result<HealthCheck, Error> {
    let mut it = before;
    if given.enabled == Some(false) {
        return Err(invalid_configuration(format!(
            "Health check enabled must be true for target groups with target type '{}'",
            group.target_type.as_str()
        )));
    }
    if let Some(port) = given.port {
        it.port = HealthCheckPort::parse(port)
            .ok_or_else(|| validation(format!("Health check port '{port}' is not valid")))?;
    }
    let is_http = it.protocol.kind() == LoadBalancerKind::Application;
    if let Some(path) = given.path {
        it.path = Some(path_of(path, is_http)?);
    }
    let bounds = [
        (given.interval_seconds, "healthCheckIntervalSeconds", 5, 300),
        (given.timeout_seconds, "healthCheckTimeoutSeconds", 2, 120),
        (given.healthy_threshold, "healthyThresholdCount", 2, 10),
        (given.unhealthy_threshold, "unhealthyThresholdCount", 2, 10),
    ];
    let fields = [
        &mut it.interval_seconds,
        &mut it.timeout_seconds,
        &mut it.healthy_threshold,
        &mut it.unhealthy_threshold,
    ];
    for ((given, member, least, most), field) in bounds.into_iter().zip(fields) {
        if let Some(given) = given {
            *field = within(given, member, least, most)?;
        }
    }
    check_timeout(group.protocol, &it)?;
    if let Some(matcher) = given.matcher {
        it.matcher = Some(matcher_of(group, matcher, is_http)?);
    }
    Ok(it)
}

/// A check has to end before the next one, or with it where the load balancer is a network one.
fn check_timeout(group: Protocol, it: &HealthCheck) -> Result<(), Error> {
    let (timeout, interval) = (it.timeout_seconds, it.interval_seconds);
    let (is_fit, bound) = match group.kind() {
        LoadBalancerKind::Application => (timeout < interval, "smaller than"),
        LoadBalancerKind::Network => (timeout <= interval, "smaller than or equal to"),
    };
    match is_fit {
        true => Ok(()),
        false => Err(validation(format!(
            "Health check timeout '{timeout}' must be {bound} the interval '{interval}'"
        ))),
    }
}

fn path_of(path: &str, is_http: bool) -> Result<String, Error> {
    if !is_http {
        return Err(validation(
            "Health check path is not supported for health checks with protocol 'TCP'",
        ));
    }
    if path.len() > PATH_MAX {
        let rule = "Member must have length less than or equal to 1024";
        return Err(constraint(path, "healthCheckPath", rule));
    }
    if !path.starts_with('/') || !path.bytes().all(|it| (b'!'..=b'~').contains(&it)) {
        return Err(validation(format!(
            "Health check path '{path}' must begin with a '/' character, and can only contain printable ASCII characters, \
             without spaces"
        )));
    }
    Ok(path.to_owned())
}

fn within(given: i32, member: &str, least: u32, most: u32) -> Result<u32, Error> {
    match u32::try_from(given) {
        Ok(it) if (least..=most).contains(&it) => Ok(it),
        Ok(it) if it > most => {
            let rule = format!("Member must have value less than or equal to {most}");
            Err(constraint(&given.to_string(), member, &rule))
        }
        _ => {
            let rule = format!("Member must have value greater than or equal to {least}");
            Err(constraint(&given.to_string(), member, &rule))
        }
    }
}

fn matcher_of(group: &Group, given: &elbv2::Matcher, is_http: bool) -> Result<Matcher, Error> {
    if !is_http {
        return Err(validation(
            "A matcher is not supported for health checks with protocol 'TCP'",
        ));
    }
    let is_grpc = group.version == Some(ProtocolVersion::Grpc);
    let most = match group.protocol.kind() {
        LoadBalancerKind::Application => 499,
        LoadBalancerKind::Network => 599,
    };
    match (&given.http_code, &given.grpc_code, is_grpc) {
        (Some(codes), None, false) if is_matcher(codes, 200..=most) => Ok(Matcher::Http(codes.clone())),
        (Some(codes), None, false) => Err(validation(format!(
            "Health check matcher HTTP code '{codes}' must be within '200-{most}' inclusive"
        ))),
        (None, Some(codes), true) if is_matcher(codes, 0..=99) => Ok(Matcher::Grpc(codes.clone())),
        (None, Some(codes), true) => Err(validation(format!(
            "Health check matcher GRPC code '{codes}' must be within '0-99' inclusive"
        ))),
        (_, _, true) => Err(validation(
            "A GRPC code must be specified for the protocol version 'GRPC'",
        )),
        (_, _, false) => Err(validation("An HTTP code must be specified")),
    }
}
