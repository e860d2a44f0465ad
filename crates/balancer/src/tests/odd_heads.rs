//! Heads that are not as they should be, and mean no harm: they reach targets, with one meaning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::load_balancer::DesyncMitigation;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{World, body, echo, group, header, raw, raw_target, read_head, status};

/// A target that answers everything, and the heads that it has seen, as they came.
async fn recorder() -> (World, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heads = seen.clone();
    let target = raw_target(move |mut stream| {
        let heads = heads.clone();
        async move {
            loop {
                let head = read_head(&mut stream).await;
                if head.is_empty() {
                    return;
                }
                if !head.contains(" HTTP/1.1\r\n") {
                    // the end of a body
                    continue;
                }
                heads.lock().push(head);
                let answer = b"HTTP/1.1 200 OK\r\nX-SEEN: 1\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        }
    })
    .await;
    (World::with_group(group("g", &[target])).await, seen)
}

#[tokio::test]
async fn a_body_with_two_lengths_has_one_for_the_target_and_ends_the_connection() {
    let (mut world, seen) = recorder().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        smuggled.len() + 5
    );
    let answer = raw(world.address, &request).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(
        answer.matches("HTTP/1.1 ").count(),
        1,
        "one answer, then the end: {answer}"
    );
    assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
    {
        let seen = seen.lock();
        let [head] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(header(head, "content-length"), None, "{head}");
        assert_eq!(
            header(head, "transfer-encoding").as_deref(),
            Some("chunked"),
            "{head}"
        );
    }
    world.change(|it| it.desync = DesyncMitigation::Strictest).await;
    assert_eq!(status(&raw(world.address, &request).await), 400);
    assert_eq!(seen.lock().len(), 1);
}

#[tokio::test]
async fn an_ambiguous_request_has_a_connection_to_the_target_of_its_own() {
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    let target = raw_target(move |mut stream| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            loop {
                let head = read_head(&mut stream).await;
                if head.is_empty() {
                    return;
                }
                if head.contains("Content-Length: 3") {
                    let mut body = [0; 3];
                    let _ = stream.read_exact(&mut body).await;
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let sound = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    let ambiguous = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for (request, expected) in [(sound, 1), (sound, 1), (ambiguous, 2), (ambiguous, 3), (sound, 3)] {
        let answer = raw(world.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(accepted.load(Ordering::Relaxed), expected, "{request}");
    }
}

#[tokio::test]
async fn a_target_that_speaks_http_1_0_does_not_decide_what_clients_hear() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nbody").await;
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let answer = raw(world.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(
        header(&answer, "transfer-encoding").as_deref(),
        Some("chunked"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_of_chunks_goes_with_get_too() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let request =
        "GET /_search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = raw(world.address, request).await;
    assert!(answer.contains("body-length: 3\n"), "{answer}");
}

#[tokio::test]
async fn what_may_not_stand_in_a_uri_is_written_as_its_code() {
    let (world, seen) = recorder().await;
    let request =
        "POST /a b/<c>?q=\"d\" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(status(&raw(world.address, request).await), 200);
    let seen = seen.lock();
    assert!(
        seen[0].starts_with("POST /a%20b/%3Cc%3E?q=%22d%22 HTTP/1.1\r\n"),
        "{}",
        seen[0]
    );
}

#[tokio::test]
async fn hundreds_of_headers_pass_both_ways() {
    let many: String = (0..1000).map(|it| format!("x-{it}: {it}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n");
    let target = raw_target(move |mut stream| {
        let answer = answer.clone();
        async move {
            let head = read_head(&mut stream).await;
            let is_whole = head.contains("999: 999\r\n");
            let answer = if is_whole {
                answer.as_str()
            } else {
                "HTTP/1.1 500 Cut\r\n\r\n"
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{many}\r\n");
    let answer = raw(world.address, &request).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "x-999").as_deref(), Some("999"));
}

#[tokio::test]
async fn names_of_headers_keep_their_letters() {
    let (world, seen) = recorder().await;
    let request =
        "POST / HTTP/1.1\r\nHost: a\r\nx-Own-NAME: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let answer = raw(world.address, request).await;
    assert!(answer.contains("\r\nX-SEEN: 1\r\n"), "{answer}");
    let seen = seen.lock();
    for line in [
        "\r\nx-Own-NAME: 1\r\n",
        "\r\nX-Forwarded-For: ",
        "\r\nX-Amzn-Trace-Id: Root=",
    ] {
        assert!(seen[0].contains(line), "{line:?} in {}", seen[0]);
    }
}

#[tokio::test]
async fn own_answers_are_written_as_amazons() {
    let world = World::with_group(group("g", &[])).await;
    let answer = world.get("/").await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Temporarily Unavailable\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nServer: awselb/2.0\r\n"), "{answer}");
    assert!(body(&answer).contains("<center><h1>503 Service Temporarily Unavailable</h1></center>"));
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let forwarders = vec!["10.0.0.1"; 31].join(", ");
    let request =
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: {forwarders}\r\n\r\n");
    let answer = raw(world.address, &request).await;
    assert!(
        answer.starts_with("HTTP/1.1 463 Too Many Forwarders\r\n"),
        "{answer}"
    );
}
