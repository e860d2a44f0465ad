//! The connection of an agent: lines of JSON in both directions.

use std::time::Duration;

use anyhow::Result;
use domain::served_load_balancer::{BalancerNews, ServedLoadBalancer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long an agent may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// A connection; the newest one is the agent's.
pub struct Link(Option<(Lines<BufReader<OwnedReadHalf>>, OwnedWriteHalf)>);

impl Link {
    /// Waits for an agent.
    pub async fn accept(socket: &UnixListener) -> Result<Self> {
        let (stream, _) = socket.accept().await?;
        let (reader, writer) = stream.into_split();
        Ok(Self(Some((BufReader::new(reader).lines(), writer))))
    }

    /// Whether somebody may be there.
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// What is to be served next; `None` if the agent is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<ServedLoadBalancer> {
        loop {
            let (lines, _) = self.0.as_mut()?;
            let Ok(Some(line)) = lines.next_line().await else {
                self.0 = None;
                return None;
            };
            match serde_json::from_str(&line) {
                Ok(served) => return Some(served),
                Err(error) => tracing::error!(%error, "what is to be served cannot be read"),
            }
        }
    }

    /// Tells the agent what is new, if there is one.
    pub async fn tell(&mut self, news: Vec<BalancerNews>) {
        let Some((_, writer)) = self.0.as_mut().filter(|_| !news.is_empty()) else {
            return;
        };
        let mut line = serde_json::to_vec(&news).unwrap_or_default();
        line.push(b'\n');
        if !matches!(timeout(WRITE_DEADLINE, writer.write_all(&line)).await, Ok(Ok(()))) {
            self.0 = None;
        }
    }
}
