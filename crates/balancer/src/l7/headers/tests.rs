use domain::load_balancer::XForwardedFor;
use http::HeaderMap;

use super::{
    add_forwarded, drop_invalid, has_too_many_forwarders, join_cookies, set_trace_id, strip_hop_by_hop,
    trace_id, upgrade,
};
use crate::dice::Dice;
use crate::plan::LoadBalancerPlan;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|it| it.to_str().unwrap_or("?"))
        .collect();
    values.join("|")
}

#[test]
fn what_concerns_one_connection_does_not_travel() {
    let mut found = headers(&[
        ("connection", "close, X-Hop, Host"),
        ("x-hop", "1"),
        ("host", "a"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
        ("upgrade", "h2c"),
        ("x-end-to-end", "1"),
    ]);
    strip_hop_by_hop(&mut found);
    let mut left: Vec<_> = found.keys().map(|it| it.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["host", "x-end-to-end"]);
    let mut grpc = headers(&[("te", "trailers")]);
    strip_hop_by_hop(&mut grpc);
    assert_eq!(text(&grpc, "te"), "trailers");
}

#[test]
fn clients_are_named_as_the_attribute_says() {
    let client = "192.0.2.7:5000".parse().expect("an address");
    let cases = [
        (XForwardedFor::Append, false, "10.0.0.1, 192.0.2.7"),
        (XForwardedFor::Append, true, "10.0.0.1, 192.0.2.7:5000"),
        (XForwardedFor::Preserve, false, "10.0.0.1"),
        (XForwardedFor::Remove, false, ""),
    ];
    for (mode, port, expected) in cases {
        let mut plan = LoadBalancerPlan::new("arn", "app/a/b", Vec::new());
        plan.forwarded_for = mode;
        plan.forwards_client_port = port;
        let mut found = headers(&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")]);
        add_forwarded(&mut found, &plan, client, false, 80);
        assert_eq!(text(&found, "x-forwarded-for"), expected);
        assert_eq!(
            (
                text(&found, "x-forwarded-proto"),
                text(&found, "x-forwarded-port")
            ),
            ("http".into(), "80".into())
        );
    }
}

#[test]
fn more_than_thirty_forwarders_are_too_many() {
    let thirty = vec!["10.0.0.1"; 30].join(", ");
    assert!(!has_too_many_forwarders(&headers(&[(
        "x-forwarded-for",
        &thirty
    )])));
    assert!(has_too_many_forwarders(&headers(&[
        ("x-forwarded-for", &thirty),
        ("x-forwarded-for", "10.0.0.2")
    ])));
}

#[test]
fn traces_keep_their_root() {
    let dice = Dice::new(1);
    let value = trace_id(&HeaderMap::new(), &dice, 0x6655_4433);
    assert!(
        value.starts_with("Root=1-66554433-") && value.len() == "Root=1-66554433-".len() + 24,
        "{value}"
    );
    let mut came = headers(&[("x-amzn-trace-id", "Self=1-2-3;Root=1-67891233-abcdef;Sampled=1")]);
    let value = trace_id(&came, &dice, 1);
    assert!(
        value.starts_with("Self=1-00000001-") && value.ends_with(";Root=1-67891233-abcdef;Sampled=1"),
        "{value}"
    );
    set_trace_id(&mut came, &value);
    assert_eq!(text(&came, "x-amzn-trace-id"), value);
}

#[test]
fn another_protocol_must_be_asked_for_twice() {
    assert!(
        upgrade(&headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket")
        ]))
        .is_some()
    );
    assert!(
        upgrade(&headers(&[
            ("connection", "keep-alive"),
            ("upgrade", "websocket")
        ]))
        .is_none()
    );
    assert!(upgrade(&headers(&[("connection", "upgrade")])).is_none());
}

#[test]
fn cookies_become_one_and_odd_names_go() {
    let mut found = headers(&[("cookie", "a=1"), ("cookie", "b=2"), ("x_odd", "1")]);
    join_cookies(&mut found);
    drop_invalid(&mut found);
    assert_eq!(
        (text(&found, "cookie"), text(&found, "x_odd")),
        ("a=1; b=2".into(), String::new())
    );
}
