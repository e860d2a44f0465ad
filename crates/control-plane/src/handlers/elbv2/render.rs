//! Records as they are answered.

use std::collections::BTreeSet;
use std::net::IpAddr;

use api::elbv2;
use domain::listener::{Listener, Protocol};
use domain::listener_rule::{Action, Condition, ListenerRule};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerState, LoadBalancerZone};
use domain::tags::Pair;
use domain::target_group::{Matcher, TargetGroup};
use store::State;

use super::hosted_zones::hosted_zone;

/// A load balancer.
pub fn load_balancer(it: &LoadBalancer) -> elbv2::LoadBalancer {
    let hosted_zone = hosted_zone(it.kind, &it.arn.scope().region);
    elbv2::LoadBalancer {
        availability_zones: Some(zones(it)),
        canonical_hosted_zone_id: hosted_zone.map(str::to_owned),
        created_time: Some(it.created_at),
        dns_name: Some(it.dns_name.clone()),
        enforce_security_group_inbound_rules_on_private_link_traffic: enforcement(it).map(str::to_owned),
        ip_address_type: Some(it.ip_address_type.as_str().into()),
        load_balancer_arn: Some(it.arn.to_string()),
        load_balancer_name: Some(it.name.clone()),
        scheme: Some(it.scheme.as_str().into()),
        security_groups: (!it.security_groups.is_empty() || it.kind == LoadBalancerKind::Application)
            .then(|| it.security_groups.clone()),
        state: Some(elbv2::LoadBalancerState {
            code: Some(it.state.as_str().into()),
            reason: match &it.state {
                LoadBalancerState::Failed { reason } => Some(reason.clone()),
                LoadBalancerState::Provisioning | LoadBalancerState::Active => None,
            },
        }),
        r#type: Some(it.kind.as_str().into()),
        vpc_id: Some(it.vpc_id.clone()),
        ..elbv2::LoadBalancer::default()
    }
}

/// Whether security groups are asked about traffic over PrivateLink; `None` without security groups to ask.
pub fn enforcement(it: &LoadBalancer) -> Option<&'static str> {
    let asks = it.kind == LoadBalancerKind::Network && !it.security_groups.is_empty();
    asks.then_some(match it.attributes.enforces_rules_on_private_link {
        true => "on",
        false => "off",
    })
}

/// Where a load balancer is.
pub fn zones(it: &LoadBalancer) -> Vec<elbv2::AvailabilityZone> {
    let chosen = &it.attributes.chosen_addresses;
    it.zones.iter().map(|it| zone(it, chosen)).collect()
}

/// Where it is in one zone. Amazon shows addresses only if they were asked for.
fn zone(it: &LoadBalancerZone, chosen: &BTreeSet<IpAddr>) -> elbv2::AvailabilityZone {
    let shown = it.addresses.iter().filter(|it| chosen.contains(it));
    let shown = shown.map(|it| elbv2::LoadBalancerAddress {
        private_i_pv4_address: Some(it.to_string()),
        ..elbv2::LoadBalancerAddress::default()
    });
    elbv2::AvailabilityZone {
        load_balancer_addresses: Some(shown.collect()),
        subnet_id: Some(it.subnet_id.clone()),
        zone_name: Some(it.name.clone()),
        ..elbv2::AvailabilityZone::default()
    }
}

/// A listener.
pub fn listener(it: &Listener) -> elbv2::Listener {
    elbv2::Listener {
        alpn_policy: it.alpn_policy.map(|it| vec![it.as_str().to_owned()]),
        certificates: it.default_certificate().map(|it| vec![certificate(it, None)]),
        default_actions: Some(vec![action(&it.default_action, it.action_order)]),
        listener_arn: Some(it.arn.to_string()),
        load_balancer_arn: Some(it.load_balancer.to_string()),
        mutual_authentication: (it.protocol == Protocol::Https).then(|| {
            elbv2::MutualAuthenticationAttributes {
                mode: Some("off".to_owned()),
                ..elbv2::MutualAuthenticationAttributes::default()
            }
        }),
        port: Some(i32::from(it.port)),
        protocol: Some(it.protocol.as_str().into()),
        ssl_policy: it.ssl_policy.clone(),
    }
}

/// A certificate; whether it is the default one is said in lists of all of them.
pub fn certificate(arn: &str, is_default: Option<bool>) -> elbv2::Certificate {
    elbv2::Certificate {
        certificate_arn: Some(arn.to_owned()),
        is_default,
    }
}

/// A rule.
pub fn rule(it: &ListenerRule) -> elbv2::Rule {
    elbv2::Rule {
        actions: Some(vec![action(&it.action, it.action_order)]),
        conditions: Some(it.conditions.iter().map(condition).collect()),
        is_default: Some(it.priority.is_none()),
        priority: Some(
            it.priority
                .map_or_else(|| "default".to_owned(), |it| it.to_string()),
        ),
        rule_arn: Some(it.arn.to_string()),
        transforms: None,
    }
}

