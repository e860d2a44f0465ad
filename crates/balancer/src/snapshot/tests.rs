use std::net::IpAddr;
use std::time::Duration;

use domain::listener::{Listener, ListenerAttributes, Protocol};
use domain::listener_rule::{Action, Condition, FixedResponse, Forward, ListenerRule, WeightedTargetGroup};
use domain::load_balancer::{
    IpAddressType, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, LoadBalancerState,
    LoadBalancerZone, Scheme,
};
use domain::target::{Target, TargetHealth, TargetKey, TargetState};
use domain::target_group::{
    Algorithm, HealthCheck, HealthCheckPort, ProtocolVersion, Stickiness, TargetGroup, TargetGroupAttributes,
    TargetType,
};
use domain::{LoadBalancerArn, TargetGroupArn, Timestamp};

use super::Snapshot;
use crate::plan::{self, Anomalies, CheckKind, Registration};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 31, 0, 9));

fn balancer_arn() -> LoadBalancerArn {
    let text = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/50dc6c495c0c9188";
    LoadBalancerArn::parse(text).expect("an ARN")
}

fn group_arn() -> TargetGroupArn {
    let text = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/73e2d6bc24d8a067";
    TargetGroupArn::parse(text).expect("an ARN")
}

fn load_balancer() -> LoadBalancer {
    let mut attributes = LoadBalancerAttributes::new(LoadBalancerKind::Application);
    attributes.idle_timeout_seconds = 17;
    attributes.preserves_host_header = true;
    LoadBalancer {
        arn: balancer_arn(),
        name: "web".to_owned(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        ip_address_type: IpAddressType::Ipv4,
        vpc_id: "vpc-1".to_owned(),
        zones: vec![LoadBalancerZone {
            name: "us-east-1a".to_owned(),
            subnet_id: "subnet-1".to_owned(),
            addresses: vec![ADDRESS],
        }],
        security_groups: Vec::new(),
        dns_name: "web.local".to_owned(),
        state: LoadBalancerState::Active,
        attributes,
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn forward() -> Action {
    Action::Forward(Forward {
        target_groups: vec![WeightedTargetGroup {
            arn: group_arn(),
            weight: 3,
        }],
        stickiness_seconds: Some(60),
    })
}

fn listener() -> Listener {
    let mut attributes = ListenerAttributes::default();
    attributes
        .response_headers
        .insert("x-frame-options".to_owned(), "DENY".to_owned());
    Listener {
        arn: balancer_arn().listener("aaaaaaaaaaaaaaaa"),
        load_balancer: balancer_arn(),
        port: 80,
        protocol: Protocol::Http,
        certificates: Vec::new(),
        ssl_policy: None,
        alpn_policy: None,
        default_action: forward(),
        action_order: None,
        attributes,
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn rule(priority: Option<u16>, id: &str) -> ListenerRule {
    ListenerRule {
        arn: listener().arn.rule(id),
        listener: listener().arn,
        priority,
        conditions: vec![Condition::PathPattern(vec!["/x".to_owned()])],
        action: Action::FixedResponse(FixedResponse {
            status_code: 418,
            content_type: None,
            body: None,
        }),
        action_order: None,
        tags: Vec::new(),
    }
}

fn group() -> TargetGroup {
    let version = Some(ProtocolVersion::Grpc);
    let mut attributes = TargetGroupAttributes::new(Protocol::Http, TargetType::Ip);
    attributes.is_sticky = true;
    attributes.stickiness = Stickiness::AppCookie;
    attributes.app_cookie_name = "SESSION".to_owned();
    let mut health_check = HealthCheck::new(Protocol::Http, version, TargetType::Ip, None);
    health_check.port = HealthCheckPort::Port(9000);
    TargetGroup {
        arn: group_arn(),
        name: "web".to_owned(),
        target_type: TargetType::Ip,
        protocol: Protocol::Http,
        protocol_version: version,
        port: 80,
        vpc_id: "vpc-1".to_owned(),
        health_check,
        attributes,
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn target(port: u16, known: bool, state: TargetState) -> Target {
    Target {
        key: TargetKey {
            group: group_arn(),
            id: "10.0.0.1".to_owned(),
            port,
        },
        zone: None,
        address: known.then(|| std::net::SocketAddr::from(([10, 0, 0, 1], port))),
        task: None,
        is_idle: false,
        anomaly: domain::target::AnomalyDetection::default(),
        registered_at: Timestamp::UNIX_EPOCH,
        state,
        health: TargetHealth::healthy(),
    }
}

#[test]
fn records_become_what_a_balancer_does() {
    let draining = TargetState::Draining {
        since: Timestamp::UNIX_EPOCH,
    };
    let snapshot = Snapshot {
        load_balancers: vec![load_balancer()],
        listeners: vec![listener()],
        rules: vec![rule(Some(20), "b"), rule(None, "c"), rule(Some(10), "a")],
        target_groups: vec![group()],
        targets: vec![
            target(80, true, TargetState::Registered),
            target(81, true, draining),
            target(82, false, TargetState::Registered),
        ],
        certificates: Vec::new(),
        vpc_cidr: Some("10.0.0.0/16".parse().expect("a range")),
    };
    let plan = snapshot.plan();
    let [listener] = &plan.listeners[..] else {
        panic!("one listener")
    };
    assert_eq!(&*listener.load_balancer.log_name, "app/web/50dc6c495c0c9188");
    assert_eq!(listener.load_balancer.addresses[0].ip, ADDRESS);
    assert_eq!(listener.load_balancer.idle_timeout, Duration::from_secs(17));
    assert!(listener.load_balancer.cross_zone);
    assert_eq!(
        (
            &*listener.load_balancer.dns_name,
            listener.load_balancer.preserves_host
        ),
        ("web.local", true)
    );
    let priorities: Vec<_> = listener.rules.iter().map(|it| it.priority).collect();
    assert_eq!(priorities, [10, 20]);
    assert_eq!(listener.headers.response.len(), 1);
    let plan::rule::Action::Forward { groups, stickiness } = &listener.default_action else {
        panic!("it forwards");
    };
    assert_eq!((groups[0].1, *stickiness), (3, Some(Duration::from_secs(60))));
    let [group] = &plan.groups[..] else {
        panic!("one group")
    };
    assert_eq!(groups[0].0, group.arn);
    let states: Vec<_> = group
        .targets
        .iter()
        .map(|it| (it.address.port(), it.registration))
        .collect();
    assert_eq!(
        states,
        [(80, Registration::Registered), (81, Registration::Draining)]
    );
    assert_eq!(
        group.preserves_clients_in, None,
        "not of an application load balancer"
    );
    assert!(
        matches!(&group.stickiness, plan::Stickiness::Application { cookie, .. } if &**cookie == "SESSION")
    );
    let check = group.health_check.as_ref().expect("a check");
    assert_eq!(
        (check.port, check.first_threshold, check.unhealthy_threshold),
        (Some(9000), 1, 2)
    );
    let CheckKind::Grpc { path, matcher, .. } = &check.kind else {
        panic!("of gRPC")
    };
    assert!(&**path == "/AWS.ALB/healthcheck" && matcher.matches(12));
}

#[test]
fn what_belongs_to_nothing_is_left_out() {
    let snapshot = Snapshot {
        listeners: vec![listener()],
        rules: vec![rule(Some(1), "a")],
        ..Snapshot::default()
    };
    assert!(snapshot.plan().listeners.is_empty());
}

#[test]
fn targets_in_the_vpc_see_clients_if_their_group_says_so() {
    let range = "10.0.0.0/16".parse().expect("a range");
    let cases = [
        (Protocol::Tcp, TargetType::Ip, false, None),
        (Protocol::Tcp, TargetType::Ip, true, Some(range)),
        (Protocol::Udp, TargetType::Ip, true, Some(range)),
        (Protocol::Tcp, TargetType::Instance, true, None),
    ];
    for (protocol, target_type, is_preserved, wanted) in cases {
        let mut group = TargetGroup {
            protocol,
            target_type,
            attributes: TargetGroupAttributes::new(protocol, target_type),
            ..group()
        };
        group.attributes.preserves_client_ip = is_preserved;
        let snapshot = Snapshot {
            target_groups: vec![group],
            vpc_cidr: Some(range),
            ..Snapshot::default()
        };
        assert_eq!(
            snapshot.plan().groups[0].preserves_clients_in,
            wanted,
            "{protocol:?}"
        );
    }
}

#[test]
fn anomalies_are_looked_for_behind_application_load_balancers_and_mitigated_if_asked() {
    let of = |change: fn(&mut TargetGroup)| {
        let mut group = group();
        change(&mut group);
        super::groups::group(&group, &[], None).anomalies
    };
    assert_eq!(of(|_| {}), Anomalies::Detected);
    assert_eq!(
        of(|it| it.attributes.mitigates_anomalies = true),
        Anomalies::Detected
    );
    assert_eq!(
        of(|it| {
            it.attributes.mitigates_anomalies = true;
            it.attributes.algorithm = Algorithm::WeightedRandom;
        }),
        Anomalies::Mitigated
    );
    assert_eq!(of(|it| it.protocol = Protocol::Tcp), Anomalies::Ignored);
    // As those of classic load balancers are.
    assert_eq!(
        of(|it| it.attributes.unhealthy_routing.count = None),
        Anomalies::Ignored
    );
}
