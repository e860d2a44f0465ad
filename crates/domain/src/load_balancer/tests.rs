use super::*;
use crate::Scope;
use crate::load_balancing_attribute::AttributeRefusal;

#[test]
fn names_are_as_amazon_gives_them() {
    let id = "50dc6c495c0c9188";
    assert_eq!(
        dns_name(
            LoadBalancerKind::Network,
            Scheme::InternetFacing,
            "Web",
            id,
            "us-east-1"
        ),
        "web-50dc6c495c0c9188.elb.us-east-1.amazonaws.com"
    );
    let internal = dns_name(
        LoadBalancerKind::Application,
        Scheme::Internal,
        "web",
        id,
        "us-east-1",
    );
    let digits = internal
        .strip_prefix("internal-web-")
        .and_then(|it| it.strip_suffix(".us-east-1.elb.amazonaws.com"))
        .expect("the form of Amazon");
    assert!(digits.bytes().all(|it| it.is_ascii_digit()));
}

#[test]
fn arns_hold_what_they_belong_to() {
    let scope = Scope::new("123456789012", "us-east-1");
    let arn = LoadBalancerArn::new(&scope, &["app", "web", "50dc6c495c0c9188"]);
    assert_eq!(
        arn.as_str(),
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    );
    let listener = arn.listener("f2f7dc8efc522ab2");
    let rule = listener.rule("9683b2d02a6cabee");
    assert_eq!(
        rule.as_str(),
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
    );
    assert_eq!(rule.listener(), Ok(listener.clone()));
    assert_eq!(listener.load_balancer(), Ok(arn));
    assert!(LoadBalancerArn::parse(listener.as_str()).is_err());
}

#[test]
fn each_kind_has_its_attributes() {
    let mut it = LoadBalancerAttributes::new(LoadBalancerKind::Network);
    let listed = it.list(LoadBalancerKind::Network);
    assert!(listed.contains(&("load_balancing.cross_zone.enabled", "false".to_owned())));
    assert!(!listed.iter().any(|(key, _)| *key == "routing.http2.enabled"));
    assert_eq!(
        it.set(LoadBalancerKind::Network, "routing.http2.enabled", "false"),
        Err(AttributeRefusal::NotOfThisKind("routing.http2.enabled".into()))
    );
    assert_eq!(
        it.set(LoadBalancerKind::Network, "colour", "red"),
        Err(AttributeRefusal::Unknown("colour".into()))
    );
}

#[test]
fn what_is_listed_can_be_set_again() {
    for kind in [LoadBalancerKind::Application, LoadBalancerKind::Network] {
        let first = LoadBalancerAttributes::new(kind);
        let mut again = first.clone();
        for (key, value) in first.list(kind) {
            assert_eq!(again.set(kind, key, &value), Ok(()), "{key}");
        }
        assert_eq!(again, first);
    }
}
