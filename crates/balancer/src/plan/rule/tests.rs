use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Action, Condition, RequestView, Rule, decide};
use crate::plan::pattern::Pattern;

fn any_case(text: &str) -> Pattern {
    Pattern::AnyCase(text.into())
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.append("x-tier", HeaderValue::from_static("gold"));
    headers.append("x-tier", HeaderValue::from_static("Silver-2"));
    headers
}

fn meets(condition: &Condition) -> bool {
    let headers = headers();
    condition.matches(&RequestView {
        host: "WWW.example.com",
        path: "/img/Logo.png",
        query: "version=V1&debug&empty=",
        method: "GET",
        headers: &headers,
        source: "10.1.2.3".parse().expect("an address"),
    })
}

#[test]
fn conditions_hold_if_one_value_does() {
    let tier = HeaderName::from_static("x-tier");
    let cidr = |text: &str| text.parse::<domain::listener_rule::IpRange>().expect("a range");
    let cases = [
        (
            Condition::HostHeader(vec![any_case("api.*"), any_case("*.example.com")]),
            true,
        ),
        (Condition::HostHeader(vec![any_case("example.com")]), false),
        (
            Condition::PathPattern(vec![Pattern::Exact("/img/*.png".into())]),
            true,
        ),
        (
            Condition::PathPattern(vec![Pattern::Exact("/IMG/*".into())]),
            false,
        ),
        (
            Condition::HttpHeader {
                name: tier.clone(),
                values: vec![any_case("silver-?")],
            },
            true,
        ),
        (
            Condition::HttpHeader {
                name: tier,
                values: vec![any_case("bronze")],
            },
            false,
        ),
        (
            Condition::HttpHeader {
                name: HeaderName::from_static("x-none"),
                values: vec![any_case("*")],
            },
            false,
        ),
        (
            Condition::HttpRequestMethod(vec!["POST".into(), "GET".into()]),
            true,
        ),
        (Condition::HttpRequestMethod(vec!["get".into()]), false),
        (
            Condition::QueryString(vec![(Some(any_case("VERSION")), any_case("v?"))]),
            true,
        ),
        (Condition::QueryString(vec![(None, any_case("v1"))]), true),
        (
            Condition::QueryString(vec![(Some(any_case("debug")), any_case(""))]),
            true,
        ),
        (
            Condition::QueryString(vec![(Some(any_case("version")), any_case("v2"))]),
            false,
        ),
        (Condition::SourceIp(vec![cidr("10.0.0.0/8")]), true),
        (
            Condition::SourceIp(vec![cidr("10.2.0.0/16"), cidr("2001:db8::/32")]),
            false,
        ),
        (Condition::SourceIp(vec![cidr("0.0.0.0/0")]), true),
    ];
    for (condition, expected) in cases {
        assert_eq!(meets(&condition), expected, "{condition:?}");
    }
}

fn fixed(code: u16) -> Action {
    Action::FixedResponse {
        status: StatusCode::from_u16(code).expect("a code"),
        content_type: None,
        body: "".into(),
    }
}

#[test]
fn the_first_rule_whose_conditions_all_hold_decides() {
    let headers = HeaderMap::new();
    let view = |path| RequestView {
        host: "a",
        path,
        query: "",
        method: "GET",
        headers: &headers,
        source: "127.0.0.1".parse().expect("an address"),
    };
    let path = |text: &str| Condition::PathPattern(vec![Pattern::Exact(text.into())]);
    let host = |text: &str| Condition::HostHeader(vec![any_case(text)]);
    let rules = [
        Rule {
            priority: 1,
            conditions: vec![path("/x"), host("b")],
            action: fixed(401),
        },
        Rule {
            priority: 5,
            conditions: vec![path("/x")],
            action: fixed(402),
        },
        Rule {
            priority: 9,
            conditions: vec![path("/*")],
            action: fixed(403),
        },
    ];
    let default = fixed(404);
    let priority = |path| decide(&rules, &default, &view(path)).0;
    assert_eq!((priority("/x"), priority("/y"), priority("*")), (5, 9, 0));
}
