//! DnsConfig and health checks of services, as callers give them.

use api::servicediscovery::{self as sd, Error};
use domain::cloud_map::{
    DnsConfig, DnsRecord, HealthCheck, Namespace, NamespaceKind, RecordType, RoutingPolicy,
};

use super::errors::invalid_input;

/// Most checks in a row that may be asked for.
const FAILURE_THRESHOLD_MAX: i32 = 10;

/// The DNS records of a new service.
///
/// # Errors
/// InvalidInput.
pub fn of_new(namespace: &Namespace, input: &sd::CreateServiceInput) -> Result<Option<DnsConfig>, Error> {
    let is_http = match input.r#type.as_ref().map(sd::ServiceTypeOption::as_str) {
        None => false,
        Some("HTTP") => true,
        Some(other) => {
            return Err(invalid_input(format!(
                "Invalid service type {other}: it can be HTTP"
            )));
        }
    };
    let given = input.dns_config.as_ref();
    match (&namespace.kind, given) {
        (NamespaceKind::Http, Some(_)) => Err(invalid_input(
            "DnsConfig cannot be specified for a service in an HTTP namespace",
        )),
        (_, Some(_)) if is_http => Err(invalid_input(
            "DnsConfig cannot be specified for a service of the type HTTP",
        )),
        (NamespaceKind::Http, None) => Ok(None),
        (_, None) if is_http => Ok(None),
        (_, None) => Err(invalid_input(
            "DnsConfig is required for a service in a DNS namespace, unless its type is HTTP",
        )),
        (_, Some(config)) => {
            let policy = policy(config.routing_policy.as_ref())?;
            let records = records(policy, &config.dns_records)?;
            Ok(Some(DnsConfig {
                routing_policy: policy,
                records,
            }))
        }
    }
}

fn policy(given: Option<&sd::RoutingPolicy>) -> Result<RoutingPolicy, Error> {
    match given.map_or("MULTIVALUE", sd::RoutingPolicy::as_str) {
        "MULTIVALUE" => Ok(RoutingPolicy::Multivalue),
        "WEIGHTED" => Ok(RoutingPolicy::Weighted),
        other => Err(invalid_input(format!("Invalid routing policy {other}"))),
    }
}

/// The DNS records of a service with that policy.
///
/// # Errors
/// InvalidInput.
pub fn records(policy: RoutingPolicy, given: &[sd::DnsRecord]) -> Result<Vec<DnsRecord>, Error> {
    let mut records: Vec<DnsRecord> = Vec::new();
    for it in given {
        let record_type = match it.r#type.as_str() {
            "A" => RecordType::A,
            "AAAA" => RecordType::Aaaa,
            "SRV" => RecordType::Srv,
            "CNAME" => RecordType::Cname,
            other => return Err(invalid_input(format!("Invalid DNS record type {other}"))),
        };
        if records.iter().any(|it| it.record_type == record_type) {
            return Err(invalid_input(format!(
                "The DNS record type {} is given more than once",
                record_type.as_str()
            )));
        }
        let ttl = u32::try_from(it.ttl).ok().filter(|it| i32::try_from(*it).is_ok());
        let ttl_seconds = ttl.ok_or_else(|| {
            invalid_input(format!(
                "Invalid TTL {}: it is from 0 to 2147483647 seconds",
                it.ttl
            ))
        })?;
        records.push(DnsRecord {
            record_type,
            ttl_seconds,
        });
    }
    let has_cname = records.iter().any(|it| it.record_type == RecordType::Cname);
    if records.is_empty() {
        return Err(invalid_input("DnsConfig needs at least one DNS record"));
    }
    if has_cname && records.len() > 1 {
        return Err(invalid_input(
            "A CNAME record cannot stand beside other DNS records",
        ));
    }
    if has_cname && policy == RoutingPolicy::Multivalue {
        return Err(invalid_input(
            "A CNAME record needs the routing policy WEIGHTED: MULTIVALUE answers have addresses or ports",
        ));
    }
    Ok(records)
}

/// Who checks the health of a new service's instances.
///
/// # Errors
/// InvalidInput.
pub fn health_check(
    namespace: &Namespace,
    input: &sd::CreateServiceInput,
) -> Result<Option<HealthCheck>, Error> {
    let custom = input.health_check_custom_config.as_ref();
    let threshold = custom.and_then(|it| it.failure_threshold);
    if threshold.is_some_and(|it| !(1..=FAILURE_THRESHOLD_MAX).contains(&it)) {
        return Err(invalid_threshold());
    }
    match (&input.health_check_config, custom) {
        (Some(_), Some(_)) => Err(invalid_input(
            "HealthCheckConfig and HealthCheckCustomConfig cannot be specified together",
        )),
        (None, Some(_)) => Ok(Some(HealthCheck::Custom)),
        (Some(given), None) => route53(namespace, given).map(Some),
        (None, None) => Ok(None),
    }
}

/// Health checkers of Route 53.
///
/// # Errors
/// InvalidInput.
pub fn route53(namespace: &Namespace, given: &sd::HealthCheckConfig) -> Result<HealthCheck, Error> {
    if namespace.vpc_id().is_some() {
        return Err(invalid_input(
            "HealthCheckConfig cannot be specified in a private DNS namespace; use HealthCheckCustomConfig",
        ));
    }
    let protocol = given.r#type.as_str();
    if !["HTTP", "HTTPS", "TCP"].contains(&protocol) {
        return Err(invalid_input(format!("Invalid health check type {protocol}")));
    }
    if protocol == "TCP" && given.resource_path.is_some() {
        return Err(invalid_input(
            "ResourcePath cannot be specified for health checks by TCP",
        ));
    }
    let threshold = given.failure_threshold.unwrap_or(1);
    if !(1..=FAILURE_THRESHOLD_MAX).contains(&threshold) {
        return Err(invalid_threshold());
    }
    Ok(HealthCheck::Route53 {
        protocol: protocol.to_owned(),
        resource_path: given.resource_path.clone(),
        failure_threshold: u8::try_from(threshold).map_err(|_| invalid_threshold())?,
    })
}

fn invalid_threshold() -> Error {
    invalid_input(format!("FailureThreshold is from 1 to {FAILURE_THRESHOLD_MAX}"))
}
