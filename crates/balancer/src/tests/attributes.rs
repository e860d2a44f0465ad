//! Attributes of load balancers and listeners, by what targets and clients see of them.

use std::net::SocketAddr;

use bytes::Bytes;
use domain::listener::{AlpnPolicy, Protocol};
use domain::load_balancer::XForwardedFor;
use domain::target_group::ProtocolVersion;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::encrypted::{client, encrypted, http2};
use super::fixture::{
    DEADLINE, World, all_headers, echo, group, header, http_check, quick_check, raw, raw_target, status,
    target,
};
use crate::health::machine::Health;
use crate::plan::{CheckKind, GroupPlan, LoadBalancerPlan, Matcher};
use crate::report::Report;

/// What a target gets of a request with these lines beside `Host`.
async fn seen(world: &World, lines: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}Connection: close\r\n\r\n");
    let answer = raw(world.address, &request).await;
    assert_eq!(status(&answer), 200, "{answer}");
    answer
}

#[tokio::test]
async fn forwarded_addresses_are_appended_preserved_or_removed() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let given = "X-Forwarded-For: 203.0.113.7\r\n";
    for (mode, with, without) in [
        (
            XForwardedFor::Append,
            Some("203.0.113.7, 127.0.0.1"),
            Some("127.0.0.1"),
        ),
        (XForwardedFor::Preserve, Some("203.0.113.7"), None),
        (XForwardedFor::Remove, None, None),
    ] {
        world.change(|it| it.forwarded_for = mode).await;
        for (lines, expected) in [(given, with), ("", without)] {
            let found = header(&seen(&world, lines).await, "x-forwarded-for");
            assert_eq!(found.as_deref(), expected, "{mode:?} of {lines:?}");
        }
    }
}

#[tokio::test]
async fn the_clients_port_is_told_if_it_shall_be() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.forwards_client_port = true).await;
    let found = header(&seen(&world, "").await, "x-forwarded-for").expect("is told");
    let address: SocketAddr = found.parse().expect("an address with a port");
    assert!(address.ip().is_loopback() && address.port() > 0, "{found}");
}

#[tokio::test]
async fn headers_that_are_none_are_dropped_if_they_shall_be() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let lines = "X_Odd: 1\r\nX-Even: 2\r\n";
    assert_eq!(all_headers(&seen(&world, lines).await, "x_odd"), ["1"]);
    world.change(|it| it.drops_invalid_headers = true).await;
    let answer = seen(&world, lines).await;
    assert!(all_headers(&answer, "x_odd").is_empty(), "{answer}");
    assert_eq!(all_headers(&answer, "x-even"), ["2"]);
}

/// What a target gets of a request over TLS with these lines.
pub(super) async fn seen_within_tls(world: &World, lines: &str) -> String {
    let mut stream = client(world, "a.example", 0, b"http/1.1").await.expect("TLS");
    let request = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer));
    // Peers end TLS as they like.
    let _ = read.await.expect("in time");
    answer
}

#[tokio::test]
async fn targets_are_told_how_clients_speak_tls_if_they_shall_be() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let names = ["x-amzn-tls-version", "x-amzn-tls-cipher-suite"];
    let answer = seen_within_tls(&world, "").await;
    assert!(names.iter().all(|it| header(&answer, it).is_none()), "{answer}");
    world
        .change(|it: &mut LoadBalancerPlan| it.adds_tls_headers = true)
        .await;
    // What a client says of it counts for nothing.
    let answer = seen_within_tls(&world, "X-Amzn-Tls-Version: none\r\n").await;
    assert_eq!(all_headers(&answer, names[0]), ["TLSv1.3"]);
    let suite = header(&answer, names[1]).expect("is told");
    assert!(suite.starts_with("TLS_"), "{suite}");
}

/// What is agreed on with a client that speaks that.
async fn agreed(world: &World, alpn: &[u8]) -> Option<Vec<u8>> {
    let stream = client(world, "a.example", 0, alpn).await.ok()?;
    stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
}

#[tokio::test]
async fn clients_speak_http2_unless_they_shall_not() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    assert_eq!(agreed(&world, b"h2").await.as_deref(), Some(&b"h2"[..]));
    world.change(|it| it.http2 = false).await;
    assert_eq!(agreed(&world, b"h2").await, None);
    assert_eq!(
        agreed(&world, b"http/1.1").await.as_deref(),
        Some(&b"http/1.1"[..])
    );
    assert_eq!(status(&seen_within_tls(&world, "").await), 200);
}

#[tokio::test]
async fn a_policy_says_what_is_agreed_on_within_tls() {
    let plain = echo("one").await;
    let mut plan = GroupPlan::new("g", Protocol::Tcp);
    plan.targets = vec![target(plain)];
    let mut world = encrypted(Protocol::Tls, plan).await;
    for (policy, spoken) in [
        (AlpnPolicy::Http1Only, [true, true, false]),
        (AlpnPolicy::Http2Only, [false, false, true]),
        (AlpnPolicy::Http2Optional, [true, true, true]),
        (AlpnPolicy::Http2Preferred, [true, true, true]),
        (AlpnPolicy::None, [false, false, false]),
    ] {
        world.plan.listeners[0].alpn = policy;
        world.apply().await;
        for (protocol, is_spoken) in [&b"http/1.1"[..], b"http/1.0", b"h2"].into_iter().zip(spoken) {
            let found = agreed(&world, protocol).await;
            assert_eq!(found.as_deref(), is_spoken.then_some(protocol), "{policy:?}");
        }
    }
}

/// A target of HTTP/2 in the clear, which answers with the version that it was asked by and with its path.
async fn http2_target() -> SocketAddr {
    raw_target(|stream| async move {
        let service = hyper::service::service_fn(|request: Request<Incoming>| async move {
            let text = format!("{:?} {}", request.version(), request.uri().path());
            Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(text))))
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    })
    .await
}

#[tokio::test]
async fn a_group_of_http2_is_checked_and_asked_by_http2() {
    let one = http2_target().await;
    let mut plan = group("g", &[one]);
    plan.version = ProtocolVersion::Http2;
    plan.health_check = Some(quick_check(CheckKind::Http {
        tls: false,
        path: "/health".into(),
        matcher: Matcher::parse("200").expect("a matcher"),
        version: ProtocolVersion::Http2,
    }));
    let mut world = encrypted(Protocol::Https, plan).await;
    world.health_of(one, Health::Healthy).await;
    let mut sender = http2::<Full<Bytes>>(&world).await;
    let request = Request::get("https://a.example/page").body(Full::default());
    let response = sender
        .send_request(request.expect("a request"))
        .await
        .expect("an answer");
    assert_eq!(
        (response.status(), response.version()),
        (StatusCode::OK, Version::HTTP_2)
    );
    let body = response.into_body().collect().await.expect("a body");
    assert_eq!(body.to_bytes(), "HTTP/2.0 /page");
}

#[tokio::test]
async fn a_target_that_speaks_another_version_than_its_check_is_unhealthy() {
    let (one, two) = (http2_target().await, echo("two").await);
    let mut plan = group("g", &[one, two]);
    plan.health_check = Some(http_check());
    let mut world = World::with_group(plan).await;
    world.health_of(two, Health::Healthy).await;
    let is_found = |it: &Report| {
        let Report::TargetHealth { target, health } = it else {
            return false;
        };
        target.address == one && matches!(health, Health::Unhealthy(_))
    };
    world.report(is_found).await;
}
