//! What stands between a client's connection and the parser of HTTP/1.1: it looks at heads before the parser does,
//! and ends connections on which nothing comes.
//!
//! A head that is refused is replaced by a harmless one, whose [`Ticket`] tells the handler what to answer. So answers
//! stay in order behind those of earlier requests, and refusals are logged like everything else.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use domain::load_balancer::DesyncMitigation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::chunks::Chunks;
use super::ending::Ending;
use super::gate::{Gate, Ticket};
use super::head::{self, Framing, Refusal};

/// What stands in for a head that is refused.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
/// How much is read from a client at once while a head is awaited, in bytes.
const READ: usize = 8 * 1024;

/// Where in the stream of a connection reading is.
enum State {
    /// In a head or before it; so much was searched already.
    Head { searched: usize },
    /// In a body of known length.
    Body(u64),
    /// In a body of chunks.
    Chunked(Chunks),
    /// Behind a request for another protocol that is not answered yet.
    Undecided,
    /// The connection speaks another protocol.
    Tunnel,
    /// The parser has the stand-in, which is the last request: it must not take the client for gone meanwhile.
    Refused,
    /// Nothing is read any more.
    Over,
}

/// A guarded connection.
pub(crate) struct Guard<S> {
    stream: S,
    gate: Arc<Gate>,
    mode: DesyncMitigation,
    idle: Duration,
    state: State,
    /// Read and not looked at.
    raw: BytesMut,
    /// Looked at, for the parser.
    passed: BytesMut,
    last_read: Instant,
    /// When the head that is being read began.
    head_began: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    ending: Ending,
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// A guard that begins with what was read `before` it came.
    pub(crate) fn new(
        stream: S,
        before: Vec<u8>,
        gate: Arc<Gate>,
        mode: DesyncMitigation,
        idle: Duration,
    ) -> Self {
        Self {
            stream,
            gate,
            mode,
            idle,
            state: State::Head { searched: 0 },
            raw: BytesMut::from(&before[..]),
            passed: BytesMut::new(),
            last_read: Instant::now(),
            head_began: None,
            timer: None,
            ending: Ending::default(),
            ended: false,
        }
    }

    /// Looks at what was read, as far as it goes.
    fn look(&mut self) {
        while !self.raw.is_empty() {
            match &mut self.state {
                State::Head { .. } => {
                    if !self.look_at_head() {
                        return;
                    }
                }
                State::Body(left) => {
                    let part = self.raw.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= part as u64;
                    self.passed.unsplit(self.raw.split_to(part));
                    if *left == 0 {
                        self.next_head();
                    }
                }
                State::Chunked(chunks) => match chunks.advance(&self.raw) {
                    Ok((part, ended)) => {
                        self.passed.unsplit(self.raw.split_to(part));
                        if ended {
                            self.next_head();
                        }
                    }
                    Err(_) => {
                        // the parser sees the end of the stream within a body: it passes no made-up end on
                        self.state = State::Over;
                    }
                },
                State::Undecided => return,
                State::Tunnel => self.passed.unsplit(self.raw.split()),
                State::Refused | State::Over => self.raw.clear(),
            }
        }
    }

    fn next_head(&mut self) {
        self.state = State::Head { searched: 0 };
        self.head_began = None;
    }

    /// Whether there is more to look at.
    fn look_at_head(&mut self) -> bool {
        let State::Head { searched } = &mut self.state else {
            return true;
        };
        if *searched == 0 {
            // one empty line before a request is forgiven by RFC 9112, and harmless
            while self.raw.starts_with(b"\r\n") {
                self.raw.advance(2);
            }
            if self.raw.is_empty() {
                return false;
            }
            self.head_began.get_or_insert_with(Instant::now);
        }
        let Some(end) = head::end(&self.raw, *searched) else {
            let before = std::mem::replace(searched, self.raw.len());
            let refusal = head::too_long(&self.raw).or_else(|| head::begins_badly(&self.raw, before));
            if let Some(refusal) = refusal {
                self.refuse(refusal);
            }
            return false;
        };
        match head::inspect(&self.raw[..end], self.mode) {
            Err(refusal) => self.refuse(refusal),
            Ok(head) => {
                let raw = self.raw.split_to(end);
                match &head.rewritten {
                    Some(written) => self.passed.extend_from_slice(written),
                    None => self.passed.unsplit(raw),
                }
                // with a body before it, another protocol is not begun
                self.state = match (head.framing, head.upgrades) {
                    (Framing::Length(0), true) => State::Undecided,
                    (Framing::Length(0), false) => State::Head { searched: 0 },
                    (Framing::Length(length), _) => State::Body(length),
                    (Framing::Chunked, _) => State::Chunked(Chunks::default()),
                };
                let undecided = matches!(self.state, State::Undecided);
                self.head_began = None;
                self.gate.push(Ticket {
                    undecided,
                    head_bytes: end as u64,
                    ..Ticket::passed(head.grade, head.reason)
                });
            }
        }
        true
    }

