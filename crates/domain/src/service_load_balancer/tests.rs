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
    let mut place = TaskTarget::waiting(group, "web".to_owned(), 80);
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
