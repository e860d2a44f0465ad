//! TLS on both sides, HTTP/2 and gRPC.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::listener::Protocol;
use domain::ssl_policy::SslPolicy;
use domain::target_group::ProtocolVersion;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use super::fixture::{
    DEADLINE, World, body, echo, forward_to, group, header, quick_check, raw, raw_target, status, target,
};
use crate::health::machine::{Failure, Health};
use crate::plan::{CertificatePem, CheckKind, GroupPlan, Matcher};
use crate::report::Report;
use crate::tls::provider;

fn certificate(arn: &str, names: &[&str]) -> CertificatePem {
    let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    CertificatePem {
        arn: arn.into(),
        chain: made.cert.pem().into(),
        key: made.signing_key.serialize_pem().into(),
    }
}

/// A listener that speaks TLS, with certificates of a.example and *.b.example.
pub(super) async fn encrypted(protocol: Protocol, group: GroupPlan) -> World {
    let mut world = World::new();
    let mut listener = world.listener(protocol, forward_to(&group));
    listener.certificates = vec![
        certificate("arn:a", &["a.example"]),
        certificate("arn:b", &["b.example", "*.b.example"]),
    ];
    world.plan.listeners.push(listener);
    world.plan.groups.push(group);
    world.apply().await;
    world
}

/// Connects as a client of `name` that trusts nobody but the listener's own certificate of this number.
pub(super) async fn client(
    world: &World,
    name: &str,
    number: usize,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    client_of(world, name, number, alpn, rustls::DEFAULT_VERSIONS).await
}

/// The same, which speaks these versions only.
async fn client_of(
    world: &World,
    name: &str,
    number: usize,
    alpn: &[u8],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    let pem = world.plan.listeners[0].certificates[number].chain.clone();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate"))
        .expect("a root");
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(world.address).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

pub(super) async fn http2<B>(world: &World) -> SendRequest<B>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = client(world, "a.example", 0, b"h2").await.expect("TLS");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn text(response: Response<Incoming>) -> String {
    let body = tokio::time::timeout(DEADLINE, response.into_body().collect())
        .await
        .expect("in time");
    String::from_utf8_lossy(&body.expect("a body").to_bytes()).into_owned()
}

#[tokio::test]
async fn clients_are_shown_the_certificate_of_their_host() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    for (name, number) in [("a.example", 0), ("b.example", 1), ("www.b.example", 1)] {
        let mut stream = client(&world, name, number, b"http/1.1")
            .await
            .unwrap_or_else(|it| panic!("{name}: {it}"));
        let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert_eq!(status(&answer), 200);
        assert!(answer.contains("x-forwarded-proto: https\n"), "{answer}");
    }
    assert!(
        client(&world, "other.example", 0, b"http/1.1").await.is_err(),
        "the default's name is another"
    );
}

#[tokio::test]
async fn who_speaks_without_tls_is_told_so() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    world.change(|it| it.access_logs = true).await;
    let long = format!(
        "GET /long HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
        "a".repeat(10_000)
    );
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", long.as_str()] {
        let answer = raw(world.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert_eq!(header(&answer, "server").as_deref(), Some("awselb/2.0"));
        assert_eq!(header(&answer, "content-type").as_deref(), Some("text/html"));
        assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
        let page = body(&answer);
        assert!(
            page.contains("<title>400 The plain HTTP request was sent to HTTPS port</title>")
                && page.contains("<h1>400 Bad Request</h1>")
                && page.contains("<center>The plain HTTP request was sent to HTTPS port</center>"),
            "{page}"
        );
    }
    let line = world.line(|it| it.contains(":8080/long HTTP/1.1")).await;
    assert!(line.starts_with("http ") && line.contains(" 400 - "), "{line}");
    let answer = raw(world.address, "what is this\r\n\r\n").await;
    assert!(answer.contains("<title>400 Bad Request</title>"), "{answer}");
    assert!(client(&world, "a.example", 0, b"http/1.1").await.is_ok());
}

