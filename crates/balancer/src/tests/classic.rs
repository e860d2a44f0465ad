//! What classic load balancers do otherwise than Application Load Balancers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{World, body, echo, group, header, raw, raw_target, read_head, status};

/// A classic load balancer with instances; with `long`, its requests do not go the short way.
async fn classic(instances: &[SocketAddr], long: bool) -> World {
    let mut world = World::with_group(group("g", instances)).await;
    world
        .change(|it| {
            it.is_classic = true;
            it.drops_invalid_headers = long;
            it.idle_timeout = Duration::from_millis(300);
        })
        .await;
    world
}

fn assert_bare(answer: &str, first_line: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {first_line}\r\n")),
        "{answer}"
    );
    assert_eq!(header(answer, "content-length").as_deref(), Some("0"), "{answer}");
    assert_eq!(header(answer, "server"), None, "{answer}");
    assert_eq!(header(answer, "content-type"), None, "{answer}");
    assert_eq!(body(answer), "");
}

#[tokio::test]
async fn own_answers_are_a_line_without_a_page() {
    let world = classic(&[], false).await;
    assert_bare(
        &world.get("/").await,
        "503 Service Unavailable: Back-end server is at capacity",
    );
    let bad = raw(world.address, "GET / HTTP/1.1\r\nHost : a\r\n\r\n").await;
    assert_bare(&bad, "400 BAD_REQUEST");
    assert_eq!(header(&bad, "connection").as_deref(), Some("close"));
    let long = format!(
        "{} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "A".repeat(128)
    );
    assert_bare(&raw(world.address, &long).await, "405 METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn instances_that_fail_are_told_in_its_words() {
    let closes = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let garbles = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"garbage\r\n\r\n").await;
    })
    .await;
    let hangs = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    for (instance, first_line) in [
        (closes, "504 GATEWAY_TIMEOUT"),
        (garbles, "502 BAD_GATEWAY"),
        (hangs, "504 GATEWAY_TIMEOUT"),
    ] {
        for long in [false, true] {
            let world = classic(&[instance], long).await;
            assert_bare(&world.get("/").await, first_line);
        }
    }
}

#[tokio::test]
async fn a_connection_stays_after_an_answer_of_its_own() {
    for long in [false, true] {
        let world = classic(&[], long).await;
        let mut stream = tokio::net::TcpStream::connect(world.address)
            .await
            .expect("a connection");
        for _ in 0..2 {
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .await
                .expect("sent");
            let answer = super::fixture::read_answer(&mut stream).await;
            assert_eq!(header(&answer, "connection").as_deref(), Some("keep-alive"));
            assert_eq!(status(&answer), 503);
        }
        let last = world.get("/").await;
        assert_eq!(header(&last, "connection").as_deref(), Some("close"), "{last}");
    }
}

#[tokio::test]
async fn requests_are_not_traced_and_any_method_passes() {
    for long in [false, true] {
        let world = classic(&[echo("one").await], long).await;
        let answer = world.get("/").await;
        assert!(!answer.contains("x-amzn-trace-id"), "{answer}");
        assert!(answer.contains("x-forwarded-port: 8080"), "{answer}");
        let traced = raw(
            world.address,
            "TRACE / HTTP/1.1\r\nHost: a\r\nX-Amzn-Trace-Id: Root=own\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(traced.contains("x-amzn-trace-id: Root=own\n"), "{traced}");
        assert!(traced.contains("TRACE /"), "{traced}");
    }
}
