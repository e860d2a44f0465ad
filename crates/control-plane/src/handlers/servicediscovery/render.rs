//! Namespaces and services as they are shown.

use api::servicediscovery as sd;
use domain::cloud_map::{DiscoveryService, DnsConfig, HealthCheck, Namespace, NamespaceKind};
use store::State;

fn count(items: impl Iterator) -> Option<i32> {
    Some(i32::try_from(items.count()).unwrap_or(i32::MAX))
}

fn properties(it: &Namespace) -> sd::NamespaceProperties {
    let dns = it.zone().map(|zone| sd::DnsProperties {
        hosted_zone_id: Some(zone.id.clone()),
        soa: match it.kind {
            NamespaceKind::Http => None,
            NamespaceKind::PrivateDns { .. } | NamespaceKind::PublicDns { .. } => Some(sd::SOA {
                ttl: zone.soa_ttl_seconds.into(),
            }),
        },
    });
    sd::NamespaceProperties {
        dns_properties: dns,
        http_properties: Some(sd::HttpProperties {
            http_name: Some(it.http_name().to_owned()),
        }),
    }
}

/// A namespace.
pub fn namespace(state: &State, it: &Namespace) -> sd::Namespace {
    sd::Namespace {
        arn: Some(it.arn()),
        create_date: Some(it.created_at),
        creator_request_id: it.creator_request_id.clone(),
        description: it.description.clone(),
        id: Some(it.id.clone()),
        name: Some(it.name.clone()),
        properties: Some(properties(it)),
        resource_owner: Some(it.scope.account.clone()),
        service_count: count(state.discovery_services_of(&it.id)),
        r#type: Some(sd::NamespaceType::from(it.kind.as_str())),
    }
}

/// A namespace in a listing.
pub fn namespace_summary(state: &State, it: &Namespace) -> sd::NamespaceSummary {
    let whole = namespace(state, it);
    sd::NamespaceSummary {
        arn: whole.arn,
        create_date: whole.create_date,
        description: whole.description,
        id: whole.id,
        name: whole.name,
        properties: whole.properties,
        resource_owner: whole.resource_owner,
        service_count: whole.service_count,
        r#type: whole.r#type,
    }
}

fn dns_config(namespace_id: &str, it: &DnsConfig) -> sd::DnsConfig {
    let records = it.records.iter().map(|it| sd::DnsRecord {
        ttl: it.ttl_seconds.into(),
        r#type: sd::RecordType::from(it.record_type.as_str()),
    });
    sd::DnsConfig {
        dns_records: records.collect(),
        namespace_id: Some(namespace_id.to_owned()),
        routing_policy: Some(sd::RoutingPolicy::from(it.routing_policy.as_str())),
    }
}

/// A service.
pub fn service(state: &State, it: &DiscoveryService) -> sd::Service {
    let (route53, custom) = match &it.health_check {
        None => (None, None),
        Some(HealthCheck::Custom) => (
            None,
            Some(sd::HealthCheckCustomConfig {
                failure_threshold: Some(1),
            }),
        ),
        Some(HealthCheck::Route53 {
            protocol,
            resource_path,
            failure_threshold,
        }) => (
            Some(sd::HealthCheckConfig {
                failure_threshold: Some((*failure_threshold).into()),
                resource_path: resource_path.clone(),
                r#type: sd::HealthCheckType::from(protocol.as_str()),
            }),
            None,
        ),
    };
    sd::Service {
        arn: Some(it.arn()),
        create_date: Some(it.created_at),
        created_by_account: Some(it.scope.account.clone()),
        creator_request_id: it.creator_request_id.clone(),
        description: it.description.clone(),
        dns_config: it.dns.as_ref().map(|dns| dns_config(&it.namespace_id, dns)),
        health_check_config: route53,
        health_check_custom_config: custom,
        id: Some(it.id.clone()),
        instance_count: count(state.discovery_instances_of(&it.id)),
        name: Some(it.name.clone()),
        namespace_id: Some(it.namespace_id.clone()),
        resource_owner: Some(it.scope.account.clone()),
        r#type: Some(match it.dns.as_ref().or(it.dns_at_first.as_ref()) {
            Some(_) => sd::ServiceType::DnsHttp,
            None => sd::ServiceType::Http,
        }),
    }
}

/// A service in a listing.
pub fn service_summary(state: &State, it: &DiscoveryService) -> sd::ServiceSummary {
    let whole = service(state, it);
    sd::ServiceSummary {
        arn: whole.arn,
        create_date: whole.create_date,
        created_by_account: whole.created_by_account,
        description: whole.description,
        dns_config: whole.dns_config,
        health_check_config: whole.health_check_config,
        health_check_custom_config: whole.health_check_custom_config,
        id: whole.id,
        instance_count: whole.instance_count,
        name: whole.name,
        resource_owner: whole.resource_owner,
        r#type: whole.r#type,
    }
}
