use std::sync::Arc;

use balancer::health::machine::{Failure, Health};
use balancer::report::TargetName;
use domain::served_load_balancer::LoadBalancerNetwork;
use domain::target::TargetHealthState;
use serde_json::json;

use super::*;

const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/73e2d6bc24d8a067";

fn target(id: &str, state: TargetState) -> domain::target::Target {
    domain::target::Target {
        key: TargetKey {
            group: TargetGroupArn::parse(GROUP).expect("an ARN"),
            id: id.to_owned(),
            port: 80,
        },
        zone: None,
        address: format!("{id}:80").parse().ok(),
        task: None,
        is_idle: false,
        anomaly: AnomalyDetection::default(),
        registered_at: Timestamp::UNIX_EPOCH,
        state,
        health: TargetHealth::at_first(true),
    }
}

/// A load balancer with two addresses and a listener on each of the ports.
fn served(ports: &[u16], targets: Vec<domain::target::Target>) -> ServedLoadBalancer {
    let arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/50dc6c495c0c9188";
    let listener = |port: &u16| {
        let id = format!("{port:016x}");
        json!({
            "arn": format!("{}/{id}", arn.replace("loadbalancer", "listener")), "load_balancer": arn, "port": port,
            "protocol": "Http", "attributes": domain::listener::ListenerAttributes::default(),
            "default_action": { "FixedResponse": { "status_code": 200 } }, "created_at": "1970-01-01T00:00:00Z",
        })
    };
    let listeners: Vec<_> = ports.iter().map(listener).collect();
    let kind = domain::load_balancer::LoadBalancerKind::Application;
    let zone = |name: &str, address: &str| json!({ "name": name, "subnet_id": name, "addresses": [address] });
    let load_balancer = json!({
        "arn": arn, "name": "web", "kind": kind, "scheme": "Internal", "ip_address_type": "Ipv4", "vpc_id": "vpc-1",
        "zones": [zone("a", "172.31.0.9"), zone("b", "172.31.16.9")], "dns_name": "web.local", "state": "Provisioning",
        "attributes": domain::load_balancer::LoadBalancerAttributes::new(kind), "created_at": "1970-01-01T00:00:00Z",
    });
    ServedLoadBalancer {
        load_balancer: serde_json::from_value(load_balancer).expect("a load balancer"),
        network: LoadBalancerNetwork {
            vpc_cidr: "172.31.0.0/16".parse().expect("a range"),
            gateway: std::net::Ipv4Addr::new(172, 31, 0, 1),
        },
        listeners: serde_json::from_value(json!(listeners)).expect("listeners"),
        rules: Vec::new(),
        target_groups: Vec::new(),
        targets,
        client_aliases: Vec::new(),
        certificates: Vec::new(),
        own_instance: None,
        cookie_key: [0; 32],
    }
}

fn bound(address: &str) -> Report {
    Report::ListenerBound {
        listener: Arc::from("any"),
        address: address.parse().expect("an address"),
    }
}

fn checked(id: &str, health: Health) -> Report {
    Report::TargetHealth {
        target: TargetName {
            group: Arc::from(GROUP),
            id: Arc::from(id),
            address: format!("{id}:80").parse().expect("an address"),
        },
        health,
    }
}

#[test]
fn it_serves_once_all_of_its_sockets_are_there() {
    let mut knowledge = Knowledge::default();
    knowledge.expect(&served(&[80], Vec::new()));
    assert_eq!(knowledge.news(), []);
    knowledge.learn(vec![bound("172.31.0.9:80")]);
    assert_eq!(knowledge.news(), [], "one of two");
    knowledge.learn(vec![bound("172.31.16.9:80")]);
    assert_eq!(knowledge.news(), [BalancerNews::Serves]);
    assert_eq!(knowledge.news(), [], "told once");
    knowledge.forget_told();
    assert_eq!(
        knowledge.news(),
        [BalancerNews::Serves],
        "another agent is told again"
    );
}

#[test]
fn without_listeners_it_serves_at_once_and_a_socket_that_fails_is_told() {
    let mut knowledge = Knowledge::default();
    knowledge.expect(&served(&[], Vec::new()));
    assert_eq!(knowledge.news(), [BalancerNews::Serves]);
    knowledge.expect(&served(&[80], Vec::new()));
    let failed = Report::ListenerFailed {
        listener: Arc::from("any"),
        address: "172.31.0.9:80".parse().expect("an address"),
        reason: "taken".to_owned(),
    };
    knowledge.learn(vec![failed, bound("172.31.16.9:80")]);
    let reason = "172.31.0.9:80: taken".to_owned();
    assert_eq!(knowledge.news(), [BalancerNews::Fails { reason }]);
    knowledge.expect(&served(&[], Vec::new()));
    assert_eq!(knowledge.news(), [BalancerNews::Serves], "its listener is gone");
}

