//! Requests and answers on a kept-alive connection, read just far enough to know where an answer ends.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A kept-alive connection.
pub struct Exchange {
    stream: TcpStream,
    /// The last answer.
    answer: Vec<u8>,
}

impl Exchange {
    /// Connects to `host:port`.
    pub async fn to(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| host.to_owned())?;
        stream.set_nodelay(true)?;
        let answer = Vec::with_capacity(64 * 1024);
        Ok(Self { stream, answer })
    }

    /// Sends a signed request and gives the body of the answer, which must be a success.
    pub async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        timeout(DEADLINE, self.answered(request))
            .await
            .context("no answer in time")?
    }

    async fn answered(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let (head, end) = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the connection was closed");
            }
            if let Some(head) = head_length(&self.answer) {
                break (head, head + body_length(&self.answer[..head])?);
            }
        };
        while self.answer.len() < end {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the connection was closed");
            }
        }
        let body = &self.answer[head..end];
        if !self.answer.starts_with(b"HTTP/1.1 200 ") {
            bail!("{}", String::from_utf8_lossy(&self.answer[..end]));
        }
        Ok(body)
    }
}

fn head_length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n")?;
    Some(end + 4)
}

fn body_length(head: &[u8]) -> Result<usize> {
    const NAME: &[u8] = b"content-length: ";
    let value = head
        .split(|it| *it == b'\n')
        .filter_map(|line| line.split_at_checked(NAME.len()))
        .find_map(|(name, value)| name.eq_ignore_ascii_case(NAME).then_some(value))
        .context("the answer has no length")?;
    Ok(std::str::from_utf8(value)?.trim().parse()?)
}
