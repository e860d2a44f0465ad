//! Samples of what belongs to Service Connect.

use std::net::Ipv4Addr;

use domain::Scope;
use domain::container_definition::LogConfiguration;
use domain::service_connect::{
    AppProtocol, ClientAlias, ClientAliasKey, ServiceConnectClientAlias, ServiceConnectConfiguration,
    ServiceConnectProxy, ServiceConnectService, ServiceConnectServiceResource, TaskEndpoint,
    TaskServiceConnect, TimeoutConfiguration,
};

use crate::records::member;

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

pub fn configuration() -> ServiceConnectConfiguration {
    ServiceConnectConfiguration {
        is_enabled: true,
        namespace: Some("internal".into()),
        namespace_id: Some("ns-0123456789abcdef".into()),
        services: vec![ServiceConnectService {
            port_name: "http".into(),
            discovery_name: Some("web".into()),
            client_alias: Some(ServiceConnectClientAlias {
                dns_name: Some("web".into()),
                port: 80,
            }),
            ingress_port_override: Some(15_000),
            timeout: Some(TimeoutConfiguration {
                idle_timeout_seconds: Some(60),
                per_request_timeout_seconds: Some(5),
            }),
        }],
        log_configuration: Some(LogConfiguration {
            log_driver: "awslogs".into(),
            options: [("awslogs-group".into(), "proxies".into())].into(),
            secret_options: Vec::new(),
        }),
    }
}

pub fn resource() -> ServiceConnectServiceResource {
    ServiceConnectServiceResource {
        discovery_name: "web".into(),
        discovery_arn: "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0123456789abcdef".into(),
    }
}

pub fn of_task() -> TaskServiceConnect {
    TaskServiceConnect {
        endpoints: vec![TaskEndpoint {
            discovery_name: "web".into(),
            client_alias: Some(client_alias().key),
            container: "web".into(),
            container_port: 8080,
        }],
        idle_on: vec!["0123456789abcdef0123456789abcdef".into()],
    }
}

pub fn client_alias() -> ClientAlias {
    ClientAlias {
        key: ClientAliasKey {
            namespace_id: "ns-0123456789abcdef".into(),
            dns_name: "web".into(),
            port: 80,
        },
        scope: scope(),
        address: Ipv4Addr::new(169, 254, 64, 7),
        service: member("web"),
        discovery_name: "web".into(),
        protocol: AppProtocol::Http,
        idle_timeout_seconds: 300,
        per_request_timeout_seconds: 15,
    }
}

pub fn proxy() -> ServiceConnectProxy {
    ServiceConnectProxy {
        host_id: "0123456789abcdef0123456789abcdef".into(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        scope: scope(),
        subnet_id: "subnet-0123456789abcdef0".into(),
        address: Ipv4Addr::new(172, 31, 0, 9),
    }
}
