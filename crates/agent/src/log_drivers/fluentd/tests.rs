//! The forward protocol, against a collector on loopback.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::Ids;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FluentdOptions, Forwarder, forward, open};
use crate::host::{ContainerSpec, LogLine, OutputStream};
use crate::log_drivers::follower::Sink;
use crate::log_drivers::options::Options;
use crate::tasks::payload::Refusal;

const RUNTIME_ID: &str = "0123456789abcdef0123";

fn parse(options: &[(&str, &str)]) -> Result<FluentdOptions, Refusal> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let container = ContainerSpec {
        name: "web".to_owned(),
        environment: BTreeMap::from([("STAGE".to_owned(), "prod".to_owned())]),
        ..ContainerSpec::default()
    };
    FluentdOptions::parse(&mut Options(options.iter().map(owned).collect()), &container)
}

fn line(message: &str) -> LogLine {
    LogLine {
        timestamp: Timestamp::new(1_700_000_000, 42).expect("a time"),
        message: message.to_owned(),
        stream: OutputStream::Stderr,
        position: 0,
    }
}

#[test]
fn a_message_is_what_the_specification_says() {
    let options = parse(&[("env", "STAGE,MISSING"), ("tag", "app.{{.Name}}.{{ .ID }}")]).expect("options");
    let tag = options.tag.of(RUNTIME_ID);
    assert_eq!(tag, "app.web.0123456789ab");
    let message = forward::message(&options, "t", "id", &[line("hi")], Some("c".to_owned()));
    // [ "t", [[1700000000, {5 fields}]], {"size": 1, "chunk": "c"} ]
    let mut expected = b"\x93\xa1t\x91\x92\xce\x65\x53\xf1\x00\x85".to_vec();
    for (name, value) in [
        ("container_id", "id"),
        ("container_name", "/web"),
        ("source", "stderr"),
        ("log", "hi"),
        ("STAGE", "prod"),
    ] {
        for text in [name, value] {
            expected.push(0xa0 | text.len() as u8);
            expected.extend_from_slice(text.as_bytes());
        }
    }
    expected.extend_from_slice(b"\x82\xa4size\x01\xa5chunk\xa1c");
    assert_eq!(message.bytes, expected);
}

#[test]
fn times_may_have_nanoseconds() {
    let options = parse(&[("fluentd-sub-second-precision", "true")]).expect("options");
    let message = forward::message(&options, "t", "id", &[line("hi")], None);
    assert_eq!(&message.bytes[5..15], b"\xd7\x00\x65\x53\xf1\x00\x00\x00\x00\x2a");
}

#[test]
fn options_without_sense_are_refused() {
    for (name, value) in [
        ("fluentd-address", "udp://host"),
        ("fluentd-address", "tls://host"),
        ("fluentd-address", "host:port"),
        ("fluentd-async", "perhaps"),
        ("tag", "{{.ImageName}}"),
        ("tag", "{{.ID"),
    ] {
        assert!(parse(&[(name, value)]).is_err(), "{name}={value}");
    }
}

#[tokio::test]
async fn who_cannot_wait_needs_a_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let options = |more: &[(&str, &str)]| {
        let mut all = vec![("fluentd-address", address.as_str())];
        all.extend_from_slice(more);
        parse(&all).expect("options")
    };
    assert_eq!(open(&options(&[])).await, Ok(()));
    drop(listener);
    let error = open(&options(&[])).await.expect_err("nobody listens");
    assert!(
        error.contains("failed to initialize logging driver: dial tcp"),
        "{error}"
    );
    assert_eq!(open(&options(&[("fluentd-async", "true")])).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_acknowledged_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let options = parse(&[("fluentd-address", &address), ("fluentd-request-ack", "true")]).expect("options");
    let collector = tokio::spawn(async move {
        let mut seen = Vec::new();
        for attempt in 0..2 {
            let (mut stream, _) = listener.accept().await?;
            let mut message = Vec::new();
            // The id of the chunk is the end of the message.
            while !has_chunk(&message) {
                stream.read_buf(&mut message).await?;
            }
            let chunk = message[message.len() - 32..].to_vec();
            seen.push(message);
            if attempt == 1 {
                stream.write_all(b"\x81\xa3ack\xd9\x20").await?;
                stream.write_all(&chunk).await?;
            }
        }
        std::io::Result::Ok(seen)
    });
    let mut forwarder = Forwarder::new(Arc::new(Ids::seeded([7; 32])), &options, RUNTIME_ID);
    forwarder.put(vec![line("one"), line("two")]).await;
    let seen = collector.await.expect("ends").expect("no error");
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].windows(3).any(|it| it == b"two"));
}

fn has_chunk(message: &[u8]) -> bool {
    let at = message.windows(6).position(|it| it == b"\xa5chunk");
    at.is_some_and(|at| message.len() == at + 6 + 2 + 32)
}