    /// Has the handler answer with a refusal, the last answer on this connection.
    fn refuse(&mut self, refusal: Refusal) {
        let first = self.raw[..].split(|it| *it == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(&first[..first.len().min(256)])
            .trim_end()
            .to_owned();
        let head_bytes = head::end(&self.raw, 0).unwrap_or(self.raw.len()) as u64;
        self.raw.clear();
        self.passed.extend_from_slice(STAND_IN);
        self.state = State::Refused;
        self.gate.push(Ticket {
            head_bytes,
            ..Ticket::refused(refusal, line)
        });
    }

    /// Ready when the client has been silent for too long where it ought to speak.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let searched = match &self.state {
            State::Head { searched } => *searched,
            _ => return Poll::Pending,
        };
        loop {
            let since = self
                .head_began
                .unwrap_or(self.last_read.max(self.gate.last_done()));
            let due = since + self.idle;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let busy = self.gate.is_busy() && searched == 0;
            if now >= due && !busy {
                return Poll::Ready(());
            }
            let next = if busy { now + self.idle } else { due };
            timer.as_mut().reset(next);
        }
    }

    /// Looks at the result of a write.
    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.gate.wrote(*bytes);
        }
        self.ending.watch_write(cx, self.idle, written)
    }

    fn silence_is_over(&mut self) {
        match self.state {
            State::Head { searched } if searched > 0 => self.refuse(Refusal::Slow),
            _ => self.state = State::Over,
        }
    }
}

impl<S> Drop for Guard<S> {
    fn drop(&mut self) {
        self.gate.over();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if matches!(this.state, State::Undecided) {
                match this.gate.poll_decision(cx) {
                    Poll::Ready(true) => this.state = State::Tunnel,
                    Poll::Ready(false) => this.next_head(),
                    Poll::Pending => {}
                }
            }
            this.look();
            if !this.passed.is_empty() {
                let part = this.passed.len().min(buf.remaining());
                buf.put_slice(&this.passed[..part]);
                this.passed.advance(part);
                if this.passed.is_empty() && this.raw.is_empty() {
                    // the memory serves the next head
                    std::mem::swap(&mut this.passed, &mut this.raw);
                }
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::Over => return Poll::Ready(Ok(())),
                State::Undecided | State::Refused => return Poll::Pending,
                State::Tunnel => return Pin::new(&mut this.stream).poll_read(cx, buf),
                // bodies go straight to the parser
                State::Body(_) | State::Chunked(_) if this.raw.is_empty() => return this.poll_body(cx, buf),
                _ => {}
            }
            match this.poll_more(cx) {
                Poll::Ready(Ok(0)) => {
                    this.ended = true;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    ready!(this.poll_silence(cx));
                    this.silence_is_over();
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Reads more to look at.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [std::mem::MaybeUninit::uninit(); READ];
        let mut part = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        self.raw.extend_from_slice(part.filled());
        self.last_read = Instant::now();
        Poll::Ready(Ok(part.filled().len()))
    }

    /// Reads a part of a body into the parser's memory, and takes back what follows the body.
    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.last_read = Instant::now();
        let read = &buf.filled()[before..];
        if read.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        let (part, over) = match &mut self.state {
            State::Body(left) => {
                let part = read.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= part as u64;
                (part, *left == 0)
            }
            State::Chunked(chunks) => match chunks.advance(read) {
                Ok(found) => found,
                Err(_) => {
                    // the parser sees the stream end within a body
                    self.state = State::Over;
                    (0, false)
                }
            },
            _ => (read.len(), false),
        };
        if !matches!(self.state, State::Over) {
            self.raw.extend_from_slice(&read[part..]);
        }
        buf.set_filled(before + part);
        if over {
            self.next_head();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.wrote(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        this.gate.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ending.lingers() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let between = matches!(this.state, State::Head { searched: 0 }) && this.raw.is_empty();
        if this.ended || between || matches!(this.state, State::Tunnel) {
            return Poll::Ready(Ok(()));
        }
        this.ending.poll_linger(cx, &mut this.stream).map(Ok)
    }
}
