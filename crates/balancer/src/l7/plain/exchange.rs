//! One plain request: to a target, and again to another where nothing came of it; then its answer back.

use std::future::poll_fn;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::answer::{self, BadAnswer};
use super::client_stream::ClientStream;
use super::relay::{Begun, date, relay};
use super::room::{read_with, until, within};
use super::route::Plain;
use crate::l7::answer::Fault;
use crate::l7::connection::Client;
use crate::l7::words::{Words, words};
use crate::outlier::Outcome;
use crate::target::InFlight;
use crate::upstream::{ConnectFault, Stream, connect};

/// How often a request is tried in all: it does no harm to do it twice.
const TRIES: usize = 3;
/// How long a client that is not watched waits for an answer before anybody looks whether it is still there.
const UNWATCHED: Duration = Duration::from_millis(100);
/// What a client may send before it is answered, in bytes; more is read later.
const EARLY_MAX: usize = 16 * 1024;

/// How an exchange ended.
pub(super) enum Done {
    /// The answer is with the client; `early` is what else it has sent.
    Answered {
        closes: bool,
        early: Vec<u8>,
        at: Instant,
    },
    /// Nothing was answered, and nobody minds if it is tried in another way.
    Unsent { early: Vec<u8> },
    /// The client's connection is of no use any more.
    Broken,
}

/// What came after a request was sent.
enum Heard {
    Begun(Begun),
    /// The connection ended before anything came.
    Ended,
    /// What came is no answer, or half of one: the request may have been done.
    Bad,
    ClientGone,
    Silence,
}

/// Two connections, and what is known of both.
struct Sides<'a, S> {
    client: &'a Client,
    plain: &'a Plain,
    stream: &'a mut S,
    early: Vec<u8>,
}

/// Passes a request on and its answer back.
pub(super) async fn exchange<S>(
    client: &Client,
    stream: &mut S,
    mut timer: Pin<&mut Sleep>,
    plain: &Plain,
) -> Done
where
    S: ClientStream,
{
    let early = Vec::new();
    let from = client.site.source(&plain.serving);
    let mut sides = Sides {
        client,
        plain,
        stream,
        early,
    };
    let mut at = plain.at;
    for attempt in 1..=TRIES {
        let Some(in_flight) = sides.choose(at) else {
            return match attempt {
                1 => Done::Unsent { early: sides.early },
                // somebody was there, and has failed
                _ => sides.fault(timer, Fault::TargetClosed).await,
            };
        };
        let target = in_flight.target();
        // the last try does not rely on a connection that may be closing
        let kept = target.pool.plain.take(at).filter(|_| attempt < TRIES);
        let is_reused = kept.is_some();
        let mut line = match kept {
            Some(line) => line,
            None => match Box::pin(connect(from, target.address(), None)).await {
                Ok(Stream::Plain(line)) => {
                    at = Instant::now();
                    line
                }
                Err(fault) => {
                    target.anomaly.note(Outcome::Failed);
                    match fault {
                        ConnectFault::Timeout => return sides.fault(timer, Fault::Timeout).await,
                        // nobody was left meanwhile
                        _ if sides.choose(Instant::now()).is_none() => {
                            return sides.fault(timer, Fault::BadGateway).await;
                        }
                        // the other way knows when another target may help
                        _ => return Done::Unsent { early: sides.early },
                    }
                }
                Ok(Stream::Tls(_)) => return Done::Unsent { early: sides.early },
            },
        };
        match sides.ask(&mut line, timer.as_mut(), &in_flight, at).await {
            Heard::Begun(begun) => {
                target.anomaly.note(begun.outcome);
                let closes = begun.closes;
                let rest = (in_flight, &mut sides.early);
                let ended = relay(sides.stream, line, timer, plain.idle_time(), begun, rest).await;
                let Some(at) = ended else {
                    return Done::Broken;
                };
                let early = sides.early;
                return Done::Answered { closes, early, at };
            }
            Heard::Ended if is_reused => at = Instant::now(),
            Heard::ClientGone => return Done::Broken,
            failed => {
                target.anomaly.note(Outcome::Failed);
                let fault = match failed {
                    Heard::Silence => Fault::Timeout,
                    Heard::Ended => Fault::TargetClosed,
                    _ => Fault::BadGateway,
                };
                return sides.fault(timer, fault).await;
            }
        }
    }
    sides.fault(timer, Fault::BadGateway).await
}

