//! Lines of syslog, and daemons on loopback.

use std::sync::Arc;

use domain::ids::Ids;
use jiff::Timestamp;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket, UnixDatagram};

use super::{Sender, SyslogOptions, format, open};
use crate::host::{ContainerSpec, LogLine, OutputStream};
use crate::log_drivers::follower::Sink;
use crate::log_drivers::options::Options;
use crate::tasks::payload::Refusal;

fn parse(options: &[(&str, &str)]) -> Result<SyslogOptions, Refusal> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    SyslogOptions::parse(
        &mut Options(options.iter().map(owned).collect()),
        &ContainerSpec::default(),
    )
}

fn line(message: &str, stream: OutputStream) -> LogLine {
    LogLine {
        timestamp: Timestamp::new(1_700_000_000, 42_000).expect("a time"),
        message: message.to_owned(),
        stream,
        position: 0,
    }
}

#[test]
fn a_line_is_as_its_format_says() {
    for (format, facility, expected) in [
        ("", "", "<30>Nov 14 22:13:20 app[7]: hi\n"),
        ("rfc3164", "local0", "<134>Nov 14 22:13:20 here app[7]: hi\n"),
        (
            "rfc5424",
            "16",
            "<134>1 2023-11-14T22:13:20Z here app 7 app - hi\n",
        ),
        (
            "rfc5424micro",
            "",
            "<30>1 2023-11-14T22:13:20.000042Z here app 7 app - hi\n",
        ),
    ] {
        let options = parse(&[("syslog-format", format), ("syslog-facility", facility)]).expect(format);
        let text = format::line(&options, "here", "app", 7, &line("hi", OutputStream::Stdout));
        assert_eq!(text, expected);
    }
    let options = parse(&[]).expect("no options");
    let text = format::line(&options, "here", "app", 7, &line("hi", OutputStream::Stderr));
    assert!(text.starts_with("<27>"), "{text}");
}

#[test]
fn options_without_sense_are_refused() {
    for (name, value) in [
        ("syslog-address", "tcp+tls://host:6514"),
        ("syslog-address", "unix://relative"),
        ("syslog-address", "udp://"),
        ("syslog-facility", "local9"),
        ("syslog-facility", "24"),
        ("syslog-format", "rfc1"),
    ] {
        assert!(parse(&[(name, value)]).is_err(), "{name}={value}");
    }
}

async fn send(address: &str) {
    let options = parse(&[("syslog-address", address), ("tag", "app")]).expect("options");
    assert_eq!(open(&options).await, Ok(()));
    let mut sender = Sender::new(Arc::new(Ids::seeded([7; 32])), &options, "id");
    sender
        .put(vec![
            line("one", OutputStream::Stdout),
            line("two", OutputStream::Stderr),
        ])
        .await;
}

#[tokio::test]
async fn lines_reach_a_daemon_by_datagrams() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = socket.local_addr().expect("bound").port();
    send(&format!("udp://127.0.0.1:{port}")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let unix = UnixDatagram::bind(&path).expect("a socket");
    send(&format!("unixgram://{}", path.display())).await;
    let mut buffer = [0; 200];
    for expected in ["one\n", "two\n"] {
        let length = socket.recv(&mut buffer).await.expect("a datagram");
        assert!(buffer[..length].ends_with(expected.as_bytes()));
        let length = unix.recv(&mut buffer).await.expect("a datagram");
        assert!(buffer[..length].ends_with(expected.as_bytes()));
    }
}

#[tokio::test]
async fn lines_reach_a_daemon_by_a_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    send(&format!("tcp://127.0.0.1:{port}")).await;
    // The first connection only saw whether somebody is there.
    drop(listener.accept().await.expect("a caller"));
    let (mut stream, _) = listener.accept().await.expect("a caller");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("text");
    let lines: Vec<&str> = text.lines().filter_map(|it| it.split("]: ").nth(1)).collect();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test]
async fn nobody_there_fails_the_task() {
    let options = parse(&[("syslog-address", "unix:///nowhere/log")]).expect("options");
    let error = open(&options).await.expect_err("no socket");
    assert!(
        error.contains("failed to initialize logging driver: dial unix /nowhere/log"),
        "{error}"
    );
}
