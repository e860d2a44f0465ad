//! The connection of an agent: lines of JSON in both directions.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::Result;
use domain::served_load_balancer::{BalancerNews, ServedLoadBalancer};
use runtime::hand_over::HAND_OVER;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout_at};

/// How long an agent may take to read what it is told.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// What an agent says.
pub enum Order {
    /// Serve this.
    Serve(Box<ServedLoadBalancer>),
    /// Hand the sockets over, to the connection that is given.
    HandOver(UnixStream),
    /// Nothing: what it was told it has taken, and it may be told more.
    Told,
}

/// A connection; the newest one is the agent's.
#[derive(Default)]
pub struct Link {
    connection: Option<(Lines<BufReader<OwnedReadHalf>>, OwnedWriteHalf)>,
    /// Until it has said what to serve it may yet want the sockets, and those come before anything else.
    has_spoken: bool,
    /// What it has not taken yet of what it is told, and until when it may.
    left: Option<(Vec<u8>, Instant)>,
}

impl Link {
    /// Waits for an agent.
    pub async fn accept(socket: &UnixListener) -> Result<Self> {
        let (stream, _) = socket.accept().await?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            connection: Some((BufReader::new(reader).lines(), writer)),
            has_spoken: false,
            left: None,
        })
    }

    /// Whether somebody may be there.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether somebody wants to hear what is new, and has taken what was new before.
    pub fn listens(&self) -> bool {
        self.is_open() && self.has_spoken && self.left.is_none()
    }

    /// What is to be done next; `None` if the agent is gone, or takes nothing. Meanwhile it is given what it is told.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Order> {
        loop {
            let (lines, writer) = self.connection.as_mut()?;
            let line = tokio::select! {
                line = lines.next_line() => line,
                is_taken = give(writer, &mut self.left) => match is_taken {
                    true => return Some(Order::Told),
                    false => Ok(None),
                },
            };
            let Ok(Some(line)) = line else {
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

    /// Tells the agent what is new, if there is one that wants to hear it: it gets it by and by. Whoever asks before
    /// whether it [`listens`](Self::listens) keeps little waiting here.
    pub fn tell(&mut self, news: &[BalancerNews]) {
        if news.is_empty() || !self.is_open() || !self.has_spoken {
            return;
        }
        let line = serde_json::to_vec(news).unwrap_or_default();
        let until = Instant::now() + WRITE_DEADLINE;
        let (left, _) = self.left.get_or_insert_with(|| (Vec::new(), until));
        left.extend(line);
        left.push(b'\n');
    }
}

/// Writes what is left; whether it was taken in time. Dropping the future loses nothing.
async fn give(writer: &mut OwnedWriteHalf, left: &mut Option<(Vec<u8>, Instant)>) -> bool {
    let Some((line, deadline)) = left else {
        return std::future::pending().await;
    };
    while !line.is_empty() {
        match timeout_at(*deadline, writer.write(line)).await {
            Ok(Ok(written)) if written > 0 => drop(line.drain(..written)),
            _ => return false,
        }
    }
    *left = None;
    true
}

#[cfg(test)]
mod tests;
