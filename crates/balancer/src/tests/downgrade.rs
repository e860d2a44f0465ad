//! Requests of HTTP/2 that would be more than one in HTTP/1.1.

use std::sync::Arc;

use domain::listener::Protocol;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::encrypted::{client, encrypted, frame};
use super::fixture::{DEADLINE, World, group, raw_target};
use super::frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, field};

/// What a request would smuggle: no target may find it at the begin of a line.
const SMUGGLED: &str = "x-smuggled";

/// A request with these pseudo-fields and one more field.
fn head(method: &str, path: &str, authority: &str, more: (&str, &str)) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "https"),
        (":path", path),
        (":authority", authority),
        more,
    ];
    fields.map(|(name, value)| field(name, value)).concat()
}

/// What ends a request, or the connection, before an answer.
#[derive(Debug, PartialEq)]
enum Ending {
    Answered,
    Refused,
}

/// Sends a request, and waits for what comes of it.
async fn send(world: &World, head: &[u8], body: &[u8]) -> Ending {
    let mut stream = client(world, "a.example", 0, b"h2").await.expect("TLS");
    let mut sent = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    match body.is_empty() {
        true => sent.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, head)),
        false => {
            sent.extend(frame(HEADERS, END_HEADERS, 1, head));
            sent.extend(frame(DATA, END_STREAM, 1, body));
        }
    }
    stream.write_all(&sent).await.expect("sent");
    let reading = async {
        loop {
            let mut start = [0; 9];
            if stream.read_exact(&mut start).await.is_err() {
                return Ending::Refused;
            }
            let length = u32::from_be_bytes([0, start[0], start[1], start[2]]) as usize;
            let mut payload = vec![0; length];
            if stream.read_exact(&mut payload).await.is_err() {
                return Ending::Refused;
            }
            match start[3] {
                // The first field of an answer is its status: 8 of the static table is 200.
                HEADERS if payload.first() == Some(&0x88) => return Ending::Answered,
                HEADERS | RST_STREAM | GOAWAY => return Ending::Refused,
                _ => {}
            }
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("in time")
}

/// A target that keeps all it is sent, and answers each head.
async fn recorded() -> (std::net::SocketAddr, Arc<Mutex<String>>) {
    let seen: Arc<Mutex<String>> = Arc::default();
    let its = Arc::clone(&seen);
    let address = raw_target(move |mut stream| {
        let seen = Arc::clone(&its);
        async move {
            let mut room = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut room).await {
                let text = String::from_utf8_lossy(&room[..length]).into_owned();
                let heads = text.matches("\r\n\r\n").count();
                seen.lock().push_str(&text);
                for _ in 0..heads {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            }
        }
    })
    .await;
    (address, seen)
}

/// Lines of what the target was sent that begin so, in whatever case.
fn smuggled(seen: &str) -> Vec<&str> {
    let lines = seen.split(['\r', '\n', '\0']);
    lines
        .filter(|it| it.to_ascii_lowercase().trim_start().starts_with(SMUGGLED))
        .collect()
}

#[tokio::test]
async fn no_field_carries_a_second_line() {
    let (target, seen) = recorded().await;
    let world = encrypted(Protocol::Https, group("g", &[target])).await;
    let none = ("accept", "*/*");
    for end in ["\r\n", "\n", "\r", "\0"] {
        let broken = format!("a{end}{SMUGGLED}: 1");
        let path = format!("/{broken}");
        let spaced = format!("/ HTTP/1.1{end}{SMUGGLED}: 1");
        for (what, head) in [
            ("the path", head("GET", &path, "a", none)),
            ("a path with a version", head("GET", &spaced, "a", none)),
            ("the method", head(&broken, "/", "a", none)),
            ("the authority", head("GET", "/", &broken, none)),
            ("a value", head("GET", "/", "a", ("x-value", &broken))),
            ("a cookie", head("GET", "/", "a", ("cookie", &broken))),
            ("a name", head("GET", "/", "a", (&broken, "1"))),
        ] {
            assert_eq!(
                send(&world, &head, b"").await,
                Ending::Refused,
                "{end:?} in {what}"
            );
        }
    }
    assert_eq!(*seen.lock(), "", "nothing of it is a request");
}

#[tokio::test]
async fn no_length_and_no_encoding_makes_two_of_one_body() {
    let (target, seen) = recorded().await;
    let world = encrypted(Protocol::Https, group("g", &[target])).await;
    let body = format!("0\r\n\r\nGET /{SMUGGLED} HTTP/1.1\r\n{SMUGGLED}: 1\r\n\r\n");
    for more in [
        ("content-length", "0"),
        ("content-length", "5"),
        ("content-length", "+5"),
        ("content-length", "5, 5"),
        ("content-length", "0x5"),
        ("content-length", "99999"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("connection", "transfer-encoding"),
        ("upgrade", "h2c"),
        ("keep-alive", "timeout=1"),
        ("proxy-connection", "keep-alive"),
    ] {
        let head = head("POST", "/", "a", more);
        let ending = send(&world, &head, body.as_bytes()).await;
        assert_eq!(ending, Ending::Refused, "{more:?}");
    }
    let seen = seen.lock().clone();
    // A length that is a lie is known only once the body has ended, when the target was asked. What it was sent is framed:
    // whatever the body holds, it stands behind a length of its own.
    for request in seen.split("POST / HTTP/1.1\r\n").skip(1) {
        let (head, _) = request.split_once("\r\n\r\n").expect("a head");
        let framed = head.lines().filter(|it| {
            let it = it.to_ascii_lowercase();
            it.starts_with("content-length:") || it.starts_with("transfer-encoding:")
        });
        assert_eq!(framed.count(), 1, "{head}");
        assert!(smuggled(head).is_empty(), "{head}");
    }
}

#[tokio::test]
async fn one_that_is_good_passes() {
    let (target, seen) = recorded().await;
    let world = encrypted(Protocol::Https, group("g", &[target])).await;
    let good = head("GET", "/page", "a", ("x-value", "1"));
    assert_eq!(send(&world, &good, b"").await, Ending::Answered);
    let seen = seen.lock().clone();
    let head = seen.to_ascii_lowercase();
    assert!(
        head.starts_with("get /page http/1.1\r\n") && head.contains("\r\nx-value: 1\r\n"),
        "{seen}"
    );
}
