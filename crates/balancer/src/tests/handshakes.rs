//! Handshakes of TLS that are broken, or not ended.

use std::sync::Arc;

use domain::listener::Protocol;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::attributes::seen_within_tls;
use super::encrypted::encrypted;
use super::fixture::{DEADLINE, World, echo, group, status};
use crate::dice::Dice;
use crate::tls::provider;

/// The first message of a client, in its record.
fn hello() -> Vec<u8> {
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("a.example").expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("written");
    hello
}

/// Who speaks as it should is served.
async fn is_served(world: &World) {
    assert_eq!(status(&seen_within_tls(world, "").await), 200);
}

#[tokio::test]
async fn broken_hellos_end_their_connection_alone() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let (hello, dice) = (hello(), Dice::new(7));
    for round in 0..500 {
        let mut broken = hello.clone();
        let below = |most: usize| dice.below(most as u64) as usize;
        for _ in 0..1 + below(7) {
            let at = below(broken.len());
            broken[at] = below(256) as u8;
        }
        broken.truncate(1 + below(broken.len()));
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        // It may have been refused before all of it is sent.
        let _ = stream.write_all(&broken).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer));
        let _ = read
            .await
            .unwrap_or_else(|_| panic!("round {round} does not end"));
        // Nothing, the begin of a handshake, an alert, or the word that this is no TLS.
        let is_known = matches!(answer.first(), None | Some(0x16 | 0x15 | b'H'));
        assert!(is_known, "round {round}: {answer:?}");
    }
    is_served(&world).await;
}

#[tokio::test]
async fn handshakes_that_are_not_ended_hold_nobody() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    let hello = hello();
    let mut held = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        let part = &hello[..number % hello.len()];
        stream.write_all(part).await.expect("sent");
        held.push(stream);
    }
    is_served(&world).await;
    drop(held);
    is_served(&world).await;
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused() {
    let world = encrypted(Protocol::Https, group("g", &[echo("one").await])).await;
    // 16 KiB and 256 bytes are the most that a record may have.
    let mut record = vec![0x16, 3, 1, 0xff, 0xff];
    record.resize(70_000, 0);
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let _ = stream.write_all(&record).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer));
    let _ = read.await.expect("it ends");
    assert!(matches!(answer.first(), None | Some(0x15)), "{answer:?}");
    is_served(&world).await;
}
