//! The `syslog` driver: sends a container's output to a syslog daemon.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::Ids;
use tokio::io::AsyncWriteExt;
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::time::timeout;

use super::address::{self, Address, Connection};
use super::follower::{BACKOFF, Sink};
use crate::backoff::random;
use crate::host::LogLine;

mod format;
mod options;

#[cfg(test)]
mod tests;

pub use options::SyslogOptions;

/// Attempts at sending a line before it is lost; with the pauses about three minutes.
const SEND_ATTEMPTS: u32 = 24;
/// How long a line may take to be written.
const LINE_DEADLINE: Duration = Duration::from_secs(10);

/// Makes sure that the daemon can be reached.
///
/// # Errors
/// The reason for which the task fails, in Docker's words.
pub async fn open(options: &SyslogOptions) -> Result<(), String> {
    let connected = connect(&options.address).await.map(drop);
    connected.map_err(|error| {
        format!("CannotStartContainerError: failed to create task for container: failed to initialize logging driver: {error}")
    })
}

enum Daemon {
    Stream(Box<dyn Connection>),
    Udp(UdpSocket),
    UnixDatagram(UnixDatagram),
}

async fn connect(address: &Address) -> Result<Daemon, String> {
    match address {
        Address::Tcp(host) => address::connect_tcp(host).await.map(Daemon::Stream),
        Address::Unix(path) => address::connect_unix(path).await.map(Daemon::Stream),
        Address::Udp(host) => {
            let told = |error: std::io::Error| format!("dial udp {host}: {error}");
            let socket = UdpSocket::bind("0.0.0.0:0").await.map_err(told)?;
            socket.connect(host).await.map_err(told)?;
            Ok(Daemon::Udp(socket))
        }
        Address::UnixDatagram(path) => {
            let told = |error: std::io::Error| format!("dial unixgram {}: {error}", path.display());
            let socket = UnixDatagram::unbound().map_err(told)?;
            socket.connect(path).map_err(told)?;
            Ok(Daemon::UnixDatagram(socket))
        }
    }
}

impl Daemon {
    async fn send(&mut self, line: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Stream(connection) => {
                connection.write_all(line).await?;
                connection.flush().await
            }
            Self::Udp(socket) => socket.send(line).await.map(drop),
            Self::UnixDatagram(socket) => socket.send(line).await.map(drop),
        }
    }
}

/// Where the output of one container goes.
pub struct Sender {
    options: SyslogOptions,
    ids: Arc<Ids>,
    tag: String,
    hostname: String,
    daemon: Option<Daemon>,
}

impl Sender {
    /// The sender of a container.
    pub fn new(ids: Arc<Ids>, options: &SyslogOptions, runtime_id: &str) -> Self {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            options: options.clone(),
            ids,
            tag: options.tag.of(runtime_id),
            hostname: hostname.trim().to_owned(),
            daemon: None,
        }
    }

    async fn send(&mut self, line: &[u8]) -> Result<(), String> {
        let mut daemon = match self.daemon.take() {
            Some(daemon) => daemon,
            None => connect(&self.options.address).await?,
        };
        match timeout(LINE_DEADLINE, daemon.send(line)).await {
            Ok(Ok(())) => {
                self.daemon = Some(daemon);
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("i/o timeout".to_owned()),
        }
    }
}

#[async_trait]
impl Sink for Sender {
    async fn put(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            let sent = format::line(
                &self.options,
                &self.hostname,
                &self.tag,
                std::process::id(),
                &line,
            );
            for failures in 1.. {
                let Err(error) = self.send(sent.as_bytes()).await else {
                    break;
                };
                if failures == SEND_ATTEMPTS {
                    tracing::error!(tag = self.tag, error, "a line of output is lost");
                    break;
                }
                tracing::warn!(tag = self.tag, error, "output not sent to syslog yet");
                tokio::time::sleep(BACKOFF.pause(failures, random(&self.ids))).await;
            }
        }
    }

    async fn finish(&mut self) {}

    fn held_back(&self) -> Option<u64> {
        None
    }
}
