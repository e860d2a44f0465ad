//! Tests of how tasks stand behind load balancers.

use super::*;

const RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/0123456789abcdef/\
                    0123456789abcdef/fedcba9876543210";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/net/web/0123456789abcdef/fedcba9876543210";
const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";

#[test]
fn rules_and_listeners_send_traffic_and_nothing_else() {
    assert!(matches!(TrafficSource::parse(RULE), Some(TrafficSource::Rule(it)) if it.as_str() == RULE));
    assert!(
        matches!(TrafficSource::parse(LISTENER), Some(TrafficSource::Listener(it)) if it.as_str() == LISTENER)
    );
    assert_eq!(TrafficSource::parse(GROUP), None);
    assert_eq!(TrafficSource::parse("web"), None);
}

#[test]
fn a_place_is_healthy_or_unhealthy_only_once_it_is_known() {
    let group = TargetGroupArn::parse(GROUP).expect("an ARN");
    let mut place = TaskTarget::waiting(Behind::TargetGroup(group), "web".to_owned(), 80);
    assert_eq!(
        (place.is_healthy(), place.is_unhealthy(), place.key()),
        (false, false, None)
    );
    for (health, is_healthy, is_unhealthy) in [
        (TargetHealthState::Initial, false, false),
        (TargetHealthState::Healthy, true, false),
        (TargetHealthState::Unhealthy, false, true),
        (TargetHealthState::Unused, false, false),
    ] {
        place.state = TaskTargetState::Registered {
            id: "10.0.0.1".to_owned(),
            port: 80,
            health,
        };
        assert_eq!(
            (place.is_healthy(), place.is_unhealthy()),
            (is_healthy, is_unhealthy)
        );
        assert_eq!(place.key().map(|it| it.port), Some(80));
    }
    place.state = TaskTargetState::Refused;
    assert!(place.is_unhealthy());
}

#[test]
fn groups_and_classic_load_balancers_are_told_apart_by_their_texts() {
    let group = Behind::TargetGroup(TargetGroupArn::parse(GROUP).expect("an ARN"));
    let classic = Behind::Classic("old".to_owned());
    for (behind, text, said) in [
        (&group, GROUP, format!("(target-group {GROUP})")),
        (&classic, "old", "(elb old)".to_owned()),
    ] {
        let read = Behind::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(
            text,
        ));
        assert_eq!(&read.expect("is read"), behind);
        assert_eq!(behind.to_string(), said);
    }
    let mut place = TaskTarget::waiting(classic, "web".to_owned(), 80);
    assert_eq!(place.instance(), None);
    place.state = TaskTargetState::Deregistered {
        id: "i-1".to_owned(),
        port: 8080,
    };
    assert_eq!((place.instance(), place.key()), (Some(("old", "i-1")), None));
}