#[test]
fn health_is_told_of_registered_targets_when_it_changes() {
    let mut knowledge = Knowledge::default();
    let draining = TargetState::Draining {
        since: Timestamp::UNIX_EPOCH,
    };
    let targets = vec![
        target("172.31.0.20", TargetState::Registered),
        target("172.31.0.21", draining),
    ];
    knowledge.expect(&served(&[], targets.clone()));
    knowledge.news();
    let healthy = || {
        vec![
            checked("172.31.0.20", Health::Healthy),
            checked("172.31.0.21", Health::Healthy),
        ]
    };
    knowledge.learn(healthy());
    let told = knowledge.news();
    let [BalancerNews::Health { target, health }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (target, health.state),
        (&targets[0].key, TargetHealthState::Healthy)
    );
    knowledge.learn(healthy());
    assert_eq!(knowledge.news(), []);
    knowledge.learn(vec![checked("172.31.0.20", Health::Unhealthy(Failure::Timeout))]);
    assert_eq!(knowledge.news().len(), 1);
    // Registered anew it is not known.
    knowledge.expect(&served(&[], Vec::new()));
    knowledge.expect(&served(&[], targets));
    knowledge.learn(vec![checked("172.31.0.20", Health::Unhealthy(Failure::Timeout))]);
    assert_eq!(knowledge.news().len(), 1);
}

#[test]
fn a_target_that_was_registered_anew_at_once_is_told_again() {
    let mut knowledge = Knowledge::default();
    let mut targets = vec![target("172.31.0.20", TargetState::Registered)];
    knowledge.expect(&served(&[], targets.clone()));
    knowledge.news();
    knowledge.learn(vec![checked("172.31.0.20", Health::Healthy)]);
    let told = knowledge.news();
    assert_eq!(told.len(), 1);
    // The agent has kept it.
    targets[0].health = TargetHealth::healthy();
    knowledge.expect(&served(&[], targets.clone()));
    assert_eq!(knowledge.news(), []);
    // It went and came within one update: its checks go on and find out nothing new.
    targets[0].health = TargetHealth::at_first(true);
    knowledge.expect(&served(&[], targets));
    assert_eq!(knowledge.news(), told);
    assert_eq!(knowledge.news(), [], "once");
}

#[test]
fn a_target_that_drains_anew_at_once_is_told_idle_again() {
    let drains_since = |second| {
        let since = Timestamp::from_second(second).expect("a time");
        served(&[], vec![target("172.31.0.20", TargetState::Draining { since })])
    };
    let mut knowledge = Knowledge::default();
    knowledge.expect(&drains_since(1));
    knowledge.news();
    let name = TargetName {
        group: Arc::from(GROUP),
        id: Arc::from("172.31.0.20"),
        address: "172.31.0.20:80".parse().expect("an address"),
    };
    knowledge.learn(vec![Report::TargetIdle { target: name }]);
    let told = knowledge.news();
    assert_eq!(told.len(), 1);
    knowledge.expect(&drains_since(1));
    assert_eq!(knowledge.news(), []);
    // It was registered in between, and nothing came to it: the balancer has nothing new to say.
    knowledge.expect(&drains_since(2));
    assert_eq!(knowledge.news(), told);
    assert_eq!(knowledge.news(), [], "once");
}

#[test]
fn a_proxy_serves_once_all_names_have_sockets_and_tells_which_tasks_are_idle() {
    let task = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef";
    let alias = json!({
        "group": GROUP, "address": "169.254.64.7", "port": 8000, "protocol": "Http",
        "idle_timeout_seconds": 60, "per_request_timeout_seconds": 5,
        "endpoints": [{ "task": task, "address": "172.31.0.5", "port": 80, "is_draining": true }],
    });
    let proxy = ServedLoadBalancer {
        client_aliases: serde_json::from_value(json!([alias])).expect("aliases"),
        ..served(&[], Vec::new())
    };
    let plan = plan(proxy.clone());
    assert_eq!((plan.listeners.len(), plan.groups.len()), (1, 1));
    let mut knowledge = Knowledge::default();
    knowledge.expect(&proxy);
    assert_eq!(knowledge.news(), []);
    let idle = Report::TargetIdle {
        target: TargetName {
            group: Arc::from(GROUP),
            id: Arc::from(task),
            address: "172.31.0.5:80".parse().expect("an address"),
        },
    };
    knowledge.learn(vec![bound("169.254.64.7:8000"), idle]);
    let news = knowledge.news();
    assert_eq!(news[0], BalancerNews::Serves);
    let BalancerNews::Idle { target } = &news[1] else {
        panic!("{news:?}")
    };
    assert_eq!((target.id.as_str(), target.port), (task, 80));
}

