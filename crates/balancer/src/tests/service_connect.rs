//! Proxies of Service Connect: names at addresses of their own, ejection, tries with others, time-outs, HTTP/2 in the clear.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::served_load_balancer::{ServedClientAlias, ServedEndpoint};
use domain::service_connect::AppProtocol;
use domain::{ClusterArn, Scope, TargetGroupArn};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::fixture::{
    DEADLINE, PORT, World, closed, echo, header, own_address, raw, raw_target, read_head, serve, status,
};
use crate::report::Report;
use crate::snapshot::service_connect;

/// An alias with these endpoints, at an address of its own.
pub(super) fn alias(protocol: AppProtocol, endpoints: &[SocketAddr]) -> ServedClientAlias {
    let scope = Scope::new("123456789012", "us-east-1");
    let IpAddr::V4(address) = own_address() else {
        unreachable!("the fixture has addresses of IPv4")
    };
    let endpoint = |(number, it): (usize, &SocketAddr)| ServedEndpoint {
        task: ClusterArn::of(&scope, "default").member(&format!("{number:032x}")),
        address: match it.ip() {
            IpAddr::V4(it) => Some(it),
            IpAddr::V6(_) => None,
        },
        port: it.port(),
        is_draining: false,
        is_stopping: false,
    };
    ServedClientAlias {
        group: TargetGroupArn::of(&scope, "service-connect", &address.to_string()),
        address,
        port: PORT,
        protocol,
        idle_timeout_seconds: 60,
        per_request_timeout_seconds: 15,
        endpoints: endpoints.iter().enumerate().map(endpoint).collect(),
    }
}

pub(super) async fn proxy(aliases: &[ServedClientAlias]) -> World {
    let mut world = World::new();
    world.plan = service_connect(aliases);
    world.apply().await;
    world
}

pub(super) async fn get(alias: &ServedClientAlias) -> String {
    let address = SocketAddr::new(IpAddr::V4(alias.address), alias.port);
    raw(
        address,
        "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n",
    )
    .await
}

/// A target that answers each request with this status, and counts them.
pub(super) async fn answering(code: u16) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let address = serve(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut response = Response::new(Full::new(Bytes::from_static(b"x")));
            *response.status_mut() = StatusCode::from_u16(code).expect("a status");
            response
        }
    });
    (address.await, count)
}

#[tokio::test]
async fn each_name_has_an_address_and_endpoints_of_its_own() {
    let web = alias(AppProtocol::Http, &[echo("web").await]);
    let api = alias(AppProtocol::Http, &[echo("api").await]);
    let _world = proxy(&[web.clone(), api.clone()]).await;
    assert_eq!(header(&get(&web).await, "name").as_deref(), Some("web"));
    assert_eq!(header(&get(&api).await, "name").as_deref(), Some("api"));
}

#[tokio::test]
async fn no_request_fails_for_a_target_that_cannot_be_reached_or_refuses() {
    let (refusing, refused) = answering(503).await;
    let (sound, answered) = answering(200).await;
    let web = alias(AppProtocol::Http, &[closed().await, refusing, sound]);
    let _world = proxy(std::slice::from_ref(&web)).await;
    for _ in 0..30 {
        assert_eq!(status(&get(&web).await), 200);
    }
    assert_eq!(answered.load(Ordering::Relaxed), 30);
    assert!(refused.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn what_fails_five_times_in_a_row_gets_nothing_more() {
    let (failing, failures) = answering(500).await;
    let (sound, _) = answering(200).await;
    let web = alias(AppProtocol::Http, &[failing, sound]);
    let _world = proxy(std::slice::from_ref(&web)).await;
    let mut seen = 0;
    for _ in 0..100 {
        // 500 is an answer: only what was not done is tried again
        seen += usize::from(status(&get(&web).await) == 500);
    }
    assert_eq!((seen, failures.load(Ordering::Relaxed)), (5, 5));
}

#[tokio::test]
async fn the_last_half_stays_however_it_fails() {
    let (failing, failures) = answering(500).await;
    let web = alias(AppProtocol::Http, &[failing]);
    let _world = proxy(std::slice::from_ref(&web)).await;
    for _ in 0..20 {
        assert_eq!(status(&get(&web).await), 500);
    }
    assert_eq!(failures.load(Ordering::Relaxed), 20);
}

#[tokio::test]
async fn a_reset_is_tried_again_unless_it_may_do_harm() {
    let resetting = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.set_zero_linger();
    });
    let web = alias(AppProtocol::Http, &[resetting.await, echo("web").await]);
    let _world = proxy(std::slice::from_ref(&web)).await;
    for _ in 0..20 {
        assert_eq!(status(&get(&web).await), 200);
    }
    let fresh = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.set_zero_linger();
    });
    let orders = alias(AppProtocol::Http, &[fresh.await]);
    let _world = proxy(std::slice::from_ref(&orders)).await;
    let address = SocketAddr::new(IpAddr::V4(orders.address), orders.port);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(status(&raw(address, post).await), 502);
}

