//! Targets that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::fixture::{World, body, closed, echo, group, header, raw, raw_target, read_head, status};
use crate::plan::Registration;

#[tokio::test]
async fn nobody_there_is_503() {
    let world = World::with_group(group("g", &[])).await;
    let answer = world.get("/").await;
    assert_eq!(status(&answer), 503);
    assert_eq!(header(&answer, "server").as_deref(), Some("awselb/2.0"));
    assert!(
        body(&answer).contains("<h1>503 Service Temporarily Unavailable</h1>"),
        "{answer}"
    );
}

#[tokio::test]
async fn targets_that_do_not_answer_as_they_should_are_502() {
    let closed = closed().await;
    let world = World::with_group(group("g", &[closed])).await;
    assert_eq!(world.status("/").await, 502, "refuses connections");
    for answer in [
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let target = raw_target(move |mut stream| async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let world = World::with_group(group("g", &[target])).await;
        assert_eq!(world.status("/").await, 502, "{answer:?}");
    }
}

#[tokio::test]
async fn a_target_that_resets_is_502_and_the_request_is_not_repeated() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let target = raw_target(move |mut stream| {
        let counted = counted.clone();
        async move {
            read_head(&mut stream).await;
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = stream.set_zero_linger();
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    assert_eq!(world.status("/").await, 502);
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_target_that_hangs_is_504() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world
        .change(|it| it.idle_timeout = Duration::from_millis(200))
        .await;
    assert_eq!(world.status("/").await, 504);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_made_to_look_whole() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            .await;
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let answer = world.get("/").await;
    assert_eq!(
        (status(&answer), header(&answer, "content-length").as_deref()),
        (200, Some("100"))
    );
    assert!(body(&answer).len() < 100);
    let chunked = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            .await;
    })
    .await;
    let world = World::with_group(group("g", &[chunked])).await;
    assert!(!world.get("/").await.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn a_connection_that_closes_while_it_waits_costs_no_request() {
    // each connection serves one request, promises more, and closes
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    for number in 0..50 {
        assert_eq!(world.status("/").await, 200, "request {number}");
    }
}

#[tokio::test]
async fn a_target_that_refuses_connections_does_not_fail_requests_while_others_live() {
    let closed = closed().await;
    let world = World::with_group(group("g", &[closed, echo("alive").await])).await;
    for _ in 0..10 {
        assert_eq!(world.status("/").await, 200);
    }
}

#[tokio::test]
async fn a_group_that_empties_between_two_tries_is_502() {
    for is_logged in [false, true] {
        let (asked, ends) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (asked.clone(), ends.clone());
        let target = raw_target(move |mut stream| {
            let (tell, wait) = (tell.clone(), wait.clone());
            async move {
                read_head(&mut stream).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    .await;
                // a connection that was kept, and closes under the next request
                read_head(&mut stream).await;
                tell.notify_one();
                wait.notified().await;
            }
        })
        .await;
        let mut world = World::with_group(group("g", &[target])).await;
        world.change(|it| it.access_logs = is_logged).await;
        assert_eq!(world.status("/").await, 200);
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = tokio::spawn(raw(world.address, request));
        asked.notified().await;
        world.plan.groups[0].targets[0].registration = Registration::Draining;
        world.apply().await;
        ends.notify_one();
        assert_eq!(status(&answer.await.expect("an answer")), 502, "{is_logged}");
        assert_eq!(world.status("/").await, 503, "nobody was tried");
    }
}

#[tokio::test]
async fn clients_that_leave_are_460_in_the_log() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world.change(|it| it.access_logs = true).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    stream
        .write_all(b"GET /left HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    let pool = world.address;
    drop(stream);
    let line = world.line(|it| it.contains("/left")).await;
    assert!(line.contains(" 460 - "), "{line} {pool}");
}

#[tokio::test]
async fn a_client_that_stops_within_a_body_is_408() {
    let target = echo("one").await;
    let mut world = World::with_group(group("g", &[target])).await;
    world
        .change(|it| it.idle_timeout = Duration::from_millis(200))
        .await;
    let answer = raw(
        world.address,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    )
    .await;
    assert_eq!(status(&answer), 408);
}

#[tokio::test]
async fn a_body_gives_a_target_no_more_time() {
    const IDLE: Duration = Duration::from_millis(800);
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        // between one idle time and two
        tokio::time::sleep(IDLE + IDLE / 2).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world.change(|it| it.idle_timeout = IDLE).await;
    let answer = raw(
        world.address,
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    )
    .await;
    assert_eq!(status(&answer), 504, "{answer}");
}

#[tokio::test]
async fn a_client_that_sends_nothing_of_its_body_is_408() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world
        .change(|it| it.idle_timeout = Duration::from_millis(200))
        .await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
    let asking: Vec<_> = (0..20)
        .map(|_| tokio::spawn(raw(world.address, request)))
        .collect();
    for answer in asking {
        assert_eq!(status(&answer.await.expect("an answer")), 408);
    }
}

#[tokio::test]
async fn answers_with_trailers_are_logged_as_what_they_are() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
            )
            .await;
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world.change(|it| it.access_logs = true).await;
    for (path, lines) in [
        ("/old", "HTTP/1.0\r\nHost: a"),
        ("/new", "HTTP/1.1\r\nHost: a\r\nConnection: close"),
        (
            "/te",
            "HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE",
        ),
    ] {
        let answer = raw(world.address, &format!("GET {path} {lines}\r\n\r\n")).await;
        assert_eq!(status(&answer), 200, "{path}");
        let line = world.line(|it| it.contains(path)).await;
        assert!(line.contains(" 200 200 "), "{line}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            .await;
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world
        .change(|it| {
            it.idle_timeout = Duration::from_millis(300);
            it.access_logs = true;
        })
        .await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    stream
        .write_all(b"GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    // the balancer holds no more than sockets do, and gives up
    world.line(|it| it.contains("/greedy")).await;
}

#[tokio::test]
async fn own_answers_to_head_are_logged_as_what_they_are() {
    let mut world = World::with_group(group("g", &[])).await;
    world.change(|it| it.access_logs = true).await;
    raw(
        world.address,
        "HEAD /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    let line = world.line(|it| it.contains("/none")).await;
    assert!(line.contains(" 503 - "), "{line}");
}

#[tokio::test]
async fn own_answers_are_logged_with_a_trace_and_their_connection() {
    let mut world = World::with_group(group("g", &[])).await;
    world.change(|it| it.access_logs = true).await;
    for [first, second] in [["/a", "/b"], ["/c", "/d"]] {
        let requests = format!(
            "GET {first} HTTP/1.1\r\nHost: a\r\n\r\nGET {second} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        raw(world.address, &requests).await;
    }
    let mut ids = Vec::new();
    for path in ["/a", "/b", "/c", "/d"] {
        let line = world.line(|it| it.contains(&format!(":8080{path} "))).await;
        assert!(line.contains(" \"Root=1-6553f100-"), "{line}");
        let (_, id) = line.rsplit_once(" TID_").expect("an id");
        let is_id = id.len() == 32 && id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        assert!(is_id, "{line}");
        ids.push(id.to_owned());
    }
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]), "one of each connection");
    assert_ne!(ids[0], ids[2]);
}
