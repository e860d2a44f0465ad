//! Clients that mean harm.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::{DEADLINE, World, echo, group, raw, raw_target, read_answer, read_head, status};

/// Requests that one parser reads as one and another as two.
const SMUGGLING: &[&str] = &[
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\n12345G",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chu\0nked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
];

#[tokio::test]
async fn smuggled_requests_reach_no_target() {
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
                heads.lock().push(head);
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    .await;
            }
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    for request in SMUGGLING {
        let answer = raw(world.address, request).await;
        assert!(matches!(status(&answer), 400 | 501), "{request:?}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{request:?}: one answer, then the end: {answer}"
        );
    }
    assert_eq!(*seen.lock(), Vec::<String>::new());
    assert_eq!(world.status("/").await, 200, "others are served as before");
}

#[tokio::test]
async fn a_bad_chunk_ends_the_request_for_the_target_too() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let answer = raw(
        world.address,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\nabc\r\n0\r\n\r\n",
    )
    .await;
    assert_ne!(status(&answer), 200, "{answer}");
}

#[tokio::test]
async fn refusals_keep_their_place_behind_answers() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let both = "GET /good HTTP/1.1\r\nHost: a\r\n\r\nGET /bad HTTP/1.1\r\nHost : a\r\n\r\n";
    let answers = raw(world.address, both).await;
    assert_eq!(status(&answers), 200);
    assert!(
        answers.contains("GET /good\n") && answers.contains("HTTP/1.1 400 Bad Request"),
        "{answers}"
    );
}

#[tokio::test]
async fn long_heads_are_refused() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let uri = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(20_000));
    assert_eq!(status(&raw(world.address, &uri).await), 414);
    let line = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(status(&raw(world.address, &line).await), 400);
    let endless =
        "GET / HTTP/1.1\r\nHost: a\r\n".to_owned() + &format!("X: {}\r\n", "y".repeat(1000)).repeat(500);
    assert_eq!(status(&raw(world.address, &endless).await), 400);
    let allowed = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n",
        "x".repeat(15_000)
    );
    assert_eq!(status(&raw(world.address, &allowed).await), 200);
}

#[tokio::test]
async fn slow_heads_end_and_so_do_silent_connections() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.idle_timeout = Duration::from_secs(1)).await;
    let mut drip = TcpStream::connect(world.address).await.expect("a connection");
    let dripping = async {
        let (mut reading, mut writing) = drip.split();
        let mut answer = String::new();
        let write = async {
            loop {
                if writing.write_all(b"X").await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            _ = reading.read_to_string(&mut answer) => {}
            () = write => {}
        }
        answer
    };
    let answer = tokio::time::timeout(DEADLINE, dripping)
        .await
        .expect("it is cut off");
    assert_eq!(status(&answer), 408);
    assert_eq!(
        raw(world.address, "").await,
        "",
        "a connection without a request is closed"
    );
    let mut kept = TcpStream::connect(world.address).await.expect("a connection");
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    assert_eq!(status(&read_answer(&mut kept).await), 200);
    let end = tokio::time::timeout(DEADLINE, kept.read(&mut [0; 1]))
        .await
        .expect("it is closed");
    assert_eq!(end.expect("without a reset"), 0);
}

#[tokio::test]
async fn connections_are_bounded() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.limits.connections = 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("sent");
        assert_eq!(status(&read_answer(&mut stream).await), 200);
        held.push(stream);
    }
    assert_eq!(world.get("/").await, "", "one more is closed at once");
    held.clear();
    let served = async { while world.status("/").await != 200 {} };
    tokio::time::timeout(DEADLINE, served)
        .await
        .expect("there is room again");
}

#[tokio::test]
async fn idle_connections_disturb_nobody() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("sent");
        assert_eq!(status(&read_answer(&mut stream).await), 200);
        idle.push(stream);
        // as many never say anything
        idle.push(TcpStream::connect(world.address).await.expect("a connection"));
    }
    assert_eq!(world.status("/").await, 200);
    for stream in idle.iter_mut().step_by(100) {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("sent");
        assert_eq!(status(&read_answer(stream).await), 200);
    }
}

#[tokio::test]
async fn a_first_line_that_makes_no_sense_is_refused_at_once() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    for (line, expected) in [("GET /\r\n", 400), ("GET / HTTP/3.0\r\n", 505), ("hello\n", 400)] {
        // the idle time is longer than what is waited for an answer
        assert_eq!(status(&raw(world.address, line).await), expected, "{line:?}");
    }
}