#[tokio::test]
async fn an_answer_has_its_time() {
    let silent = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await;
    });
    let halting = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            .await;
        let _ = stream.read(&mut [0; 1]).await;
    });
    let brief = |target| ServedClientAlias {
        per_request_timeout_seconds: 1,
        ..alias(AppProtocol::Http, &[target])
    };
    let (silent, halting) = (brief(silent.await), brief(halting.await));
    let _world = proxy(&[silent.clone(), halting.clone()]).await;
    let begun = Instant::now();
    assert_eq!(status(&get(&silent).await), 504);
    let answer = get(&halting).await;
    assert!(
        status(&answer) == 200 && answer.ends_with("half"),
        "it breaks off: {answer}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_least_busy_gets_the_next_request() {
    let busy = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await;
    });
    let web = alias(AppProtocol::Http, &[busy.await, echo("web").await]);
    let _world = proxy(std::slice::from_ref(&web)).await;
    let address = SocketAddr::new(IpAddr::V4(web.address), web.port);
    // one of the first two hangs, and holds its target
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("is sent");
        let _ = tokio::time::timeout(Duration::from_millis(300), stream.readable()).await;
        held.push(stream);
    }
    for _ in 0..10 {
        assert_eq!(header(&get(&web).await, "name").as_deref(), Some("web"));
    }
}

#[tokio::test]
async fn an_endpoint_that_drains_gets_nothing_new_and_is_told_idle() {
    let (leaving, asked) = answering(200).await;
    let (staying, _) = answering(200).await;
    let mut web = alias(AppProtocol::Http, &[leaving, staying]);
    let mut world = proxy(std::slice::from_ref(&web)).await;
    for _ in 0..4 {
        assert_eq!(status(&get(&web).await), 200);
    }
    web.endpoints[0].is_draining = true;
    world.plan = service_connect(std::slice::from_ref(&web));
    world.apply().await;
    let before = asked.load(Ordering::Relaxed);
    world
        .report(|it| matches!(it, Report::TargetIdle { target } if target.address == leaving))
        .await;
    for _ in 0..10 {
        assert_eq!(status(&get(&web).await), 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), before);
}

#[tokio::test]
async fn connections_go_to_whoever_takes_them() {
    let greeting = raw_target(|mut stream| async move {
        let _ = stream.write_all(b"hello").await;
    });
    let raw_bytes = alias(AppProtocol::Tcp, &[closed().await, greeting.await]);
    let _world = proxy(std::slice::from_ref(&raw_bytes)).await;
    let address = SocketAddr::new(IpAddr::V4(raw_bytes.address), raw_bytes.port);
    for _ in 0..20 {
        assert_eq!(raw(address, "").await, "hello");
    }
}

/// A target that speaks HTTP/2 in the clear.
async fn http2_target() -> SocketAddr {
    raw_target(|stream| async move {
        let service = hyper::service::service_fn(|_| async {
            Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"two"))))
        });
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
    })
    .await
}