impl<S> Sides<'_, S>
where
    S: ClientStream,
{
    fn choose(&self, at: Instant) -> Option<InFlight> {
        let (site, group) = (&self.client.site, &self.plain.group);
        let zone = self.plain.serving.only_zone(&group.members(), &site.zone);
        group.pick(zone, &site.shared.dice, site.shared.ms_at(at))
    }

    /// Sends the request, at a time, and waits for the head of its answer.
    async fn ask(
        &mut self,
        line: &mut TcpStream,
        mut timer: Pin<&mut Sleep>,
        in_flight: &InFlight,
        at: Instant,
    ) -> Heard {
        let idle = self.plain.idle_time();
        let mut gone = pin!(in_flight.target().gone.cancelled());
        let asking = async {
            match until(timer.as_mut(), || at + idle, line.write_all(self.plain.head())).await {
                Some(Ok(())) => self.await_answer(line, timer, at).await,
                Some(Err(_)) => Heard::Ended,
                None => Heard::Silence,
            }
        };
        tokio::select! {
            biased;
            heard = asking => heard,
            // cut off after its delay: it may have done all of what another one would do again
            () = gone.as_mut() => Heard::Bad,
        }
    }

    /// Waits for the head of an answer to what was sent at a time. Most are there before anybody has to look whether the
    /// client still is.
    async fn await_answer(&mut self, line: &mut TcpStream, mut timer: Pin<&mut Sleep>, at: Instant) -> Heard {
        let idle = self.plain.idle_time();
        let mut before = Vec::new();
        if !self.stream.is_watched() {
            let answer = poll_fn(|cx| self.poll_answer(cx, line, &mut before));
            if let Some(heard) = until(timer.as_mut(), || at + UNWATCHED.min(idle), answer).await {
                return heard;
            }
            if self.stream.watch().is_err() {
                return Heard::ClientGone;
            }
        }
        let answer = poll_fn(|cx| self.poll_answer(cx, line, &mut before));
        let heard = until(timer, || at + idle, answer).await;
        heard.unwrap_or(Heard::Silence)
    }

    /// Reads until there is a head, and passes it on with what follows it. `before` is what there is of it.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        line: &mut TcpStream,
        before: &mut Vec<u8>,
    ) -> Poll<Heard> {
        while let Poll::Ready(read) = read_with(line, cx, |bytes, cx| self.heard(cx, bytes, before)) {
            if let Some(heard) = read.unwrap_or(Some(Heard::Ended)) {
                return Poll::Ready(heard);
            }
        }
        match poll_gone(self.stream, cx, &mut self.early) {
            Poll::Ready(()) => Poll::Ready(Heard::ClientGone),
            Poll::Pending => Poll::Pending,
        }
    }

    fn heard(&mut self, cx: &mut Context<'_>, bytes: &[u8], before: &mut Vec<u8>) -> Option<Heard> {
        if bytes.is_empty() {
            return Some(match before.is_empty() {
                true => Heard::Ended,
                false => Heard::Bad,
            });
        }
        if before.is_empty() {
            return self.begin(cx, bytes, before);
        }
        let mut all = std::mem::take(before);
        all.extend_from_slice(bytes);
        self.begin(cx, &all, before)
    }

    /// Begins to answer, if there is a whole head.
    fn begin(&mut self, cx: &mut Context<'_>, mut bytes: &[u8], before: &mut Vec<u8>) -> Option<Heard> {
        let answer = loop {
            match answer::read(bytes, self.plain.is_head) {
                Err(BadAnswer) => return Some(Heard::Bad),
                Ok(None) => {
                    *before = bytes.to_vec();
                    return None;
                }
                // nobody has asked for one
                Ok(Some(answer)) if answer.switches => return Some(Heard::Bad),
                Ok(Some(answer)) if answer.is_interim => bytes = &bytes[answer.length..],
                Ok(Some(answer)) => break answer,
            }
        };
        let at = Instant::now();
        let closes = self.plain.closes || self.client.has_lived(&self.plain.serving, at);
        let clock = &*self.client.site.shared.clock;
        let begun = Begun::new(self.stream, cx, answer, bytes, closes, (at, clock));
        Some(begun.map_or(Heard::ClientGone, Heard::Begun))
    }

    /// Answers by itself, as the other way does.
    async fn fault(self, timer: Pin<&mut Sleep>, fault: Fault) -> Done {
        let is_classic = self.plain.serving.plan.load_balancer.is_classic;
        let Words {
            status, reason, page, ..
        } = words(fault, is_classic);
        let at = Instant::now();
        let closes = self.plain.closes || self.client.has_lived(&self.plain.serving, at);
        let server = match is_classic {
            true => "",
            false => "Server: awselb/2.0\r\nContent-Type: text/html\r\n",
        };
        let connection = match (closes, is_classic) {
            (true, _) => "Connection: close\r\n",
            (false, true) => "Connection: keep-alive\r\n",
            (false, false) => "",
        };
        let page = page.unwrap_or_default();
        let length = page.len();
        let mut answer =
            format!("HTTP/1.1 {status} {reason}\r\n{server}Content-Length: {length}\r\n{connection}")
                .into_bytes();
        date(&mut answer, self.client.site.shared.clock.now());
        let body = if self.plain.is_head { "" } else { &page };
        let written = write!(answer, "\r\n{body}");
        debug_assert!(written.is_ok(), "memory takes all");
        let stream = self.stream;
        let writing = async {
            stream.write_all(&answer).await?;
            stream.flush().await
        };
        match within(timer, self.plain.idle_time(), writing).await {
            Some(Ok(())) => Done::Answered {
                closes,
                early: self.early,
                at,
            },
            _ => Done::Broken,
        }
    }
}

/// Ready when the client is gone; what else it sends is kept.
pub(super) fn poll_gone<S: ClientStream>(
    stream: &mut S,
    cx: &mut Context<'_>,
    early: &mut Vec<u8>,
) -> Poll<()> {
    while early.len() < EARLY_MAX && stream.is_watched() {
        let read = read_with(stream, cx, |bytes, _| {
            early.extend_from_slice(bytes);
            !bytes.is_empty()
        });
        match read {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
    Poll::Pending
}
