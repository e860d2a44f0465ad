//! Records as they are answered.

use api::elb;
use domain::classic_load_balancer::{
    ClassicHealthCheck, ClassicListener, ClassicLoadBalancer, ClassicPolicy, ClassicPolicyKind, protocol_word,
};
use domain::load_balancer::LoadBalancerKind;
use domain::security_group::SecurityGroup;
use domain::tags::Pair;
use store::State;

use crate::handlers::elbv2::hosted_zone;

/// A load balancer. Instances let it in by the name of its first security group.
pub fn load_balancer(state: &State, it: &ClassicLoadBalancer) -> elb::LoadBalancerDescription {
    let scope = it.arn.scope();
    let mut groups = it.security_groups.iter();
    let group = groups.find_map(|id| state.get::<SecurityGroup>(id));
    // Classic ones are where application ones are.
    let hosted_zone = hosted_zone(LoadBalancerKind::Application, &scope.region);
    elb::LoadBalancerDescription {
        availability_zones: Some(zones(it)),
        backend_server_descriptions: Some(Vec::new()),
        canonical_hosted_zone_name: Some(it.dns_name.clone()),
        canonical_hosted_zone_name_id: hosted_zone.map(str::to_owned),
        created_time: Some(it.created_at),
        dns_name: Some(it.dns_name.clone()),
        health_check: Some(health_check(&it.health_check)),
        instances: Some(instances(it)),
        listener_descriptions: Some(it.listeners.iter().map(listener).collect()),
        load_balancer_name: Some(it.name.clone()),
        policies: Some(policies(it)),
        scheme: Some(it.scheme.as_str().to_owned()),
        security_groups: Some(it.security_groups.clone()),
        source_security_group: Some(elb::SourceSecurityGroup {
            group_name: group.map(|it| it.name.clone()),
            owner_alias: Some(scope.account),
        }),
        subnets: Some(subnets(it)),
        vpc_id: Some(it.vpc_id.clone()),
    }
}

/// Names of the zones that it is in.
pub fn zones(it: &ClassicLoadBalancer) -> Vec<String> {
    it.zones.iter().map(|it| it.name.clone()).collect()
}

/// Ids of the subnets that it is in.
pub fn subnets(it: &ClassicLoadBalancer) -> Vec<String> {
    it.zones.iter().map(|it| it.subnet_id.clone()).collect()
}

/// Instances that are registered.
pub fn instances(it: &ClassicLoadBalancer) -> Vec<elb::Instance> {
    let instance = |id: &String| elb::Instance {
        instance_id: Some(id.clone()),
    };
    it.registered().map(|it| instance(&it.id)).collect()
}

/// A health check.
pub fn health_check(it: &ClassicHealthCheck) -> elb::HealthCheck {
    let number = |it: u32| i32::try_from(it).unwrap_or(i32::MAX);
    elb::HealthCheck {
        healthy_threshold: number(it.healthy_threshold),
        interval: number(it.interval_seconds),
        target: it.target.to_string(),
        timeout: number(it.timeout_seconds),
        unhealthy_threshold: number(it.unhealthy_threshold),
    }
}

fn listener(it: &ClassicListener) -> elb::ListenerDescription {
    elb::ListenerDescription {
        listener: Some(elb::Listener {
            instance_port: it.instance_port.into(),
            instance_protocol: Some(protocol_word(it.instance_protocol).to_owned()),
            load_balancer_port: it.port.into(),
            protocol: protocol_word(it.protocol).to_owned(),
            ssl_certificate_id: it.certificate.clone(),
        }),
        policy_names: Some(policy_names(it)),
    }
}

/// Names of its policies; one that speaks TLS has the default security policy.
fn policy_names(it: &ClassicListener) -> Vec<String> {
    let own = it.policies.iter().map(String::as_str);
    own.chain(it.ssl_policy()).map(str::to_owned).collect()
}

fn policies(of: &ClassicLoadBalancer) -> elb::Policies {
    let (mut of_application, mut own) = (Vec::new(), Vec::new());
    for it in &of.policies {
        let policy_name = Some(it.name.clone());
        match &it.kind {
            ClassicPolicyKind::AppCookie { cookie } => of_application.push(elb::AppCookieStickinessPolicy {
                cookie_name: Some(cookie.clone()),
                policy_name,
            }),
            ClassicPolicyKind::LbCookie { seconds } => own.push(elb::LBCookieStickinessPolicy {
                cookie_expiration_period: seconds.map(i64::from),
                policy_name,
            }),
        }
    }
    elb::Policies {
        app_cookie_stickiness_policies: Some(of_application),
        lb_cookie_stickiness_policies: Some(own),
        other_policies: Some(of.ssl_policy().into_iter().map(str::to_owned).collect()),
    }
}

/// A policy as DescribeLoadBalancerPolicies has it.
pub fn policy(it: &ClassicPolicy) -> elb::PolicyDescription {
    let (kind, attribute, value) = match &it.kind {
        ClassicPolicyKind::AppCookie { cookie } => (
            "AppCookieStickinessPolicyType",
            "CookieName",
            Some(cookie.clone()),
        ),
        ClassicPolicyKind::LbCookie { seconds } => (
            "LBCookieStickinessPolicyType",
            "CookieExpirationPeriod",
            seconds.map(|it| it.to_string()),
        ),
    };
    let attributes = value.map(|value| elb::PolicyAttributeDescription {
        attribute_name: Some(attribute.to_owned()),
        attribute_value: Some(value),
    });
    elb::PolicyDescription {
        policy_attribute_descriptions: Some(attributes.into_iter().collect()),
        policy_name: Some(it.name.clone()),
        policy_type_name: Some(kind.to_owned()),
    }
}

/// A security policy as DescribeLoadBalancerPolicies has it: a reference to one that Amazon has defined.
pub fn ssl_policy(name: &str) -> elb::PolicyDescription {
    elb::PolicyDescription {
        policy_attribute_descriptions: Some(vec![elb::PolicyAttributeDescription {
            attribute_name: Some("Reference-Security-Policy".to_owned()),
            attribute_value: Some(name.to_owned()),
        }]),
        policy_name: Some(name.to_owned()),
        policy_type_name: Some("SSLNegotiationPolicyType".to_owned()),
    }
}

/// Tags.
pub fn tags(all: &[Pair]) -> Vec<elb::Tag> {
    let tag = |it: &Pair| elb::Tag {
        key: it.name.clone(),
        value: Some(it.value.clone().unwrap_or_default()),
    };
    all.iter().map(tag).collect()
}