#[tokio::test]
async fn http2_is_spoken_in_the_clear_on_both_sides() {
    let rpc = alias(AppProtocol::Http2, &[http2_target().await]);
    let _world = proxy(std::slice::from_ref(&rpc)).await;
    let asking = async {
        let stream = TcpStream::connect((rpc.address, rpc.port))
            .await
            .expect("a connection");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        let request = Request::get("http://rpc/")
            .body(Empty::<Bytes>::new())
            .expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("its body").to_bytes();
        (status, body)
    };
    let (status, body) = tokio::time::timeout(DEADLINE, asking).await.expect("in time");
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"two"[..]));
}

#[tokio::test]
async fn the_time_of_an_answer_begins_when_the_request_is_whole() {
    let sound = serve(|request: Request<Incoming>| async {
        let _ = request.into_body().collect().await;
        Response::new(Full::new(Bytes::from_static(b"x")))
    });
    let (silent, asked) = {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let silent = serve(move |request: Request<Incoming>| {
            let counted = counted.clone();
            async move {
                let _ = request.into_body().collect().await;
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            }
        });
        (silent.await, asked)
    };
    let brief = |target| ServedClientAlias {
        per_request_timeout_seconds: 1,
        ..alias(AppProtocol::Http, &[target])
    };
    let (sound, silent) = (brief(sound.await), brief(silent));
    let _world = proxy(&[sound.clone(), silent.clone()]).await;
    assert_eq!(status(&upload(&sound).await), 200, "the upload alone took longer");
    assert_eq!(status(&upload(&silent).await), 504);
    assert_eq!(asked.load(Ordering::Relaxed), 1, "it was asked");
}

/// Sends a body for two seconds, a byte every 200 ms.
async fn upload(alias: &ServedClientAlias) -> String {
    let address = SocketAddr::new(IpAddr::V4(alias.address), alias.port);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head).await.expect("is sent");
    let mut pieces = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..10 {
        pieces.tick().await;
        stream.write_all(b"x").await.expect("is sent");
    }
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer));
    reading.await.expect("in time").expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Where nobody takes connections any more: what its queue holds is given with it.
async fn crowded() -> (SocketAddr, (TcpListener, Vec<TcpStream>)) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::new(own_address(), 0))
        .expect("an address");
    let listener = socket.listen(0).expect("listens");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream.expect("a connection"));
    }
    (address, (listener, waiting))
}

#[tokio::test]
async fn a_target_that_does_not_take_the_request_has_no_longer_than_one_that_does_not_answer() {
    let unread = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending().await
    });
    let (unreachable, _queue) = crowded().await;
    let brief = |target| ServedClientAlias {
        per_request_timeout_seconds: 1,
        ..alias(AppProtocol::Http, &[target])
    };
    let (unread, unreachable) = (brief(unread.await), brief(unreachable));
    let _world = proxy(&[unread.clone(), unreachable.clone()]).await;
    for (target, length) in [(unread, 256 << 20), (unreachable, 1_usize)] {
        let begun = Instant::now();
        let address = SocketAddr::new(IpAddr::V4(target.address), target.port);
        let (mut reading, mut writing) = TcpStream::connect(address)
            .await
            .expect("a connection")
            .into_split();
        let sending = tokio::spawn(async move {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
            writing.write_all(head.as_bytes()).await?;
            let piece = vec![0; length.min(1 << 16)];
            for _ in 0..length / piece.len() {
                writing.write_all(&piece).await?;
            }
            Ok::<_, std::io::Error>(writing)
        });
        let mut answer = [0; 12];
        let reading = tokio::time::timeout(DEADLINE, reading.read_exact(&mut answer));
        reading.await.expect("in time").expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 504");
        let took = begun.elapsed();
        assert!(
            took > Duration::from_millis(900) && took < Duration::from_secs(5),
            "{took:?}"
        );
        sending.abort();
    }
}
