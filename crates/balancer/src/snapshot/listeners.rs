//! Listeners and rules as they run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::listener::{AlpnPolicy, Listener};
use domain::listener_rule::{self as record, ListenerRule};
use domain::ssl_policy::SslPolicy;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::plan::pattern::Pattern;
use crate::plan::rule::{Action, Condition, Redirect, Rule};
use crate::plan::{CertificatePem, ListenerHeaders, ListenerPlan, LoadBalancerPlan};

pub(super) fn listener(
    listener: &Listener,
    load_balancer: Arc<LoadBalancerPlan>,
    rules: &[&ListenerRule],
    certificates: &HashMap<&str, &CertificatePem>,
) -> ListenerPlan {
    let mut rules: Vec<_> = rules.iter().filter_map(|it| rule(it)).collect();
    rules.sort_by_key(|it| it.priority);
    let found = |arn: &String| certificates.get(arn.as_str()).map(|it| (*it).clone());
    ListenerPlan {
        arn: listener.arn.as_str().into(),
        load_balancer,
        port: listener.port,
        protocol: listener.protocol,
        rules,
        default_action: action(&listener.default_action),
        certificates: listener.certificates.iter().filter_map(found).collect(),
        ssl_policy: ssl_policy(listener),
        alpn: listener.alpn_policy.unwrap_or(AlpnPolicy::None),
        headers: headers(listener),
        plain_http2: false,
        tcp_idle_timeout: Duration::from_secs(listener.attributes.tcp_idle_timeout_seconds.into()),
    }
}

/// That of a listener without TLS is not looked at.
fn ssl_policy(listener: &Listener) -> &'static SslPolicy {
    let named = listener.ssl_policy.as_deref().and_then(SslPolicy::find);
    named.unwrap_or_else(SslPolicy::usual)
}

/// None for the default rule.
fn rule(rule: &ListenerRule) -> Option<Rule> {
    Some(Rule {
        priority: rule.priority?.into(),
        conditions: rule.conditions.iter().map(condition).collect(),
        action: action(&rule.action),
    })
}

fn any_case(text: &str) -> Pattern {
    Pattern::AnyCase(text.into())
}

fn condition(condition: &record::Condition) -> Condition {
    let all_any_case = |values: &[String]| values.iter().map(|it| any_case(it)).collect();
    match condition {
        record::Condition::HostHeader(values) => Condition::HostHeader(all_any_case(values)),
        record::Condition::PathPattern(values) => Condition::PathPattern(
            values
                .iter()
                .map(|it| Pattern::Exact(it.as_str().into()))
                .collect(),
        ),
        record::Condition::HttpHeader { name, values } => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Condition::HttpHeader {
                name,
                values: all_any_case(values),
            },
            // no request has a header of such a name
            Err(_) => Condition::HttpRequestMethod(Vec::new()),
        },
        record::Condition::HttpRequestMethod(values) => {
            Condition::HttpRequestMethod(values.iter().map(|it| it.as_str().into()).collect())
        }
        record::Condition::QueryString(values) => {
            let pair = |it: &record::QueryParameter| {
                let key = it.key.as_deref().map(Pattern::escaped);
                (key, Pattern::escaped(&it.value))
            };
            Condition::QueryString(values.iter().map(pair).collect())
        }
        record::Condition::SourceIp(ranges) => Condition::SourceIp(ranges.clone()),
    }
}

fn action(action: &record::Action) -> Action {
    // codes are checked when a rule is made: another is an error of ours
    let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match action {
        record::Action::Forward(forward) => Action::Forward {
            groups: forward
                .target_groups
                .iter()
                .map(|it| (it.arn.as_str().into(), it.weight.into()))
                .collect(),
            stickiness: forward
                .stickiness_seconds
                .map(|it| Duration::from_secs(it.into())),
        },
        record::Action::Redirect(it) => Action::Redirect(Redirect {
            status: status(it.status_code),
            protocol: it.protocol.as_str().into(),
            host: it.host.as_str().into(),
            port: it.port.as_str().into(),
            path: it.path.as_str().into(),
            query: it.query.as_str().into(),
        }),
        record::Action::FixedResponse(it) => Action::FixedResponse {
            status: status(it.status_code),
            content_type: it.content_type.as_deref().map(Into::into),
            body: it.body.as_deref().unwrap_or_default().into(),
        },
    }
}

fn headers(listener: &Listener) -> ListenerHeaders {
    let attributes = &listener.attributes;
    let usual = ListenerHeaders::default();
    let response = attributes.response_headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    ListenerHeaders {
        server: attributes.adds_server_header,
        response: response.collect(),
        tls_version: renamed(&attributes.renamed_request_headers, usual.tls_version),
        tls_cipher: renamed(&attributes.renamed_request_headers, usual.tls_cipher),
    }
}

fn renamed(names: &BTreeMap<String, String>, usual: HeaderName) -> HeaderName {
    let wanted = names.get(usual.as_str());
    wanted
        .and_then(|it| HeaderName::from_bytes(it.as_bytes()).ok())
        .unwrap_or(usual)
}
