//! Heads that are plain, and others.

use std::time::Duration;

use domain::load_balancer::{DesyncMitigation, XForwardedFor};

use super::{Facts, Head};
use crate::dice::Dice;
use crate::plan::LoadBalancerPlan;

fn read(text: &str) -> Option<Head<'_>> {
    Head::read(text.as_bytes(), DesyncMitigation::Defensive)
}

fn for_target(text: &str, forwarded_for: XForwardedFor) -> String {
    for_target_on(text, forwarded_for, None)
}

fn for_target_on(text: &str, forwarded_for: XForwardedFor, host_port: Option<u16>) -> String {
    let load_balancer = LoadBalancerPlan {
        forwarded_for,
        idle_timeout: Duration::from_secs(60),
        ..LoadBalancerPlan::new("arn", "app/a/1", Vec::new())
    };
    let facts = Facts {
        load_balancer: &load_balancer,
        client: "10.0.0.9:1234".parse().expect("an address"),
        is_tls: true,
        port: 443,
        host_port,
        now_seconds: 0x1000_0000,
    };
    let heads = read(text)
        .expect("a plain head")
        .for_target(text.as_bytes(), &facts, &Dice::new(1));
    let heads = String::from_utf8(heads).expect("text");
    heads.strip_prefix(text).expect("as it came").to_owned()
}

#[test]
fn plain_heads_are_read() {
    let head = read("GET /a/b?c=d HTTP/1.1\r\nHost: shop.example:8080\r\nX-Own: 1\r\n\r\n").expect("plain");
    assert_eq!(
        (head.method, head.path, head.query, head.host, head.closes),
        ("GET", "/a/b", "c=d", "shop.example:8080", false)
    );
    let closing = read("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").expect("plain");
    assert!(closing.closes);
}

#[test]
fn what_needs_more_than_passing_on_is_not_plain() {
    for text in [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /#fragment HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\"quoted\" HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Name: ä\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Gone\r\nX-Gone: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nKeep-Alive: timeout=5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nx-amzn-trace-id: Root=1\r\n\r\n",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-Many: 1\r\n".repeat(100));
    assert_eq!(read(&many), None, "too many lines");
}

#[test]
fn targets_get_the_head_as_it_came_without_the_connection() {
    let plain = "OPTIONS /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nX-Own:  1\r\nContent-Length: 0\r\n\r\n";
    let head = for_target(plain, XForwardedFor::Append);
    let (kept, trace) = head
        .split_once("X-Amzn-Trace-Id: Root=1-10000000-")
        .expect("a trace");
    assert_eq!(
        kept,
        "OPTIONS /a?b HTTP/1.1\r\nHost: a\r\nX-Own:  1\r\nContent-Length: 0\r\nX-Forwarded-For: 10.0.0.9\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"
    );
    assert_eq!(trace.len(), "0123456789abcdef01234567\r\n\r\n".len());
    for last in ["Connection: close\r\n", ""] {
        let head = for_target(
            &format!("GET / HTTP/1.1\r\nHost: a\r\n{last}\r\n"),
            XForwardedFor::Remove,
        );
        assert!(
            head.starts_with("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n"),
            "{head}"
        );
        assert!(
            !head.contains("X-Forwarded-For") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }
}

#[test]
fn a_host_without_a_port_gets_the_listeners() {
    let cases = [
        ("Host: a\r\n", "Host: a:8443\r\n"),
        (
            "X: 1\r\nHost:  a \r\nY: 2\r\nConnection: close\r\n",
            "X: 1\r\nHost:  a:8443 \r\nY: 2\r\n",
        ),
        (
            "X: 1\r\nConnection: close\r\nY: 2\r\nHost: a\r\nZ: 3\r\n",
            "X: 1\r\nY: 2\r\nHost: a:8443\r\nZ: 3\r\n",
        ),
        ("Connection: close\r\nHost: a\r\n", "Host: a:8443\r\n"),
        ("Host: [::1]\r\n", "Host: [::1]:8443\r\n"),
        ("Host: [::1]:80\r\n", "Host: [::1]:80\r\n"),
        ("Host: a:80\r\n", "Host: a:80\r\n"),
    ];
    for (lines, expected) in cases {
        let text = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let told = for_target_on(&text, XForwardedFor::Remove, Some(8443));
        let expected = format!("GET / HTTP/1.1\r\n{expected}X-Forwarded-Proto: ");
        assert!(told.starts_with(&expected), "{lines:?}: {told}");
    }
}
