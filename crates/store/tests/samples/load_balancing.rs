//! Samples of load balancers, listeners, rules, target groups and targets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use domain::classic_load_balancer::{
    ClassicAttributes, ClassicHealthCheck, ClassicInstance, ClassicListener, ClassicLoadBalancer,
    ClassicPolicy, ClassicPolicyKind,
};
use domain::listener::{AlpnPolicy, Listener, ListenerAttributes, Protocol};
use domain::listener_rule::{
    Action, Condition, FixedResponse, Forward, ListenerRule, QueryParameter, WeightedTargetGroup,
};
use domain::load_balancer::{
    IpAddressType, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, LoadBalancerState,
    LoadBalancerZone, Scheme,
};
use domain::tags::Pair;
use domain::target::{
    AnomalyDetection, Target, TargetHealth, TargetHealthReason, TargetHealthState, TargetKey, TargetState,
};
use domain::target_group::{HealthCheck, ProtocolVersion, TargetGroup, TargetGroupAttributes, TargetType};
use domain::{ListenerArn, LoadBalancerArn, Scope, TargetGroupArn, Timestamp};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn then() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("in range")
}

fn load_balancer_arn() -> LoadBalancerArn {
    LoadBalancerArn::new(&scope(), &["app", "web", "50dc6c495c0c9188"])
}

fn listener_arn() -> ListenerArn {
    load_balancer_arn().listener("f2f7dc8efc522ab2")
}

fn group_arn() -> TargetGroupArn {
    TargetGroupArn::of(&scope(), "web", "73e2d6bc24d8a067")
}

pub fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        arn: load_balancer_arn(),
        name: "web".into(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::InternetFacing,
        ip_address_type: IpAddressType::Ipv4,
        vpc_id: "vpc-0123456789abcdef0".into(),
        zones: vec![LoadBalancerZone {
            name: "us-east-1a".into(),
            subnet_id: "subnet-0123456789abcdef0".into(),
            addresses: vec![IpAddr::V4(Ipv4Addr::new(172, 31, 0, 9))],
        }],
        security_groups: vec!["sg-0123456789abcdef0".into()],
        dns_name: "web-1234567890.us-east-1.elb.amazonaws.com".into(),
        state: LoadBalancerState::Failed {
            reason: "the port is taken".into(),
        },
        attributes: LoadBalancerAttributes::new(LoadBalancerKind::Application),
        created_at: then(),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn classic_load_balancer() -> ClassicLoadBalancer {
    ClassicLoadBalancer {
        arn: ClassicLoadBalancer::new_arn(&scope(), "web", "50dc6c495c0c9188"),
        name: "web".into(),
        scheme: Scheme::Internal,
        vpc_id: "vpc-0123456789abcdef0".into(),
        zones: load_balancer().zones,
        security_groups: vec!["sg-0123456789abcdef0".into()],
        dns_name: "internal-web-1234567890.us-east-1.elb.amazonaws.com".into(),
        state: LoadBalancerState::Active,
        listeners: vec![ClassicListener {
            port: 80,
            protocol: Protocol::Http,
            instance_port: 8080,
            instance_protocol: Protocol::Http,
            certificate: Some("arn:aws:acm:us-east-1:123456789012:certificate/1".into()),
            policies: vec!["day".into()],
        }],
        instances: vec![ClassicInstance {
            zone: Some("us-east-1a".into()),
            draining_since: Some(then()),
            health: BTreeMap::from([(80, TargetHealth::healthy())]),
            tasks: [crate::records::task().arn].into(),
            idle: [80].into(),
            ..ClassicInstance::new("i-0123456789abcdef0".into(), None, then())
        }],
        health_check: ClassicHealthCheck {
            target: "HTTP:8080/ok".parse().expect("a target"),
            ..ClassicHealthCheck::new(8080)
        },
        policies: vec![
            ClassicPolicy {
                name: "day".into(),
                kind: ClassicPolicyKind::LbCookie {
                    seconds: Some(86_400),
                },
            },
            ClassicPolicy {
                name: "app".into(),
                kind: ClassicPolicyKind::AppCookie {
                    cookie: "SESSION".into(),
                },
            },
        ],
        attributes: ClassicAttributes {
            draining_seconds: Some(30),
            ..ClassicAttributes::default()
        },
        created_at: then(),
        tags: vec![Pair {
            name: "team".into(),
            value: Some("web".into()),
        }],
    }
}

pub fn listener() -> Listener {
    Listener {
        arn: listener_arn(),
        load_balancer: load_balancer_arn(),
        port: 443,
        protocol: Protocol::Https,
        certificates: vec!["arn:aws:acm:us-east-1:123456789012:certificate/1".into()],
        ssl_policy: Some("ELBSecurityPolicy-2016-08".into()),
        alpn_policy: Some(AlpnPolicy::Http2Preferred),
        default_action: Action::FixedResponse(FixedResponse {
            status_code: 404,
            content_type: Some("text/plain".into()),
            body: Some("nothing here".into()),
        }),
        action_order: Some(2),
        attributes: ListenerAttributes {
            response_headers: [("x-frame-options".into(), "DENY".into())].into(),
            renamed_request_headers: [("x-amzn-tls-version".into(), "Tls".into())].into(),
            ..ListenerAttributes::default()
        },
        created_at: then(),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn listener_rule() -> ListenerRule {
    ListenerRule {
        arn: listener_arn().rule("9683b2d02a6cabee"),
        listener: listener_arn(),
        priority: Some(10),
        conditions: vec![
            Condition::HostHeader(vec!["*.example.com".into()]),
            Condition::PathPattern(vec!["/img/*".into()]),
            Condition::HttpHeader {
                name: "X-Version".into(),
                values: vec!["2".into()],
            },
            Condition::HttpRequestMethod(vec!["GET".into()]),
            Condition::QueryString(vec![QueryParameter {
                key: Some("v".into()),
                value: "2".into(),
            }]),
            Condition::SourceIp(vec!["192.0.2.0/24".parse().expect("a range")]),
        ],
        action: Action::Forward(Forward {
            target_groups: vec![WeightedTargetGroup {
                arn: group_arn(),
                weight: 100,
            }],
            stickiness_seconds: Some(3600),
        }),
        action_order: Some(10),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn target_group() -> TargetGroup {
    let version = Some(ProtocolVersion::Http1);
    TargetGroup {
        arn: group_arn(),
        name: "web".into(),
        target_type: TargetType::Ip,
        protocol: Protocol::Http,
        protocol_version: version,
        port: 80,
        vpc_id: "vpc-0123456789abcdef0".into(),
        health_check: HealthCheck::new(Protocol::Http, version, TargetType::Ip, None),
        attributes: TargetGroupAttributes::new(Protocol::Http, TargetType::Ip),
        created_at: then(),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn target() -> Target {
    Target {
        key: TargetKey {
            group: group_arn(),
            id: "172.31.0.10".into(),
            port: 8080,
        },
        zone: Some("us-east-1a".into()),
        address: Some(SocketAddr::from(([172, 31, 0, 10], 8080))),
        task: Some(crate::records::task().arn),
        is_idle: true,
        anomaly: AnomalyDetection {
            is_anomalous: true,
            is_mitigated: true,
        },
        registered_at: then(),
        state: TargetState::Draining { since: then() },
        health: TargetHealth::because(
            TargetHealthState::Draining,
            TargetHealthReason::DeregistrationInProgress,
        ),
    }
}
