//! A registry on loopback, as much of one as a pull needs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::fixtures::{Blobs, INDEX, MANIFEST};

/// Whom the registry serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Open,
    /// Anybody with a token, which anybody gets.
    Token,
    /// A token for user `user` with password `secret`.
    TokenOfUser,
    /// User `user` with password `secret`.
    Basic,
}

pub struct Registry {
    pub address: String,
    state: Arc<State>,
    serving: tokio::task::AbortHandle,
}

struct State {
    access: Access,
    address: String,
    blobs: Blobs,
    tags: Mutex<HashMap<String, String>>,
    knows_ranges: AtomicBool,
    /// Bytes of bodies, by path.
    sent: Mutex<Vec<(String, u64)>>,
    requests: Mutex<Vec<String>>,
    /// Answers that break off in the middle, by part of the path.
    broken: Mutex<Vec<(String, Break)>>,
    /// An answer hangs.
    hung: Notify,
}

/// How an answer breaks off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection is closed.
    Close,
    /// It is reset.
    Reset,
    /// Nothing more comes, and it stays open.
    Hang,
}

struct Request {
    path: String,
    authorization: String,
    /// First byte that is wanted.
    begin: Option<usize>,
}

impl Registry {
    /// Serves blobs, and tags that lead to digests, until the runtime ends.
    pub async fn serve(access: Access, blobs: Blobs, tags: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let tags = tags
            .iter()
            .map(|(tag, digest)| ((*tag).to_owned(), (*digest).to_owned()));
        let tags = Mutex::new(tags.collect());
        let (requests, broken) = (Mutex::default(), Mutex::default());
        let state = Arc::new(State {
            access,
            address: address.clone(),
            blobs,
            tags,
            knows_ranges: AtomicBool::new(true),
            sent: Mutex::default(),
            requests,
            broken,
            hung: Notify::new(),
        });
        let serving = state.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(serving.clone(), stream));
            }
        });
        Self {
            address,
            state,
            serving: serving.abort_handle(),
        }
    }

    /// How often a path that contains this was asked for.
    pub fn requests(&self, part: &str) -> usize {
        self.state
            .requests
            .lock()
            .iter()
            .filter(|it| it.contains(part))
            .count()
    }

    /// Whether parts of blobs are given.
    pub fn know_ranges(&self, knows: bool) {
        self.state.knows_ranges.store(knows, Ordering::Relaxed);
    }

    /// Bytes that were sent of paths that contain this.
    pub fn sent(&self, part: &str) -> u64 {
        let sent = self.state.sent.lock();
        sent.iter()
            .filter(|(path, _)| path.contains(part))
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// Lets a tag lead to another digest.
    pub fn tag(&self, tag: &str, digest: &str) {
        self.state.tags.lock().insert(tag.to_owned(), digest.to_owned());
    }

    /// Answers nobody any more.
    pub fn close(&self) {
        self.serving.abort();
    }

    /// Breaks off the next answer to a path that contains this.
    pub fn break_off(&self, part: &str) {
        self.break_by(Break::Close, part);
    }

    /// The same in some way.
    pub fn break_by(&self, way: Break, part: &str) {
        self.state.broken.lock().push((part.to_owned(), way));
    }

    /// Waits until an answer hangs.
    pub async fn hung(&self) {
        self.state.hung.notified().await;
    }
}

async fn answer(state: Arc<State>, mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let authorization = head
        .lines()
        .find_map(|it| it.strip_prefix("authorization: "))
        .unwrap_or_default();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    state.requests.lock().push(path.clone());
    let broken = {
        let mut broken = state.broken.lock();
        let found = broken.iter().position(|(part, _)| path.contains(part.as_str()));
        found.map(|it| broken.swap_remove(it).1)
    };
    let range = head.lines().find_map(|it| it.strip_prefix("range: bytes="));
    let begin = range.and_then(|it| it.trim_end_matches('-').parse().ok());
    let request = Request {
        path,
        authorization: authorization.to_owned(),
        begin: begin.filter(|_| state.knows_ranges.load(Ordering::Relaxed)),
    };
    let (status, headers, mut body) = state.respond(&request);
    let mut response = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        write!(response, "{name}: {value}\r\n").expect("memory");
    }
    response.push_str("\r\n");
    if broken.is_some() {
        body.truncate(body.len() / 2);
    }
    state.sent.lock().push((request.path, body.len() as u64));
    if head.starts_with("HEAD ") {
        body.clear();
    }
    let bytes = [response.as_bytes(), &body].concat();
    // A client that went away is its own affair.
    drop(stream.write_all(&bytes).await);
    match broken {
        Some(Break::Hang) => {
            state.hung.notify_one();
            std::future::pending::<()>().await;
        }
        // Closed with a client's bytes unread, or with this, it is a reset.
        Some(Break::Reset) => drop(stream.set_zero_linger()),
        Some(Break::Close) | None => drop(stream.shutdown().await),
    }
}

type Response = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

impl State {
    fn respond(&self, request: &Request) -> Response {
        let path = request.path.as_str();
        if path.starts_with("/token") {
            return self.token(request);
        }
        if !self.admits(request) {
            let challenge = match self.access {
                Access::Basic => r#"Basic realm="registry""#.to_owned(),
                _ => format!(
                    r#"Bearer realm="http://{}/token",service="registry""#,
                    self.address
                ),
            };
            let body = br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
            return (
                "401 Unauthorized",
                vec![("WWW-Authenticate", challenge)],
                body.to_vec(),
            );
        }
        // Those that stand in for another registry are told for which.
        let path = path.split_once("?ns=").map_or(path, |(path, _)| path);
        if path == "/v2/" {
            return ("200 OK", vec![], b"{}".to_vec());
        }
        if let Some((_, wanted)) = path.split_once("/manifests/") {
            let tagged = self.tags.lock().get(wanted).cloned();
            let digest = tagged.as_deref().unwrap_or(wanted);
            if let Some(bytes) = self.blobs.by_digest.get(digest) {
                let is_index = String::from_utf8_lossy(bytes).contains("\"manifests\"");
                let media_type = if is_index { INDEX } else { MANIFEST };
                let headers = vec![
                    ("Content-Type", media_type.to_owned()),
                    ("Docker-Content-Digest", digest.to_owned()),
                ];
                return ("200 OK", headers, bytes.clone());
            }
            let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            return ("404 Not Found", vec![], body.to_vec());
        }
        let blob = path
            .split_once("/blobs/")
            .and_then(|(_, digest)| self.blobs.by_digest.get(digest));
        match blob {
            Some(bytes) => match request.begin {
                Some(begin) => ("206 Partial Content", vec![], bytes[begin..].to_vec()),
                None => ("200 OK", vec![], bytes.clone()),
            },
            None => ("404 Not Found", vec![], b"{}".to_vec()),
        }
    }

    fn admits(&self, request: &Request) -> bool {
        match self.access {
            Access::Open => true,
            Access::Token | Access::TokenOfUser => request.authorization == "Bearer the-token",
            Access::Basic => request.authorization == basic(),
        }
    }

    fn token(&self, request: &Request) -> Response {
        let is_user = self.access != Access::TokenOfUser || request.authorization == basic();
        if is_user && request.path.contains("scope=repository%3Aapp%3Apull") {
            return ("200 OK", vec![], br#"{"token":"the-token"}"#.to_vec());
        }
        (
            "401 Unauthorized",
            vec![],
            b"incorrect username or password".to_vec(),
        )
    }
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode("user:secret"))
}
