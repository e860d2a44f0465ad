//! Clients of HTTP/2 that take nothing of their answers, and say all the time that they are there.

use std::time::Duration;

use domain::listener::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::encrypted::{client, encrypted, frame};
use super::fixture::{DEADLINE, World, group, raw_target, read_head};
use crate::plan::Registration;
use crate::report::Report;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;
/// GET https://a/
const GET: &[u8] = &[0x82, 0x87, 0x84, 0x41, 1, b'a'];
/// No window for answers: SETTINGS_INITIAL_WINDOW_SIZE of 0.
const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];
const IDLE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(50);

type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// A load balancer before a target that sends without end.
async fn world() -> World {
    let target = raw_target(|mut stream| async move {
        read_head(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
        let _ = stream.write_all(head).await;
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    });
    let mut world = encrypted(Protocol::Https, group("g", &[target.await])).await;
    world.change(|it| it.idle_timeout = IDLE).await;
    world
}

async fn ask(world: &World) -> Stream {
    let mut stream = client(world, "a.example", 0, b"h2").await.expect("TLS");
    let request = [
        PREFACE,
        &frame(SETTINGS, 0, 0, NO_WINDOW),
        &frame(HEADERS, WHOLE, 1, GET),
    ]
    .concat();
    stream.write_all(&request).await.expect("sent");
    stream
}

/// The type of the next frame; none at the end.
async fn next(stream: &mut Stream) -> Option<u8> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    stream.read_exact(&mut vec![0; length as usize]).await.ok()?;
    Some(head[3])
}

/// Sends some frames again and again, until the connection ends.
async fn repeat(stream: &mut Stream, frames: &[u8]) {
    let mut pace = tokio::time::interval(PAUSE);
    let mut ends = false;
    while !ends {
        tokio::select! {
            _ = pace.tick() => ends = stream.write_all(frames).await.is_err(),
            kind = next(stream) => ends = kind.is_none(),
        }
    }
}

#[tokio::test]
async fn a_client_of_http2_that_takes_nothing_is_cut_off_whatever_it_says() {
    let mut world = world().await;
    let mut stream = ask(&world).await;
    while next(&mut stream).await != Some(HEADERS) {}
    world.plan.groups[0].targets[0].registration = Registration::Draining;
    world.apply().await;
    let ping = frame(PING, 0, 0, b"12345678");
    let pings = repeat(&mut stream, &ping);
    tokio::time::timeout(DEADLINE, pings)
        .await
        .expect("it is cut off");
    // and nothing keeps its target
    world.report(|it| matches!(it, Report::TargetIdle { .. })).await;
}

#[tokio::test]
async fn a_client_of_http2_that_takes_little_at_a_time_is_served() {
    let world = world().await;
    let mut stream = ask(&world).await;
    let byte = frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes());
    let taking = async {
        let mut taken = 0;
        // Each byte is asked for when the one before has come, and that is a while after it.
        while taken < 60 {
            match next(&mut stream).await {
                Some(DATA) => {
                    taken += 1;
                    tokio::time::sleep(PAUSE).await;
                    stream.write_all(&byte).await.expect("is open");
                }
                Some(HEADERS) => stream.write_all(&byte).await.expect("is open"),
                other => assert!(other.is_some(), "it ended after {taken}"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, taking).await.expect("in time");
}
