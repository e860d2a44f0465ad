//! Connections to one target that speak HTTP, kept for the next request.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::lines::Lines;
use super::{ConnectFault, Source, connect};
use crate::l7::body::RequestBody;
use crate::target::Target;

/// Idle connections kept for one target.
pub(super) const IDLE_MAX: usize = 256;
/// How long one waits for work; targets' own limits are often 60 s or more.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(50);
/// Headers of an answer may be this long, in bytes, as Amazon's.
const ANSWER_HEAD_MAX: usize = 32 * 1024;
/// So many of the shortest kind.
const ANSWER_LINES_MAX: usize = ANSWER_HEAD_MAX / "a:\r\n".len();

/// Connections to a target that wait for work.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    /// One connection of HTTP/2 takes all requests.
    shared: Mutex<Option<(http2::SendRequest<RequestBody>, AbortHandle)>>,
    /// Those of requests that go the short way.
    pub(crate) plain: Lines,
}

struct Idle {
    line: Line,
    since: Instant,
}

/// A connection of HTTP/1.1.
pub(crate) struct Line {
    sender: http1::SendRequest<RequestBody>,
    driver: AbortHandle,
}

/// A connection in use by one request. Dropped before [`Lease::give_back`] or [`Lease::let_go`], it is cut off, for
/// then an answer may still be under way on it.
pub(crate) enum Lease {
    Own {
        line: Option<Line>,
        reused: bool,
    },
    Shared {
        sender: http2::SendRequest<RequestBody>,
        reused: bool,
    },
}

/// Why a request has got no answer.
pub(crate) enum SendFault {
    /// Nothing of it was sent: here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// The connection ended.
    Ended,
    /// What came is no answer.
    Garbled,
}

impl Pool {
    /// Cuts all that wait off.
    pub(crate) fn clear(&self) {
        for idle in self.idle.lock().drain(..) {
            idle.line.driver.abort();
        }
        self.plain.clear();
        // requests in flight end on it by themselves
        self.shared.lock().take();
    }

    /// Cuts off what has waited too long.
    pub(crate) fn sweep(&self, now: Instant) {
        self.plain.sweep(now);
        self.idle.lock().retain(|idle| {
            let keeps = now.duration_since(idle.since) < IDLE_TIME && !idle.line.sender.is_closed();
            if !keeps {
                idle.line.driver.abort();
            }
            keeps
        });
    }

    /// One that waits, the last used first.
    pub(crate) fn take(&self) -> Option<Lease> {
        let mut idle = self.idle.lock();
        while let Some(Idle { line, since }) = idle.pop() {
            if line.sender.is_ready() && since.elapsed() < IDLE_TIME {
                return Some(Lease::Own {
                    line: Some(line),
                    reused: true,
                });
            }
            line.driver.abort();
        }
        drop(idle);
        let mut shared = self.shared.lock();
        match &*shared {
            Some((sender, _)) if !sender.is_closed() => Some(Lease::Shared {
                sender: sender.clone(),
                reused: true,
            }),
            _ => {
                *shared = None;
                None
            }
        }
    }

    fn put(&self, line: Line) {
        let mut idle = self.idle.lock();
        if idle.len() >= IDLE_MAX || line.sender.is_closed() {
            line.driver.abort();
            return;
        }
        idle.push(Idle {
            line,
            since: Instant::now(),
        });
    }

    /// Makes a connection, from an address if there are several.
    pub(crate) async fn open(
        from: Source,
        target: &Arc<Target>,
        tls: Option<&Arc<rustls::ClientConfig>>,
        http2: bool,
    ) -> Result<Lease, ConnectFault> {
        let stream = connect(from, target.address(), tls).await?;
        let broken = |error: hyper::Error| ConnectFault::Refused(std::io::Error::other(error));
        let gone = target.gone.clone();
        if http2 || stream.speaks_http2() {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(4 << 20)
                .max_header_list_size(ANSWER_HEAD_MAX as u32)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(broken)?;
            let driver = tokio::spawn(async move {
                gone.run_until_cancelled(connection).await;
            });
            *target.pool.shared.lock() = Some((sender.clone(), driver.abort_handle()));
            return Ok(Lease::Shared {
                sender,
                reused: false,
            });
        }
        let (sender, connection) = http1::Builder::new()
            .max_header_size(ANSWER_HEAD_MAX)
            .max_headers(ANSWER_LINES_MAX)
            .preserve_header_case(true)
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let driver = tokio::spawn(async move {
            gone.run_until_cancelled(connection.with_upgrades()).await;
        });
        let line = Line {
            sender,
            driver: driver.abort_handle(),
        };
        Ok(Lease::Own {
            line: Some(line),
            reused: false,
        })
    }
}

impl Lease {
    /// Whether it had served another request before.
    pub(crate) fn is_reused(&self) -> bool {
        match self {
            Self::Own { reused, .. } | Self::Shared { reused, .. } => *reused,
        }
    }

    /// Whether it speaks HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Shared { .. })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, SendFault> {
        let sent = match self {
            Self::Own { line: Some(line), .. } => line.sender.try_send_request(request).await,
            Self::Own { line: None, .. } => return Err(SendFault::Unsent(Box::new(request))),
            Self::Shared { sender, .. } => {
                if let Err(_closed) = sender.ready().await {
                    return Err(SendFault::Unsent(Box::new(request)));
                }
                sender.try_send_request(request).await
            }
        };
        sent.map_err(|mut error| match error.take_message() {
            Some(request) => SendFault::Unsent(Box::new(request)),
            None => {
                tracing::debug!(error = %error.error(), "no answer from a target");
                match error.error().is_parse() {
                    true => SendFault::Garbled,
                    false => SendFault::Ended,
                }
            }
        })
    }

    /// The answer was read to its end: the connection can take the next request.
    pub(crate) fn give_back(mut self, pool: &Pool) {
        if let Self::Own { line, .. } = &mut self
            && let Some(line) = line.take()
        {
            pool.put(line);
        }
    }

    /// The connection lives on without HTTP.
    pub(crate) fn let_go(mut self) {
        if let Self::Own { line, .. } = &mut self {
            // the driver ends by itself
            line.take();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Self::Own { line: Some(line), .. } = self {
            line.driver.abort();
        }
    }
}
