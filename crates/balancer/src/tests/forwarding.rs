//! What reaches targets and clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderValue;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::fixture::{World, body, echo, group, header, raw, raw_target, read_answer, read_head, status};

#[tokio::test]
async fn requests_reach_targets_with_what_they_need_to_know() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let answer = raw(
        world.address,
        "GET /a/b?c=d HTTP/1.1\r\nHost: shop.example:8080\r\nX-Own: 1\r\nX-Forwarded-For: 10.9.9.9\r\n\
         Connection: close, X-Gone\r\nX-Gone: 1\r\n\r\n",
    )
    .await;
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = body(&answer);
    assert!(seen.contains("GET /a/b?c=d\n"), "{seen}");
    assert_eq!(header(seen, "host").as_deref(), Some("shop.example:8080"));
    assert_eq!(header(seen, "x-own").as_deref(), Some("1"));
    assert_eq!(header(seen, "x-gone"), None);
    assert!(header(seen, "x-forwarded-for").is_some_and(|it| it.starts_with("10.9.9.9, 127.")));
    assert_eq!(header(seen, "x-forwarded-proto").as_deref(), Some("http"));
    assert_eq!(header(seen, "x-forwarded-port").as_deref(), Some("8080"));
    assert!(header(seen, "x-amzn-trace-id").is_some_and(|it| it.starts_with("Root=1-")));
}

#[tokio::test]
async fn the_listeners_port_is_added_to_the_host() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let plain = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    let other = "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    let host = async |world: &World, request| header(body(&raw(world.address, request).await), "host");
    for request in [plain, other] {
        assert_eq!(
            host(&world, request).await.as_deref(),
            Some("a.example:8080"),
            "{request}"
        );
    }
    world.change(|it| it.preserves_host = true).await;
    for request in [plain, other] {
        assert_eq!(
            host(&world, request).await.as_deref(),
            Some("a.example"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn whoever_names_no_host_asks_for_the_load_balancer() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    let request = "GET /none HTTP/1.0\r\n\r\n";
    let address = world.address.to_string();
    let answer = raw(world.address, request).await;
    assert_eq!(header(body(&answer), "host"), Some(address));
    world
        .change(|it| {
            it.dns_name = "web.example".into();
            it.access_logs = true;
        })
        .await;
    let answer = raw(world.address, request).await;
    assert_eq!(header(body(&answer), "host").as_deref(), Some("web.example:8080"));
    let line = world.line(|it| it.contains("/none")).await;
    assert!(
        line.contains("\"GET http://web.example:8080/none HTTP/1.0\""),
        "{line}"
    );
}

#[tokio::test]
async fn bodies_pass_whole_whatever_their_framing() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let large = "x".repeat(3_000_000);
    let known = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{large}",
        large.len()
    );
    assert!(
        raw(world.address, &known)
            .await
            .contains("body-length: 3000000\n")
    );
    let mut chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for part in ["hello", " ", "world"] {
        chunked += &format!("{:x}\r\n{part}\r\n", part.len());
    }
    chunked += "0\r\n\r\n";
    assert!(raw(world.address, &chunked).await.contains("body-length: 11\n"));
    let head = raw(
        world.address,
        "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((status(&head), body(&head)), (200, ""));
    assert!(header(&head, "content-length").is_some(), "{head}");
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_continue() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    assert_eq!(status(&read_answer(&mut stream).await), 100);
    stream.write_all(b"body").await.expect("sent");
    assert!(read_answer(&mut stream).await.contains("body-length: 4\n"));
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order_on_one_connection() {
    let target = echo("one").await;
    let world = World::with_group(group("g", &[target])).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let mut requests = String::new();
    for number in 0..20 {
        requests += &format!("POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n");
    }
    stream.write_all(requests.as_bytes()).await.expect("sent");
    for number in 0..20 {
        let answer = read_answer(&mut stream).await;
        assert!(
            answer.contains(&format!("POST /{number}\n")),
            "{number}: {answer}"
        );
    }
}

#[tokio::test]
async fn connections_to_targets_serve_many_requests() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let target = raw_target(move |mut stream| {
        counted.fetch_add(1, Ordering::Relaxed);
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
    for _ in 0..20 {
        assert_eq!(world.status("/").await, 200);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn turns_go_round() {
    let targets = [echo("one").await, echo("two").await, echo("three").await];
    let world = World::with_group(group("g", &targets)).await;
    let mut names = Vec::new();
    for _ in 0..6 {
        names.push(header(body(&world.get("/").await), "name").expect("a name"));
    }
    assert_eq!(names[..3], names[3..]);
    names.truncate(3);
    names.sort();
    assert_eq!(names, ["one", "three", "two"]);
}

#[tokio::test]
async fn logs_tell_each_request() {
    let target = echo("one").await;
    let mut world = World::with_group(group("g", &[target])).await;
    world.change(|it| it.access_logs = true).await;
    world.get("/logged").await;
    let line = world.line(|it| it.contains("/logged")).await;
    let expected = format!(
        "\"GET http://a.example:{}/logged HTTP/1.1\"",
        world.address.port()
    );
    assert!(line.starts_with("http ") && line.contains(&expected), "{line}");
    assert!(
        line.contains(&format!(" {target} ")) && line.contains(" 200 200 "),
        "{line}"
    );
    assert!(
        line.contains(" g \"Root=1-") && line.contains("\"forward\""),
        "{line}"
    );
}

#[tokio::test]
async fn logs_tell_what_was_sent_to_the_byte() {
    let chunked = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
            .await;
    })
    .await;
    for (targets, requests) in [
        (
            vec![echo("one").await],
            [
                "GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "HEAD /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /{} HTTP/1.0\r\n\r\n",
            ],
        ),
        (
            vec![chunked],
            [
                "GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "POST /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "GET /{} HTTP/1.0\r\n\r\n",
            ],
        ),
        (
            Vec::new(),
            [
                "GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "HEAD /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /{} HTTP/1.1\r\nHost : a\r\n\r\n",
            ],
        ),
    ] {
        let mut world = World::with_group(group("g", &targets)).await;
        world.plan.listeners[0].headers.response =
            vec![(http::header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))];
        world.change(|it| it.access_logs = true).await;
        for (number, request) in requests.iter().enumerate() {
            let path = format!("asked-{number}");
            let request = request.replace("{}", &path);
            let answer = raw(world.address, &request).await;
            assert!(answer.contains("DENY"), "{answer}");
            let line = world.line(|it| it.contains(&path)).await;
            let fields: Vec<_> = line.split(' ').collect();
            let (received, sent) = (fields[10], fields[11]);
            assert_eq!(received, request.len().to_string(), "{line}");
            assert_eq!(sent, answer.len().to_string(), "{answer}\n{line}");
        }
    }
}

#[tokio::test]
async fn each_answer_of_a_connection_is_counted_by_itself() {
    let mut world = World::with_group(group("g", &[echo("one").await])).await;
    world.change(|it| it.access_logs = true).await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    for number in 0..3 {
        let request = format!(
            "GET /kept-{number}{} HTTP/1.1\r\nHost: a\r\n\r\n",
            "x".repeat(number)
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let answer = read_answer(&mut stream).await;
        let line = world.line(|it| it.contains(&format!("/kept-{number}"))).await;
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!(fields[10], request.len().to_string(), "{line}");
        assert_eq!(fields[11], answer.len().to_string(), "{answer}\n{line}");
    }
}