#[tokio::test]
async fn others_than_an_application_load_balancer_say_nothing_without_tls() {
    for (protocol, is_classic) in [(Protocol::Https, true), (Protocol::Tls, false)] {
        let mut world = encrypted(protocol, group("g", &[echo("one").await])).await;
        world.change(|it| it.is_classic = is_classic).await;
        let answer = raw(world.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(!answer.contains("HTTP/"), "{protocol:?} {answer}");
    }
}

#[tokio::test]
async fn certificates_change_while_connections_live() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let mut sender = http2::<Full<Bytes>>(&world).await;
    let ask = || {
        Request::get("https://a.example/")
            .body(Full::default())
            .expect("a request")
    };
    assert_eq!(
        sender.send_request(ask()).await.expect("an answer").status(),
        StatusCode::OK
    );
    world.plan.listeners[0].certificates[0] = certificate("arn:new", &["a.example"]);
    world.apply().await;
    assert_eq!(
        sender.send_request(ask()).await.expect("an answer").status(),
        StatusCode::OK
    );
    assert!(
        client(&world, "a.example", 0, b"h2").await.is_ok(),
        "the new one is shown"
    );
}

#[tokio::test]
async fn a_policy_says_what_is_spoken_and_may_change() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let (old, new) = (&[&rustls::version::TLS12], &[&rustls::version::TLS13]);
    for (policy, speaks_old, speaks_new) in [
        ("ELBSecurityPolicy-2016-08", true, false),
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", true, true),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", false, true),
    ] {
        world.plan.listeners[0].ssl_policy = SslPolicy::find(policy).expect("is known");
        world.apply().await;
        for (versions, speaks) in [(old, speaks_old), (new, speaks_new)] {
            let connected = client_of(&world, "a.example", 0, b"h2", versions).await;
            assert_eq!(connected.is_ok(), speaks, "{policy} {versions:?} {connected:?}");
            if let Ok(stream) = connected {
                let cipher = stream.get_ref().1.negotiated_cipher_suite().expect("one");
                let wanted = SslPolicy::find(policy).expect("is known").ciphers();
                let names: Vec<_> = wanted.collect();
                assert!(
                    names.contains(&crate::tls::policy::name(cipher.suite())),
                    "{policy} {cipher:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_told() {
    let mut world = encrypted(Protocol::Https, group("g", &[])).await;
    world.plan.listeners[0].certificates[0].chain = "no certificate".into();
    world.apply().await;
    world
        .report(|it| matches!(it, Report::ListenerFailed { .. }))
        .await;
}

#[tokio::test]
async fn requests_of_http2_reach_targets_of_http1() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let sender = http2::<Full<Bytes>>(&world).await;
    let asking = (0..50).map(|number| {
        let mut sender = sender.clone();
        async move {
            let request = Request::post(format!("https://a.example/{number}"))
                .header("cookie", "a=1")
                .header("cookie", "b=2")
                .body(Full::from(vec![0; 10_000]))
                .expect("a request");
            let response = sender.send_request(request).await.expect("an answer");
            (response.version(), text(response).await)
        }
    });
    for (number, (version, text)) in futures_util::future::join_all(asking)
        .await
        .into_iter()
        .enumerate()
    {
        assert_eq!(version, Version::HTTP_2);
        assert!(text.contains(&format!("POST /{number}\n")), "{text}");
        assert!(
            text.contains("host: a.example:8080\n") && text.contains("cookie: a=1; b=2\n"),
            "{text}"
        );
        assert!(text.contains("body-length: 10000\n"), "{text}");
    }
}

#[tokio::test]
async fn lines_of_http2_are_no_longer_than_others() {
    let mut world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    world.change(|it| it.access_logs = true).await;
    let long = "x".repeat(17_000);
    let many = "x".repeat(15_000);
    let cases = [
        ("/header", vec![&long], 400),
        (&*format!("/{long}"), vec![], 414),
        ("/many", vec![&many; 5], 400),
        ("/fits", vec![&many; 3], 200),
    ];
    for (path, values, expected) in cases {
        let mut sender = http2::<Full<Bytes>>(&world).await;
        let mut request = Request::get(format!("https://a.example{path}"));
        for value in values {
            request = request.header("x-long", value);
        }
        let request = request.body(Full::default()).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), expected, "{:.20}", path);
        if expected == 200 {
            continue;
        }
        assert_eq!(response.headers()["server"], "awselb/2.0");
        let page = text(response).await;
        assert!(page.contains(&format!("<h1>{expected} ")), "{page}");
        let start = format!(":8080{path:.20}");
        let line = world.line(|it| it.contains(&start)).await;
        assert!(line.contains(&format!(" {expected} - ")), "{line}");
    }
}

