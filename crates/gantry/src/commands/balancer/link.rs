//! The connection of an agent: lines of JSON in both directions.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::Result;
use domain::served_load_balancer::{BalancerNews, ServedLoadBalancer};
use runtime::hand_over::HAND_OVER;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long an agent may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// What an agent says.
pub enum Order {
    /// Serve this.
    Serve(Box<ServedLoadBalancer>),
    /// Hand the sockets over, to the connection that is given.
    HandOver(UnixStream),
}

/// A connection; the newest one is the agent's.
#[derive(Default)]
pub struct Link {
    connection: Option<(Lines<BufReader<OwnedReadHalf>>, OwnedWriteHalf)>,
    /// Until it has said what to serve it may yet want the sockets, and those come before anything else.
    has_spoken: bool,
}

impl Link {
    /// Waits for an agent.
    pub async fn accept(socket: &UnixListener) -> Result<Self> {
        let (stream, _) = socket.accept().await?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            connection: Some((BufReader::new(reader).lines(), writer)),
            has_spoken: false,
        })
    }

    /// Whether somebody may be there.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether somebody wants to hear what is new.
    pub fn listens(&self) -> bool {
        self.is_open() && self.has_spoken
    }

    /// What is to be done next; `None` if the agent is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Order> {
        loop {
            let (lines, _) = self.connection.as_mut()?;
            let Ok(Some(line)) = lines.next_line().await else {
                self.connection = None;
                return None;
            };
            if line == HAND_OVER {
                return self.take().map(Order::HandOver);
            }
            match serde_json::from_str(&line) {
                Ok(served) => {
                    self.has_spoken = true;
                    return Some(Order::Serve(Box::new(served)));
                }
                Err(error) => tracing::error!(%error, "what is to be served cannot be read"),
            }
        }
    }

    fn take(&mut self) -> Option<UnixStream> {
        let (lines, writer) = self.connection.take()?;
        let reader = lines.into_inner().into_inner();
        reader.reunite(writer).ok()?.into_std().ok()
    }

    /// Tells the agent what is new, if there is one.
    pub async fn tell(&mut self, news: Vec<BalancerNews>) {
        let Some((_, writer)) = self.connection.as_mut().filter(|_| !news.is_empty()) else {
            return;
        };
        let mut line = serde_json::to_vec(&news).unwrap_or_default();
        line.push(b'\n');
        if !matches!(timeout(WRITE_DEADLINE, writer.write_all(&line)).await, Ok(Ok(()))) {
            self.connection = None;
        }
    }
}
