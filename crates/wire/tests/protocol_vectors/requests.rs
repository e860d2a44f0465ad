//! Requests of clients, read backwards into what the client was given.

use http::{HeaderMap, HeaderName, Method, Uri};
use serde_json::{Map, Value};
use wire::route::{Protocol, route, route_of_path};
use wire::{ServiceProtocol, ec2, json, query, rest};

use crate::dynamic::{Dynamic, expect};
use crate::suites::Case;

pub fn check(case: &Case) -> Result<(), String> {
    let serialized = &case.case["serialized"];
    let body = serialized["body"].as_str().unwrap_or_default().as_bytes();
    // Headers that a vector does not tell are those that its protocol always has.
    let header =
        |name: &str, usual: String| serialized["headers"][name].as_str().map_or(usual, str::to_owned);
    if let ServiceProtocol::RestJson(_) | ServiceProtocol::RestXml(_) = case.service.protocol {
        return check_rest(case, body);
    }
    let (content_type, target) = match case.service.protocol {
        ServiceProtocol::Json(version) => {
            let target = format!("{}.{}", case.service.target_prefix, case.operation());
            let kind = format!("application/x-amz-json-{version}");
            (header("Content-Type", kind), Some(header("X-Amz-Target", target)))
        }
        ServiceProtocol::Query | ServiceProtocol::Ec2 => {
            let kind = "application/x-www-form-urlencoded".to_owned();
            (header("Content-Type", kind), None)
        }
        ServiceProtocol::RestJson(_) | ServiceProtocol::RestXml(_) => {
            return Err("is told apart before".to_owned());
        }
    };
    let protocol = Protocol::of_request(&[case.service], &content_type, target.as_deref(), None);
    let route = route(&[case.service], protocol, &content_type, target.as_deref(), body);
    let route = route.map_err(|error| error.message)?;
    if route.operation != case.operation() {
        return Err(format!("is routed to {}", route.operation));
    }
    expect(&case.model, case.shape());
    let read = match route.protocol {
        Protocol::Json10 | Protocol::Json11 => json::decode::<Dynamic>(body),
        Protocol::Query => query::decode(body),
        Protocol::Ec2 => ec2::decode(body),
        Protocol::RestJson | Protocol::RestXml => return Err("is routed by its path".to_owned()),
    };
    let read = read.map_err(|error| error.to_string())?.json;
    let tidy = match route.protocol {
        Protocol::Json10 | Protocol::Json11 => present,
        Protocol::Query | Protocol::Ec2 | Protocol::RestJson | Protocol::RestXml => filled,
    };
    compare(&tidy(&read), &tidy(&case.case["params"]))
}

/// Routed by method and path, and read from all places of HTTP.
fn check_rest(case: &Case, body: &[u8]) -> Result<(), String> {
    let serialized = &case.case["serialized"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let method = serialized["method"]
        .as_str()
        .map_or_else(|| text(&case.case["given"]["http"]["method"]), str::to_owned);
    let method: Method = method.parse().map_err(|_| "no method")?;
    let uri: Uri = text(&serialized["uri"])
        .parse()
        .map_err(|error| format!("{error}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in serialized["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| "no header")?;
        headers.insert(name, text(value).parse().map_err(|_| "no header")?);
    }
    let route = route_of_path(&[case.service], Some("vectors"), &method, &uri);
    let (_, route) = route.ok_or("is not routed")?;
    let route = route.map_err(|error| error.message)?;
    // Cases of one suite may share an address, and name the same shapes.
    let operation = rest::operation(case.service, &route.operation).ok_or("is not routed")?;
    expect(&case.model, case.shape());
    let (uri, headers) = (&uri, &headers);
    let read = rest::decode::<Dynamic>(case.service, operation, rest::Request { uri, headers, body });
    let read = read.map_err(|error| error.to_string())?.json;
    compare(&present(&read), &present(&case.case["params"]))
}

fn compare(read: &Value, given: &Value) -> Result<(), String> {
    if same(read, given) {
        return Ok(());
    }
    Err(format!("read {read}, given {given}"))
}

/// Without nulls, which say nothing.
pub fn present(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let present = members.iter().filter(|(_, it)| !it.is_null());
            Value::Object(
                present
                    .map(|(name, it)| (name.clone(), present_of(it)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => present_of(other),
    }
}

fn present_of(value: &Value) -> Value {
    match value {
        Value::Object(_) => present(value),
        Value::Array(items) => items.iter().filter(|it| !it.is_null()).map(present).collect(),
        other => other.clone(),
    }
}

/// Without empty lists, maps and structures too: a form has no place for them.
fn filled(value: &Value) -> Value {
    let is_filled = |it: &Value| match it {
        Value::Null => false,
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, it)| (name.clone(), filled(it)))
            .filter(|(_, it)| is_filled(it))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(filled).collect(),
        other => other.clone(),
    }
}

/// How far apart two readings of one number may be: serde_json rounds the last digit otherwise.
const ROUNDING: f64 = 1e-15;

/// Numbers are the same however they are written.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= ROUNDING * one.abs(),
            _ => false,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        (one, other) => one == other,
    }
}