#[tokio::test]
async fn heads_of_http2_count_in_the_log() {
    let mut world = encrypted(Protocol::Https, group("g", &[])).await;
    world.change(|it| it.access_logs = true).await;
    let mut sender = http2::<Full<Bytes>>(&world).await;
    let request = Request::get("https://a.example/counted").header("x-own", "x".repeat(1000));
    let request = request.body(Full::default()).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    let own: usize = response
        .headers()
        .iter()
        // the library adds it
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let sent = own + ":status: 503\r\n".len() + text(response).await.len();
    let head = ":method: GET\r\n:scheme: https\r\n:authority: a.example\r\n:path: /counted\r\nx-own: \r\n";
    let received = head.len() + 1000;
    let line = world.line(|it| it.contains("/counted")).await;
    assert!(line.contains(&format!(" 503 - {received} {sent} ")), "{line}");
}

/// A frame of HTTP/2.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn resetting_streams_in_a_row_ends_the_connection() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let mut stream = client(&world, "a.example", 0, b"h2").await.expect("TLS");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    for stream in (1..2000).step_by(2) {
        // GET https://a/, then the stream is reset at once
        bytes.extend(frame(1, 5, stream, &[0x82, 0x87, 0x84, 0x41, 1, b'a']));
        bytes.extend(frame(3, 0, stream, &8u32.to_be_bytes()));
    }
    let _ = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer))
        .await
        .expect("it is closed");
    // GOAWAY with ENHANCE_YOUR_CALM
    assert!(
        answer.windows(4).any(|it| it == 11u32.to_be_bytes()),
        "{answer:?}"
    );
    let mut other = http2::<Full<Bytes>>(&world).await;
    let request = Request::get("https://a.example/")
        .body(Full::default())
        .expect("a request");
    assert_eq!(
        other
            .send_request(request)
            .await
            .expect("others are served")
            .status(),
        StatusCode::OK
    );
}

/// A target of HTTP/2 in the clear: a call of gRPC that answers what it got, with a status in its trailers.
async fn grpc_target(grpc_status: &'static str) -> SocketAddr {
    raw_target(move |stream| async move {
        let service = hyper::service::service_fn(move |request: Request<Incoming>| async move {
            let body = request.into_body().collect().await?.to_bytes();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(grpc_status));
            let frames = [
                Ok::<_, hyper::Error>(Frame::data(body)),
                Ok(Frame::trailers(trailers)),
            ];
            let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)));
            response
                .headers_mut()
                .insert("content-type", HeaderValue::from_static("application/grpc"));
            Ok::<_, hyper::Error>(response)
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    })
    .await
}

fn grpc_group(targets: &[SocketAddr]) -> GroupPlan {
    let mut plan = group("g", targets);
    plan.version = ProtocolVersion::Grpc;
    plan
}

#[tokio::test]
async fn calls_of_grpc_pass_with_their_trailers() {
    let world = encrypted(Protocol::Https, grpc_group(&[grpc_target("5").await])).await;
    let mut sender = http2::<Full<Bytes>>(&world).await;
    let call = Request::post("https://a.example/pkg.Service/Method")
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
        .body(Full::from("message"))
        .expect("a request");
    let response = sender.send_request(call).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.expect("a body");
    assert_eq!(
        body.trailers().and_then(|it| it.get("grpc-status")),
        Some(&HeaderValue::from_static("5"))
    );
    assert_eq!(body.to_bytes(), "message");
    let plain = Request::get("https://a.example/")
        .body(Full::default())
        .expect("a request");
    assert_eq!(
        sender
            .send_request(plain)
            .await
            .expect("an answer")
            .status()
            .as_u16(),
        464
    );
}

