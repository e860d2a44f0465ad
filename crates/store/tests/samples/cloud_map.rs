//! Samples of what Cloud Map keeps.

use std::collections::BTreeMap;

use domain::cloud_map::{
    CustomHealth, DiscoveryInstance, DiscoveryService, DnsConfig, DnsRecord, HealthCheck, HostedZone,
    Namespace, NamespaceKind, Operation, OperationKind, OperationTarget, RecordType, RoutingPolicy,
};

use domain::service_registry::ServiceRegistry;

use crate::records::{at, scope, tags};

const OPERATION: &str = "abcdefghijklmnopqrstuvwxyz012345-abcd0123";

pub fn namespace() -> Namespace {
    Namespace {
        id: "ns-abcdefgh01234567".into(),
        scope: scope(),
        name: "example.internal".into(),
        other_http_name: None,
        description: Some("of the shop".into()),
        kind: NamespaceKind::PrivateDns {
            vpc_id: "vpc-0123456789abcdef0".into(),
            zone: HostedZone {
                id: "Z0123456789ABCDEFGHIJ".into(),
                soa_ttl_seconds: 15,
            },
        },
        creator_request_id: Some("first".into()),
        operation_id: OPERATION.into(),
        created_at: at(0),
        tags: tags(),
    }
}

pub fn discovery_service() -> DiscoveryService {
    let record = |record_type| DnsRecord {
        record_type,
        ttl_seconds: 10,
    };
    let types = [
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Srv,
        RecordType::Cname,
    ];
    DiscoveryService {
        id: "srv-abcdefgh01234567".into(),
        scope: scope(),
        namespace_id: namespace().id,
        name: "web".into(),
        dns_at_first: None,
        description: Some("of the shop".into()),
        dns: Some(DnsConfig {
            routing_policy: RoutingPolicy::Multivalue,
            records: types.map(record).into(),
        }),
        health_check: Some(HealthCheck::Route53 {
            protocol: "HTTP".into(),
            resource_path: Some("/health".into()),
            failure_threshold: 3,
        }),
        attributes: BTreeMap::from([("owner".into(), "shop".into())]),
        creator_request_id: Some("second".into()),
        created_at: at(1),
        instances_revision: 3,
        is_ecs_managed: true,
        offered_by: vec![crate::records::member("web")],
        tags: tags(),
    }
}

pub fn discovery_instance() -> DiscoveryInstance {
    DiscoveryInstance {
        service_id: discovery_service().id,
        id: "web-1".into(),
        attributes: BTreeMap::from([("AWS_INSTANCE_IPV4".into(), "172.31.0.4".into())]),
        custom_health: CustomHealth::Unhealthy,
        creator_request_id: Some("third".into()),
        operation_id: Some(OPERATION.into()),
        registered_at: at(2),
    }
}

pub fn service_registry() -> ServiceRegistry {
    ServiceRegistry {
        registry_arn: discovery_service().arn(),
        port: Some(80),
        container: Some("web".into()),
        container_port: Some(8080),
    }
}

pub fn cloud_map_operation() -> Operation {
    Operation {
        id: OPERATION.into(),
        scope: scope(),
        kind: OperationKind::RegisterInstance,
        target: OperationTarget::Instance {
            service_id: discovery_service().id,
            instance_id: "web-1".into(),
        },
        created_at: at(2),
    }
}