fn action(it: &Action, order: Option<u16>) -> elbv2::Action {
    let bare = elbv2::Action {
        order: Some(order.map_or(1, i32::from)),
        ..elbv2::Action::default()
    };
    match it {
        Action::Forward(it) => elbv2::Action {
            r#type: elbv2::ActionTypeEnum::Forward,
            // Told apart from a choice between several, as Amazon does.
            target_group_arn: match it.target_groups.as_slice() {
                [only] => Some(only.arn.to_string()),
                _ => None,
            },
            forward_config: Some(elbv2::ForwardActionConfig {
                target_group_stickiness_config: Some(elbv2::TargetGroupStickinessConfig {
                    duration_seconds: it.stickiness_seconds.and_then(|it| i32::try_from(it).ok()),
                    enabled: Some(it.stickiness_seconds.is_some()),
                }),
                target_groups: Some(
                    it.target_groups
                        .iter()
                        .map(|it| elbv2::TargetGroupTuple {
                            target_group_arn: Some(it.arn.to_string()),
                            weight: Some(i32::from(it.weight)),
                        })
                        .collect(),
                ),
            }),
            ..bare
        },
        Action::Redirect(it) => elbv2::Action {
            r#type: elbv2::ActionTypeEnum::Redirect,
            redirect_config: Some(elbv2::RedirectActionConfig {
                host: Some(it.host.clone()),
                path: Some(it.path.clone()),
                port: Some(it.port.clone()),
                protocol: Some(it.protocol.clone()),
                query: Some(it.query.clone()),
                status_code: format!("HTTP_{}", it.status_code).as_str().into(),
            }),
            ..bare
        },
        Action::FixedResponse(it) => elbv2::Action {
            r#type: elbv2::ActionTypeEnum::FixedResponse,
            fixed_response_config: Some(elbv2::FixedResponseActionConfig {
                content_type: it.content_type.clone(),
                message_body: it.body.clone(),
                status_code: it.status_code.to_string(),
            }),
            ..bare
        },
    }
}

fn condition(it: &Condition) -> elbv2::RuleCondition {
    let bare = elbv2::RuleCondition {
        field: Some(it.field().to_owned()),
        ..elbv2::RuleCondition::default()
    };
    match it {
        Condition::HostHeader(values) => elbv2::RuleCondition {
            values: Some(values.clone()),
            host_header_config: Some(elbv2::HostHeaderConditionConfig {
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..bare
        },
        Condition::PathPattern(values) => elbv2::RuleCondition {
            values: Some(values.clone()),
            path_pattern_config: Some(elbv2::PathPatternConditionConfig {
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..bare
        },
        Condition::HttpHeader { name, values } => elbv2::RuleCondition {
            http_header_config: Some(elbv2::HttpHeaderConditionConfig {
                http_header_name: Some(name.clone()),
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..bare
        },
        Condition::HttpRequestMethod(values) => elbv2::RuleCondition {
            http_request_method_config: Some(elbv2::HttpRequestMethodConditionConfig {
                values: Some(values.clone()),
            }),
            ..bare
        },
        Condition::QueryString(values) => elbv2::RuleCondition {
            query_string_config: Some(elbv2::QueryStringConditionConfig {
                values: Some(
                    values
                        .iter()
                        .map(|it| elbv2::QueryStringKeyValuePair {
                            key: it.key.clone(),
                            value: Some(it.value.clone()),
                        })
                        .collect(),
                ),
            }),
            ..bare
        },
        Condition::SourceIp(values) => elbv2::RuleCondition {
            source_ip_config: Some(elbv2::SourceIpConditionConfig {
                values: Some(values.iter().map(ToString::to_string).collect()),
            }),
            ..bare
        },
    }
}

/// A target group with the load balancers that forward to it.
pub fn target_group(state: &State, it: &TargetGroup) -> elbv2::TargetGroup {
    let check = &it.health_check;
    let number = |it: u32| i32::try_from(it).ok();
    elbv2::TargetGroup {
        health_check_enabled: Some(true),
        health_check_interval_seconds: number(check.interval_seconds),
        health_check_path: check.path.clone(),
        health_check_port: Some(check.port.to_string()),
        health_check_protocol: Some(check.protocol.as_str().into()),
        health_check_timeout_seconds: number(check.timeout_seconds),
        healthy_threshold_count: number(check.healthy_threshold),
        ip_address_type: Some("ipv4".into()),
        load_balancer_arns: Some(
            state
                .load_balancers_to(&it.arn)
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
        matcher: check.matcher.as_ref().map(|it| match it {
            Matcher::Http(codes) => elbv2::Matcher {
                http_code: Some(codes.clone()),
                grpc_code: None,
            },
            Matcher::Grpc(codes) => elbv2::Matcher {
                http_code: None,
                grpc_code: Some(codes.clone()),
            },
        }),
        port: Some(i32::from(it.port)),
        protocol: Some(it.protocol.as_str().into()),
        protocol_version: it.protocol_version.map(|it| it.as_str().to_owned()),
        target_control_port: None,
        target_group_arn: Some(it.arn.to_string()),
        target_group_name: Some(it.name.clone()),
        target_type: Some(it.target_type.as_str().into()),
        unhealthy_threshold_count: number(check.unhealthy_threshold),
        vpc_id: Some(it.vpc_id.clone()),
    }
}

/// Tags.
pub fn tags(tags: &[Pair]) -> Vec<elbv2::Tag> {
    tags.iter()
        .map(|it| elbv2::Tag {
            key: it.name.clone(),
            value: it.value.clone(),
        })
        .collect()
}
