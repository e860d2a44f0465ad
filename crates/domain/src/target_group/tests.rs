use super::*;
use crate::load_balancing_attribute::AttributeRefusal;

fn check_of(group: Protocol, version: Option<ProtocolVersion>, kind: TargetType) -> String {
    let it = HealthCheck::new(group, version, kind, None);
    format!(
        "{} {} {} every {} for {} after {}/{} {}",
        it.protocol.as_str(),
        it.port,
        it.path.as_deref().unwrap_or("-"),
        it.interval_seconds,
        it.timeout_seconds,
        it.healthy_threshold,
        it.unhealthy_threshold,
        it.matcher.as_ref().map_or("-", Matcher::codes),
    )
}

#[test]
fn checks_are_amazons_where_nothing_was_said() {
    let http1 = Some(ProtocolVersion::Http1);
    for (group, version, kind, expected) in [
        (
            Protocol::Http,
            http1,
            TargetType::Ip,
            "HTTP traffic-port / every 30 for 5 after 5/2 200",
        ),
        (
            Protocol::Https,
            http1,
            TargetType::Ip,
            "HTTP traffic-port / every 30 for 5 after 5/2 200",
        ),
        (
            Protocol::Http,
            Some(ProtocolVersion::Grpc),
            TargetType::Ip,
            "HTTP traffic-port /AWS.ALB/healthcheck every 30 for 5 after 5/2 12",
        ),
        (
            Protocol::Tcp,
            None,
            TargetType::Instance,
            "TCP traffic-port - every 30 for 10 after 5/2 -",
        ),
        (
            Protocol::Udp,
            None,
            TargetType::Ip,
            "TCP traffic-port - every 30 for 10 after 5/2 -",
        ),
        (
            Protocol::Tcp,
            None,
            TargetType::Alb,
            "HTTP traffic-port / every 30 for 6 after 5/2 200-399",
        ),
    ] {
        assert_eq!(check_of(group, version, kind), expected);
    }
}

#[test]
fn matchers_name_codes_and_ranges() {
    let it = Matcher::Http("200,202,300-302".to_owned());
    for (code, is_good) in [(200, true), (201, false), (202, true), (301, true), (303, false)] {
        assert_eq!(it.is_good(code), is_good, "{code}");
    }
    for (codes, is_matcher_) in [
        ("200", true),
        ("200-499", true),
        ("200-", false),
        ("", false),
        ("100", false),
        ("299-200", false),
        ("200,,201", false),
        ("500", false),
    ] {
        assert_eq!(is_matcher(codes, 200..=499), is_matcher_, "{codes}");
    }
}

#[test]
fn what_is_listed_can_be_set_again() {
    for protocol in Protocol::ALL {
        let first = TargetGroupAttributes::new(protocol, TargetType::Ip);
        let mut again = first.clone();
        for (key, value) in first.list(protocol) {
            // A group has no cookie of its application until one is named.
            assert_eq!(again.set(protocol, key, &value), Ok(()), "{key}");
        }
        assert_eq!(again, first);
    }
}

#[test]
fn values_and_kinds_are_checked() {
    let mut it = TargetGroupAttributes::new(Protocol::Http, TargetType::Ip);
    for (key, value) in [
        ("slow_start.duration_seconds", "29"),
        ("deregistration_delay.timeout_seconds", "3601"),
        ("stickiness.type", "address"),
        ("stickiness.app_cookie.cookie_name", "AWSALBTG"),
        ("load_balancing.algorithm.type", "best"),
        ("stickiness.enabled", "yes"),
    ] {
        let refused = it.set(Protocol::Http, key, value);
        assert!(matches!(refused, Err(AttributeRefusal::Value { .. })), "{key}");
    }
    assert_eq!(
        it.set(Protocol::Http, "proxy_protocol_v2.enabled", "true"),
        Err(AttributeRefusal::NotOfThisKind(
            "proxy_protocol_v2.enabled".into()
        ))
    );
    assert!(TargetGroupAttributes::new(Protocol::Udp, TargetType::Ip).preserves_client_ip);
    assert!(!TargetGroupAttributes::new(Protocol::Tcp, TargetType::Ip).preserves_client_ip);
    assert!(TargetGroupAttributes::new(Protocol::Tcp, TargetType::Instance).preserves_client_ip);
}

#[test]
fn attributes_that_exclude_each_other_are_refused() {
    for protocol in Protocol::ALL {
        assert_eq!(
            TargetGroupAttributes::new(protocol, TargetType::Ip).check(protocol),
            Ok(())
        );
    }
    for (protocol, changes) in [
        (Protocol::Udp, &[("preserve_client_ip.enabled", "false")][..]),
        (
            Protocol::Tcp,
            &[("target_health_state.unhealthy.draining_interval_seconds", "10")],
        ),
        (
            Protocol::Http,
            &[
                ("slow_start.duration_seconds", "30"),
                ("load_balancing.algorithm.type", "weighted_random"),
            ],
        ),
        (
            Protocol::Http,
            &[("load_balancing.algorithm.anomaly_mitigation", "on")],
        ),
    ] {
        let mut it = TargetGroupAttributes::new(protocol, TargetType::Ip);
        for (key, value) in changes {
            assert_eq!(it.set(protocol, key, value), Ok(()), "{key}");
        }
        assert!(it.check(protocol).is_err(), "{changes:?}");
    }
}

#[test]
fn stickiness_is_one_that_the_protocol_has() {
    let (enabled, app_cookie) = (("stickiness.enabled", "true"), ("stickiness.type", "app_cookie"));
    let unsupported = |word: &str, protocol: &str| {
        format!("Stickiness type '{word}' is not supported for target groups with the {protocol} protocol")
    };
    for (protocol, changes, expected) in [
        (
            Protocol::Tls,
            &[enabled][..],
            "You cannot enable stickiness on target groups with the TLS protocol".to_owned(),
        ),
        (
            Protocol::Http,
            &[("stickiness.type", "source_ip")],
            unsupported("source_ip", "HTTP"),
        ),
        (
            Protocol::TcpUdp,
            &[enabled, ("stickiness.type", "lb_cookie")],
            unsupported("lb_cookie", "TCP_UDP"),
        ),
        (Protocol::Tcp, &[app_cookie], unsupported("app_cookie", "TCP")),
        (
            Protocol::Https,
            &[enabled, ("load_balancing.algorithm.type", "weighted_random")],
            "You cannot have both stickiness and weighted random algorithm enabled on the same target group."
                .to_owned(),
        ),
        (
            Protocol::Http,
            &[enabled, app_cookie],
            "You must set an application cookie name to enable stickiness of type 'app_cookie'".to_owned(),
        ),
    ] {
        let mut it = TargetGroupAttributes::new(protocol, TargetType::Ip);
        for (key, value) in changes {
            assert_eq!(it.set(protocol, key, value), Ok(()), "{key}");
        }
        assert_eq!(it.check(protocol), Err(expected));
    }
}
