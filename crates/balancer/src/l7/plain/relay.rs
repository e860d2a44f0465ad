//! A target's answer on its way to the client.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use domain::Timestamp;
use domain::clock::Clock;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::answer::{Answer, Body};
use super::client_stream::ClientStream;
use super::exchange::poll_gone;
use super::room::{Part, push, read_with, within};
use crate::outlier::Outcome;
use crate::target::InFlight;

/// The end of a body that ended with its connection.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// In place of trailers.
const EMPTY_LINE: &[u8] = b"\r\n";

/// An answer whose head is on its way.
pub(super) struct Begun {
    body: Body,
    is_over: bool,
    /// What the client has not taken yet.
    left: Vec<u8>,
    reusable: bool,
    pub(super) closes: bool,
    /// Whether the target answers that it has failed.
    pub(super) outcome: Outcome,
    /// When its head came.
    at: Instant,
}

impl Begun {
    /// Begins with the bytes of an answer's head and what came with it; none if the client takes nothing more.
    pub(super) fn new<S>(
        stream: &mut S,
        cx: &mut Context<'_>,
        answer: Answer,
        bytes: &[u8],
        closes: bool,
        (at, clock): (Instant, &dyn Clock),
    ) -> Option<Self>
    where
        S: ClientStream,
    {
        let mut head = answer.head;
        if !answer.has_date {
            date(&mut head, clock.now());
        }
        if closes {
            head.extend_from_slice(b"Connection: close\r\n");
        }
        head.extend_from_slice(b"\r\n");
        let mut begun = Self {
            body: answer.body,
            is_over: false,
            left: Vec::new(),
            reusable: answer.reusable,
            closes,
            outcome: match answer.is_failure {
                true => Outcome::Failed,
                false => Outcome::Answered,
            },
            at,
        };
        begun.pass(stream, cx, head, &bytes[answer.length..]).ok()?;
        Some(begun)
    }

    /// Passes on what came, behind a head if that has not gone before.
    fn pass<S>(&mut self, stream: &mut S, cx: &mut Context<'_>, head: Vec<u8>, bytes: &[u8]) -> io::Result<()>
    where
        S: ClientStream,
    {
        let broken = |_| io::Error::from(io::ErrorKind::InvalidData);
        let part = self.body.advance(bytes).map_err(broken)?;
        self.is_over = part.is_over;
        // something that nobody has asked for follows
        self.reusable &= part.used == bytes.len();
        let passed = &bytes[..part.before_trailers];
        self.left = match self.body {
            Body::UntilEnd if part.used > 0 => {
                push(stream, cx, [head, chunk(bytes)].concat(), Part::One(&[]))?
            }
            _ if part.is_over && self.body.has_trailers() => push(
                stream,
                cx,
                [&head[..], passed, EMPTY_LINE].concat(),
                Part::One(&[]),
            )?,
            _ if part.is_over && self.closes => push(stream, cx, head, Part::Last(passed))?,
            _ => push(stream, cx, head, Part::One(passed))?,
        };
        Ok(())
    }

    /// Takes what was read on; nothing is the end of the connection.
    fn go_on<S>(&mut self, stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<()>
    where
        S: ClientStream,
    {
        match self.body {
            Body::UntilEnd if bytes.is_empty() => {
                self.is_over = true;
                self.left = LAST_CHUNK.to_vec();
                Ok(())
            }
            _ if bytes.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => self.pass(stream, cx, Vec::new(), bytes),
        }
    }
}

/// Passes the rest of an answer on; since when the client has all of it, if it has. The target's connection is kept if it
/// can be.
pub(super) async fn relay<S>(
    stream: &mut S,
    mut line: TcpStream,
    timer: Pin<&mut Sleep>,
    idle: Duration,
    mut begun: Begun,
    (in_flight, early): (InFlight, &mut Vec<u8>),
) -> Option<Instant>
where
    S: ClientStream,
{
    let target = in_flight.target();
    let at_once = (begun.is_over && begun.left.is_empty()).then_some(begun.at);
    let relaying = pass_rest(stream, &mut line, timer, idle, (&mut begun, early));
    let is_whole = tokio::select! {
        biased;
        passed = relaying => passed.is_some(),
        () = target.gone.cancelled() => false,
    };
    let ended = is_whole.then(|| at_once.unwrap_or_else(Instant::now))?;
    if begun.reusable && !target.is_draining() {
        target.pool.plain.put(line, ended);
    }
    Some(ended)
}

async fn pass_rest<S>(
    stream: &mut S,
    line: &mut TcpStream,
    mut timer: Pin<&mut Sleep>,
    idle: Duration,
    (begun, early): (&mut Begun, &mut Vec<u8>),
) -> Option<()>
where
    S: ClientStream,
{
    loop {
        if !begun.left.is_empty() {
            let left = std::mem::take(&mut begun.left);
            let mut rest = left.as_slice();
            // A slow client that takes something each time is not idle.
            while !rest.is_empty() {
                let written = within(timer.as_mut(), idle, stream.write(rest)).await?.ok()?;
                if written == 0 {
                    return None;
                }
                rest = &rest[written..];
            }
        }
        if begun.is_over {
            // TLS may hold back what the socket does not take
            return within(timer, idle, stream.flush()).await?.ok();
        }
        stream.watch().ok()?;
        let reading = poll_fn(|cx| {
            // The target may be silent for long, and TLS holds something back.
            if let Poll::Ready(Err(error)) = Pin::new(&mut *stream).poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            let read = read_with(line, cx, |bytes, cx| begun.go_on(stream, cx, bytes));
            if read.is_pending() && poll_gone(stream, cx, early).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            read
        });
        within(timer.as_mut(), idle, reading).await?.ok()?.ok()?;
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(bytes.len() + 20);
    let written = write!(chunk, "{:x}\r\n", bytes.len());
    debug_assert!(written.is_ok(), "memory takes all");
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

thread_local! {
    /// The second that was written last, and how it is written.
    static WRITTEN: RefCell<(i64, Vec<u8>)> = const { RefCell::new((i64::MIN, Vec::new())) };
}

/// Adds the line of the date.
pub(super) fn date(head: &mut Vec<u8>, now: Timestamp) {
    WRITTEN.with_borrow_mut(|(second, line)| {
        if *second != now.as_second() {
            let printed = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
            *line = printed.map_or_else(|_| Vec::new(), |it| format!("Date: {it}\r\n").into_bytes());
            *second = now.as_second();
        }
        head.extend_from_slice(line);
    });
}
