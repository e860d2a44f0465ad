//! The `fluentd` driver: sends a container's output to a collector by the forward protocol.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::Ids;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::address::{self, Connection};
use super::follower::{BACKOFF, Sink};
use crate::backoff::random;
use crate::host::LogLine;

mod forward;
mod options;

#[cfg(test)]
mod tests;

pub use options::FluentdOptions;

/// Lines in one message.
const LINES_MAX: usize = 1000;
/// Attempts at sending a message before its lines are lost; with the pauses about three minutes.
const SEND_ATTEMPTS: u32 = 24;
/// The same to a log router that was there before: it has probably ended with its task.
const SEND_ATTEMPTS_AT_ROUTER: u32 = 6;
/// How long a message may take to be written, and to be acknowledged.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(10);
/// An acknowledgement is a map of one short text.
const ACKNOWLEDGEMENT_BYTES_MAX: usize = 1024;

/// Where the collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collector {
    /// `host:port`.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Collector {
    async fn connect(&self) -> Result<Box<dyn Connection>, String> {
        match self {
            Self::Tcp(host) => address::connect_tcp(host).await,
            Self::Unix(path) => address::connect_unix(path).await,
        }
    }
}

/// Makes sure that the collector is there, unless the container may start without it.
///
/// # Errors
/// The reason for which the task fails, in Docker's words.
pub async fn open(options: &FluentdOptions) -> Result<(), String> {
    if options.is_async {
        return Ok(());
    }
    let connected = options.collector.connect().await.map(drop);
    connected.map_err(|error| {
        format!("CannotStartContainerError: failed to create task for container: failed to initialize logging driver: {error}")
    })
}

/// Where the output of one container goes.
pub struct Forwarder {
    options: FluentdOptions,
    ids: Arc<Ids>,
    tag: String,
    runtime_id: String,
    was_connected: bool,
    connection: Option<Box<dyn Connection>>,
}

impl Forwarder {
    /// The forwarder of a container.
    pub fn new(ids: Arc<Ids>, options: &FluentdOptions, runtime_id: &str) -> Self {
        Self {
            options: options.clone(),
            ids,
            tag: options.tag.of(runtime_id),
            runtime_id: runtime_id.to_owned(),
            was_connected: false,
            connection: None,
        }
    }

    fn attempts(&self) -> u32 {
        match self.options.is_router && self.was_connected {
            true => SEND_ATTEMPTS_AT_ROUTER,
            false => SEND_ATTEMPTS,
        }
    }

    async fn send(&mut self, message: &forward::Message) -> Result<(), String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.collector.connect().await?,
        };
        self.was_connected = true;
        let exchange = async {
            connection.write_all(&message.bytes).await?;
            connection.flush().await?;
            match &message.chunk {
                Some(chunk) => acknowledged(&mut connection, chunk).await,
                None => Ok(()),
            }
        };
        match timeout(MESSAGE_DEADLINE, exchange).await {
            Ok(Ok(())) => {
                self.connection = Some(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("i/o timeout".to_owned()),
        }
    }
}

/// Waits until the collector has named the chunk.
async fn acknowledged(connection: &mut Box<dyn Connection>, chunk: &str) -> std::io::Result<()> {
    let mut answer = Vec::new();
    while !forward::is_acknowledgement(&answer, chunk) {
        if answer.len() > ACKNOWLEDGEMENT_BYTES_MAX || connection.read_buf(&mut answer).await? == 0 {
            return Err(std::io::Error::other("the collector acknowledged nothing"));
        }
    }
    Ok(())
}

#[async_trait]
impl Sink for Forwarder {
    async fn put(&mut self, lines: Vec<LogLine>) {
        for lines in lines.chunks(LINES_MAX) {
            let chunk = self.options.wants_acknowledgement.then(|| self.ids.hex_32());
            let message = forward::message(&self.options, &self.tag, &self.runtime_id, lines, chunk);
            for failures in 1.. {
                let Err(error) = self.send(&message).await else {
                    break;
                };
                if failures >= self.attempts() {
                    tracing::error!(tag = self.tag, error, lines = lines.len(), "output is lost");
                    break;
                }
                tracing::warn!(tag = self.tag, error, "output not forwarded yet");
                tokio::time::sleep(BACKOFF.pause(failures, random(&self.ids))).await;
            }
        }
    }

    async fn finish(&mut self) {}

    fn held_back(&self) -> Option<u64> {
        None
    }
}
