//! Requests that go the short way, and where that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::fixture::{
    DEADLINE, World, body, echo, group, header, raw, raw_target, read_answer, read_head, status, target,
    until,
};

/// A target that answers each request with the same bytes, in two parts.
async fn saying(first: &'static [u8], second: &'static [u8]) -> std::net::SocketAddr {
    raw_target(move |mut stream| async move {
        let _ = stream.set_nodelay(true);
        while !read_head(&mut stream).await.is_empty() {
            let _ = stream.write_all(first).await;
            tokio::task::yield_now().await;
            if stream.write_all(second).await.is_err() || second.ends_with(b"until the end") {
                return;
            }
        }
    })
    .await
}

async fn connected(world: &World) -> TcpStream {
    TcpStream::connect(world.address).await.expect("a connection")
}

#[tokio::test]
async fn answers_pass_however_their_bodies_end() {
    let cases: [(&[u8], &[u8], &str); 7] = [
        (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\nbody", "body"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo", b"dy", "body"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r",
            b"\n2\r\ndy\r\n0\r\n\r\n",
            "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nSet-Coo",
            b"kie: a=b\r\nOther: c\r\n\r\n",
            "4\r\nbody\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTrailer: Other\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
            b"0\r\nOther: c\r\n\r\n",
            "4\r\nbody\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
            "body",
        ),
        (
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"until the end",
            "d\r\nuntil the end\r\n0\r\n\r\n",
        ),
    ];
    for (first, second, wanted) in cases {
        let world = World::with_group(group("g", &[saying(first, second).await])).await;
        for _ in 0..3 {
            let answer = world.get("/").await;
            assert_eq!((status(&answer), body(&answer)), (200, wanted), "{answer}");
            assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
            assert!(
                header(&answer, "date").is_some_and(|it| it.ends_with(" GMT")),
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_serves_plain_requests_and_then_others() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let mut stream = connected(&world).await;
    for request in [
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "DELETE /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        stream.write_all(request.as_bytes()).await.expect("sent");
        let answer = read_answer(&mut stream).await;
        let line = request.split(" HTTP").next().unwrap_or_default();
        assert_eq!(status(&answer), 200);
        assert!(answer.contains(&format!("{line}\n")), "{answer}");
    }
}

#[tokio::test]
async fn requests_that_come_too_early_are_answered_in_order() {
    let world = World::with_group(group("g", &[echo("one").await])).await;
    let mut stream = connected(&world).await;
    for number in 0..10 {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        tokio::task::yield_now().await;
    }
    for number in 0..10 {
        let answer = read_answer(&mut stream).await;
        assert!(answer.contains(&format!("GET /{number}\n")), "{number}: {answer}");
    }
}

#[tokio::test]
async fn connections_to_targets_are_kept_and_serve_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let target = raw_target(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            while !read_head(&mut stream).await.is_empty() {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    .await;
            }
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    for _ in 0..10 {
        assert_eq!(world.status("/").await, 200);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_follows_an_answer_unasked_is_nobodys_answer() {
    let target = saying(
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    )
    .await;
    let world = World::with_group(group("g", &[target])).await;
    for _ in 0..20 {
        assert_eq!(body(&world.get("/").await), "good");
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_target() {
    let (reached, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (its_reached, its_left) = (reached.clone(), left.clone());
    let target = raw_target(move |mut stream| {
        let (reached, left) = (its_reached.clone(), its_left.clone());
        async move {
            read_head(&mut stream).await;
            reached.notify_one();
            if matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)) {
                left.notify_one();
            }
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let mut stream = connected(&world).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    reached.notified().await;
    drop(stream);
    tokio::time::timeout(DEADLINE, left.notified())
        .await
        .expect("the target is told");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_without_a_log_too() {
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = ended.clone();
    let target = raw_target(move |mut stream| {
        let ended = counted.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
                .await;
            while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
            ended.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    world
        .change(|it| it.idle_timeout = Duration::from_millis(300))
        .await;
    let mut stream = connected(&world).await;
    stream
        .write_all(b"GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    until(|| (ended.load(Ordering::SeqCst) == 1).then_some(())).await;
}

#[tokio::test]
async fn a_large_answer_passes_whole() {
    const LENGTH: usize = 5_000_000;
    let target = raw_target(|mut stream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let bytes: Vec<u8> = (0..LENGTH).map(|it| b'a' + (it % 23) as u8).collect();
            let _ = stream.write_all(&bytes).await;
        }
    })
    .await;
    let world = World::with_group(group("g", &[target])).await;
    let answer = world.get("/").await;
    let whole = body(&answer)
        .bytes()
        .enumerate()
        .all(|(at, it)| it == b'a' + (at % 23) as u8);
    assert!(whole && body(&answer).len() == LENGTH, "{}", body(&answer).len());
}

#[tokio::test]
async fn a_target_that_is_gone_ends_its_answers() {
    let reached = Arc::new(Notify::new());
    let its_reached = reached.clone();
    let target = raw_target(move |mut stream| {
        let reached = its_reached.clone();
        async move {
            read_head(&mut stream).await;
            reached.notify_one();
            let _ = stream.read(&mut [0; 1]).await;
        }
    })
    .await;
    let mut world = World::with_group(group("g", &[target])).await;
    let address = world.address;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let pending = tokio::spawn(async move { raw(address, request).await });
    reached.notified().await;
    world.plan.groups[0].targets.clear();
    world.apply().await;
    assert_eq!(status(&pending.await.expect("it ends")), 502);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    for (method, answered, asked) in [("GET", 200, 3), ("DELETE", 502, 2), ("PUT", 502, 2)] {
        let heads = Arc::new(AtomicUsize::new(0));
        let counted = heads.clone();
        // answers once on each connection, reads the next request whole, and is gone
        let target = raw_target(move |mut stream| {
            let counted = counted.clone();
            async move {
                read_head(&mut stream).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                let _ = stream.write_all(answer).await;
                if !read_head(&mut stream).await.is_empty() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
        .await;
        let world = World::with_group(group("g", &[target])).await;
        let mut stream = connected(&world).await;
        for (request, expected) in [("GET", 200), (method, answered)] {
            let request = format!("{request} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("sent");
            assert_eq!(status(&read_answer(&mut stream).await), expected, "{method}");
        }
        assert_eq!(heads.load(Ordering::SeqCst), asked, "{method}");
    }
}

#[tokio::test]
async fn a_request_that_is_cut_off_with_its_target_is_not_sent_again() {
    // the short way, and the other
    for more in ["", "X-Forwarded-For: 192.0.2.1\r\n"] {
        let arrived = Arc::new(Notify::new());
        let tells = arrived.clone();
        let one = raw_target(move |mut stream| {
            let tells = tells.clone();
            async move {
                read_head(&mut stream).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    .await;
                read_head(&mut stream).await;
                tells.notify_one();
                std::future::pending::<()>().await;
            }
        })
        .await;
        let mut world = World::with_group(group("g", &[one])).await;
        let mut stream = connected(&world).await;
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        assert_eq!(status(&read_answer(&mut stream).await), 200);
        stream.write_all(request.as_bytes()).await.expect("sent");
        arrived.notified().await;
        world.plan.groups[0].targets = vec![target(echo("two").await)];
        world.apply().await;
        let answer = read_answer(&mut stream).await;
        assert_eq!(status(&answer), 502, "{more}{answer}");
    }
}