#[test]
fn a_task_that_is_to_stop_is_told_idle_though_it_was_before() {
    let task = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef0123456789abcdef";
    let proxy = |is_stopping: bool| {
        let alias = json!({
            "group": GROUP, "address": "169.254.64.7", "port": 8000, "protocol": "Http",
            "idle_timeout_seconds": 60, "per_request_timeout_seconds": 5,
            "endpoints": [{
                "task": task, "address": "172.31.0.5", "port": 80, "is_draining": true, "is_stopping": is_stopping,
            }],
        });
        ServedLoadBalancer {
            client_aliases: serde_json::from_value(json!([alias])).expect("aliases"),
            ..served(&[], Vec::new())
        }
    };
    let mut knowledge = Knowledge::default();
    knowledge.expect(&proxy(false));
    let idle = Report::TargetIdle {
        target: TargetName {
            group: Arc::from(GROUP),
            id: Arc::from(task),
            address: "172.31.0.5:80".parse().expect("an address"),
        },
    };
    knowledge.learn(vec![bound("169.254.64.7:8000"), idle]);
    let is_idle = |it: &BalancerNews| matches!(it, BalancerNews::Idle { .. });
    assert_eq!(knowledge.news().iter().filter(|it| is_idle(it)).count(), 1);
    knowledge.expect(&proxy(false));
    assert_eq!(knowledge.news(), []);
    knowledge.expect(&proxy(true));
    assert_eq!(knowledge.news().iter().filter(|it| is_idle(it)).count(), 1);
    knowledge.expect(&proxy(true));
    assert_eq!(knowledge.news(), [], "told once");
}

#[test]
fn anomalies_are_told_when_they_change_and_those_of_an_earlier_process_are_taken_back() {
    let anomalous = AnomalyDetection {
        is_anomalous: true,
        is_mitigated: false,
    };
    let mut before = target("172.31.0.20", TargetState::Registered);
    let key = before.key.clone();
    let report = |anomaly| Report::TargetAnomaly {
        target: TargetName {
            group: Arc::from(GROUP),
            id: Arc::from("172.31.0.20"),
            address: "172.31.0.20:80".parse().expect("an address"),
        },
        anomaly,
    };
    let news = |anomaly| BalancerNews::Anomaly {
        target: key.clone(),
        anomaly,
    };
    let mut knowledge = Knowledge::default();
    knowledge.expect(&served(&[], vec![before.clone()]));
    knowledge.news();
    knowledge.learn(vec![report(anomalous)]);
    assert_eq!(knowledge.news(), [news(anomalous)]);
    assert_eq!(knowledge.news(), []);
    knowledge.learn(vec![report(AnomalyDetection::default())]);
    assert_eq!(knowledge.news(), [news(AnomalyDetection::default())]);
    // Another agent may not know that it is over.
    knowledge.forget_told();
    assert!(knowledge.news().contains(&news(AnomalyDetection::default())));
    // What another load balancer of the group says is its own matter.
    before.anomaly = anomalous;
    knowledge.expect(&served(&[], vec![before.clone()]));
    assert_eq!(knowledge.news(), []);
    // Registered anew at once, nothing is known of it.
    knowledge.learn(vec![report(anomalous)]);
    assert_eq!(knowledge.news(), [news(anomalous)]);
    before.registered_at = Timestamp::from_second(1).expect("a time");
    knowledge.expect(&served(&[], vec![before.clone()]));
    assert_eq!(knowledge.news(), [news(anomalous)]);
    assert_eq!(knowledge.news(), [], "once");

    let mut heir = Knowledge::default();
    heir.expect(&served(&[], vec![before]));
    assert!(heir.news().contains(&news(AnomalyDetection::default())));
}