#[tokio::test]
async fn a_group_of_http_1_takes_no_calls_of_grpc() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let mut sender = http2::<Full<Bytes>>(&world).await;
    for (content_type, expected) in [("application/grpc", 464), ("text/plain", 200)] {
        let call = Request::post("https://a.example/pkg.Service/Method")
            .header("content-type", content_type)
            .body(Full::from("message"))
            .expect("a request");
        let response = sender.send_request(call).await.expect("an answer");
        assert_eq!(response.status().as_u16(), expected, "{content_type}");
    }
}

#[tokio::test]
async fn versions_that_do_not_fit_are_464() {
    let mut plan = group("g", &[grpc_target("0").await]);
    plan.version = ProtocolVersion::Http2;
    let world = World::with_group(plan).await;
    assert_eq!(world.status("/").await, 464);
}

#[tokio::test]
async fn checks_of_grpc_look_at_the_status_of_the_call() {
    let (good, bad) = (grpc_target("12").await, grpc_target("13").await);
    let mut plan = grpc_group(&[good, bad]);
    plan.health_check = Some(quick_check(CheckKind::Grpc {
        tls: false,
        path: "/AWS.ALB/healthcheck".into(),
        matcher: Matcher::parse("12").expect("a matcher"),
    }));
    let mut world = World::with_group(plan).await;
    world.health_of(good, Health::Healthy).await;
    world.health_of(bad, Health::Unhealthy(Failure::Code(13))).await;
}

/// A target within TLS, by a certificate of nobody's.
async fn encrypted_target(answer: &'static [u8]) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(vec!["whoever.example".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes());
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.expect("a key"))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    raw_target(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn targets_may_have_any_certificate() {
    let one = encrypted_target(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let mut plan = group("g", &[one]);
    plan.protocol = Protocol::Https;
    let mut check = super::fixture::http_check();
    if let CheckKind::Http { tls, .. } = &mut check.kind {
        *tls = true;
    }
    plan.health_check = Some(check);
    let mut world = World::with_group(plan).await;
    world.health_of(one, Health::Healthy).await;
    assert_eq!(world.status("/").await, 200);
}

#[tokio::test]
async fn a_classic_load_balancer_may_begin_tls_where_a_client_speaks_none() {
    let (one, plain) = (encrypted_target(b"pong").await, echo("plain").await);
    let mut plan = group("g", &[one, plain]);
    plan.protocol = Protocol::Tls;
    plan.health_check = Some(quick_check(CheckKind::Tls));
    let mut world = World::new();
    world
        .plan
        .listeners
        .push(world.listener(Protocol::Tcp, forward_to(&plan)));
    world.plan.groups.push(plan);
    world.apply().await;
    world.health_of(one, Health::Healthy).await;
    world
        .health_of(plain, Health::Unhealthy(Failure::Connection))
        .await;
    assert_eq!(raw(world.address, "ping").await, "pong");
}

#[tokio::test]
async fn a_network_load_balancer_ends_tls_and_begins_it_anew() {
    for protocol in [Protocol::Tls, Protocol::Tcp] {
        let one = match protocol {
            Protocol::Tls => encrypted_target(b"hello").await,
            _ => {
                raw_target(|mut stream| async move {
                    let _ = stream.read(&mut [0; 16]).await;
                    let _ = stream.write_all(b"hello").await;
                })
                .await
            }
        };
        let mut plan = GroupPlan::new("g", protocol);
        plan.targets = vec![target(one)];
        let world = encrypted(Protocol::Tls, plan).await;
        let mut stream = client(&world, "a.example", 0, b"any").await;
        if stream.is_err() {
            // without an ALPN policy none is agreed on, which clients that insist on one refuse
            stream = client(&world, "a.example", 0, b"").await;
        }
        let mut stream = stream.expect("TLS");
        stream.write_all(b"x").await.expect("sent");
        let mut answer = String::new();
        let _ = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer))
            .await
            .expect("in time");
        assert_eq!(answer, "hello", "{protocol:?}");
    }
}

#[tokio::test]
async fn handshakes_that_are_none_harm_nobody() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    for bytes in [
        "\u{16}\u{3}\u{1}",
        "GET / HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{7f}\u{7f}garbage that is no hello",
    ] {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("ended");
        let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut Vec::new())).await;
        assert!(read.is_ok(), "{bytes:?}");
    }
    assert!(client(&world, "a.example", 0, b"http/1.1").await.is_ok());
}
