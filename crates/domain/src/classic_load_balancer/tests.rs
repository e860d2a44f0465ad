use super::*;
use crate::load_balancer::LoadBalancerKind;
use crate::served_load_balancer::LoadBalancerNetwork;
use crate::target::{TargetHealthReason, TargetState};
use crate::target_group::{HealthCheckPort, Stickiness};

fn zone(name: &str, address: &str) -> LoadBalancerZone {
    LoadBalancerZone {
        name: name.to_owned(),
        subnet_id: format!("subnet-{name}"),
        addresses: vec![address.parse().expect("an address")],
    }
}

fn listener(port: u16, protocol: Protocol, instance_port: u16) -> ClassicListener {
    ClassicListener {
        port,
        protocol,
        instance_port,
        instance_protocol: protocol,
        certificate: None,
        policies: Vec::new(),
    }
}

fn instance(id: &str, zone: &str) -> ClassicInstance {
    ClassicInstance::new(id.to_owned(), Some(zone.to_owned()), Timestamp::UNIX_EPOCH)
}

/// In the zones a and b, with a listener of HTTP and one of TCP, and an instance in a and c each.
fn balancer() -> ClassicLoadBalancer {
    let scope = Scope::new("123456789012", "us-east-1");
    ClassicLoadBalancer {
        arn: ClassicLoadBalancer::new_arn(&scope, "web", "50dc6c495c0c9188"),
        name: "web".to_owned(),
        scheme: Scheme::Internal,
        vpc_id: "vpc-1".to_owned(),
        zones: vec![zone("a", "10.0.0.4"), zone("b", "10.0.1.4")],
        security_groups: Vec::new(),
        dns_name: "internal-web-1.us-east-1.elb.amazonaws.com".to_owned(),
        state: LoadBalancerState::Active,
        listeners: vec![
            listener(80, Protocol::Http, 8080),
            listener(3306, Protocol::Tcp, 3306),
        ],
        instances: vec![instance("i-a", "a"), instance("i-c", "c")],
        health_check: ClassicHealthCheck {
            target: "HTTP:8080/ok".parse().expect("a target"),
            ..ClassicHealthCheck::new(80)
        },
        policies: Vec::new(),
        attributes: ClassicAttributes::default(),
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn served(it: &ClassicLoadBalancer) -> crate::served_load_balancer::ServedLoadBalancer {
    let network = LoadBalancerNetwork {
        vpc_cidr: "10.0.0.0/16".parse().expect("a range"),
        gateway: std::net::Ipv4Addr::new(10, 0, 0, 1),
    };
    it.served(network, Some("i-a".to_owned()), [0; 32])
}

#[test]
fn targets_of_checks_are_read_and_written_alike() {
    for text in ["TCP:3306", "SSL:443", "HTTP:80/", "HTTPS:443/a/b?c=d"] {
        assert_eq!(
            text.parse::<CheckTarget>().map(|it| it.to_string()),
            Ok(text.to_owned())
        );
    }
    let lower = "http:80/index.html".parse::<CheckTarget>();
    assert_eq!(
        lower.map(|it| it.to_string()),
        Ok("HTTP:80/index.html".to_owned())
    );
    for text in [
        "",
        "TCP",
        "TCP:",
        "TCP:0",
        "TCP:65536",
        "TCP:80/x",
        "HTTP:80",
        "HTTP:80/a b",
        "UDP:53",
    ] {
        assert!(text.parse::<CheckTarget>().is_err(), "{text}");
    }
}

#[test]
fn each_listener_has_a_group_of_its_own_with_the_one_check() {
    let served = served(&balancer());
    assert_eq!(served.listeners.len(), 2);
    assert_eq!(served.rules.len(), 2);
    assert!(served.rules.iter().all(|it| it.priority.is_none()));
    let ports: Vec<u16> = served.target_groups.iter().map(|it| it.port).collect();
    assert_eq!(ports, [8080, 3306]);
    for (listener, group) in served.listeners.iter().zip(&served.target_groups) {
        let forwards: Vec<_> = listener.default_action.target_groups().collect();
        assert_eq!(forwards, [&group.arn]);
        assert_eq!(group.health_check.port, HealthCheckPort::Port(8080));
        assert_eq!(group.health_check.path.as_deref(), Some("/ok"));
        assert_eq!(group.attributes.unhealthy_routing.count, None);
        // As balancers read them again from their reports.
        assert_eq!(
            crate::TargetGroupArn::parse(group.arn.as_str()),
            Ok(group.arn.clone())
        );
    }
}

#[test]
fn an_instance_in_a_zone_that_it_is_not_in_is_no_target() {
    let mut it = balancer();
    it.instances[0].draining_since = Some(Timestamp::UNIX_EPOCH);
    let served = served(&it);
    let targets: Vec<_> = served
        .targets
        .iter()
        .map(|it| (&*it.key.id, it.key.port))
        .collect();
    assert_eq!(targets, [("i-a", 8080), ("i-a", 3306)]);
    assert!(
        served
            .targets
            .iter()
            .all(|it| matches!(it.state, TargetState::Draining { .. }))
    );
}

#[test]
fn the_host_itself_is_found_where_it_says() {
    let mut it = balancer();
    it.instances[1].zone = None;
    let served = served(&it).with_host_at(std::net::Ipv4Addr::new(169, 254, 172, 0));
    let addresses: Vec<_> = served
        .targets
        .iter()
        .map(|it| it.address.map(|it| it.to_string()))
        .collect();
    let known = |port: u16| Some(format!("169.254.172.0:{port}"));
    assert_eq!(addresses, [known(8080), None, known(3306), None]);
}

#[test]
fn attributes_and_policies_reach_the_balancer() {
    let mut it = balancer();
    it.attributes.is_cross_zone = true;
    it.attributes.idle_timeout_seconds = 7;
    it.policies = vec![ClassicPolicy {
        name: "sticky".to_owned(),
        kind: ClassicPolicyKind::LbCookie { seconds: Some(60) },
    }];
    it.listeners[0].policies = vec!["sticky".to_owned()];
    let served = served(&it);
    assert_eq!(served.load_balancer.kind, LoadBalancerKind::Network);
    assert!(served.load_balancer.attributes.is_cross_zone);
    assert_eq!(served.load_balancer.attributes.idle_timeout_seconds, 7);
    assert_eq!(served.listeners[1].attributes.tcp_idle_timeout_seconds, 7);
    let sticky = &served.target_groups[0].attributes;
    assert!(sticky.is_sticky);
    assert_eq!(
        (sticky.stickiness, sticky.lb_cookie_seconds),
        (Stickiness::ClassicLbCookie, 60)
    );
    assert!(!served.target_groups[1].attributes.is_sticky);
}

#[test]
fn the_name_leaves_out_zones_that_would_answer_nobody() {
    let mut it = balancer();
    let all = ["10.0.0.4", "10.0.1.4"].map(|it| it.parse::<IpAddr>().expect("an address"));
    assert_eq!(it.resolved(), all, "none is in service");
    it.instances[0].health.insert(80, TargetHealth::healthy());
    assert_eq!(it.resolved(), all, "one listener does not know yet");
    it.instances[0].health.insert(3306, TargetHealth::healthy());
    assert_eq!(it.resolved(), all[..1]);
    it.attributes.is_cross_zone = true;
    assert_eq!(it.resolved(), all);
}

#[test]
fn a_listener_of_tls_shows_its_certificate_by_the_default_policy() {
    let mut it = balancer();
    assert_eq!(it.ssl_policy(), None);
    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/1";
    it.listeners.push(ClassicListener {
        certificate: Some(arn.to_owned()),
        instance_protocol: Protocol::Tcp,
        ..listener(993, Protocol::Tls, 143)
    });
    let served = served(&it);
    assert_eq!(served.listeners[2].certificates, [arn]);
    let policies: Vec<_> = served
        .listeners
        .iter()
        .map(|it| it.ssl_policy.as_deref())
        .collect();
    assert_eq!(policies, [None, None, Some("ELBSecurityPolicy-2016-08")]);
    assert_eq!(it.ssl_policy(), policies[2]);
}

#[test]
fn clients_know_it_by_an_arn_without_digits() {
    let public = ClassicLoadBalancer::public_arn(&balancer().arn);
    assert_eq!(
        public.as_deref(),
        Some("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/web")
    );
    let other = LoadBalancerArn::new(&Scope::new("123456789012", "us-east-1"), &["app", "web", "1"]);
    assert_eq!(ClassicLoadBalancer::public_arn(&other), None);
}

#[test]
fn the_state_of_an_instance_is_told_and_tasks_know_the_same() {
    let mut it = balancer();
    let told = |it: &ClassicLoadBalancer| {
        let instance = &it.instances[0];
        let state = it.state_of(instance);
        (state.is_in_service, state.reason, it.task_health_of(instance))
    };
    assert_eq!(told(&it), (false, "ELB", TargetHealthState::Initial));
    for (health, expected) in [
        (
            TargetHealth::because(
                TargetHealthState::Initial,
                TargetHealthReason::InitialHealthChecking,
            ),
            (false, "Instance", TargetHealthState::Initial),
        ),
        (
            TargetHealth::because(TargetHealthState::Unhealthy, TargetHealthReason::Timeout),
            (false, "Instance", TargetHealthState::Unhealthy),
        ),
        (TargetHealth::healthy(), (true, "N/A", TargetHealthState::Healthy)),
    ] {
        for port in [80, 3306] {
            it.instances[0].health.insert(port, health.clone());
        }
        assert_eq!(told(&it), expected);
    }
    let zone = it.instances[0].zone.replace("us-east-1z".to_owned());
    assert_eq!(told(&it), (false, "ELB", TargetHealthState::Unhealthy));
    it.instances[0].zone = zone;
    it.instances[0].draining_since = Some(Timestamp::UNIX_EPOCH);
    assert_eq!(told(&it), (true, "ELB", TargetHealthState::Draining));
    it.instances[0].idle.insert(80);
    assert!(!it.is_idle(&it.instances[0]), "behind one listener only");
    it.instances[0].idle.insert(3306);
    assert!(it.is_idle(&it.instances[0]));
    assert!(it.leads_to(it.listeners[0].instance_port) && !it.leads_to(1));
}
