//! The short way for requests that need nothing special: a head of HTTP/1.1 without a body, to a target in the clear.
//!
//! Heads are read, checked and passed on as they came, on the sockets themselves; nothing is parsed into maps, and a
//! connection on which nothing happens holds no memory for it. Whatever else comes, a connection leaves this way for
//! good and goes on behind the [`guard`](super::guard) with hyper, beginning with what was read and not passed on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Sleep;

use self::exchange::{Done, exchange};
use self::room::{read_with, within};
use self::route::{First, Plain};
use super::connection::Client;

mod answer;
mod exchange;
mod relay;
mod request;
mod room;
mod route;

/// How long the last words of TLS may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a connection is served no longer.
pub(super) enum Rest {
    /// This was read of a request that is not plain.
    Request(Vec<u8>),
    /// It is over.
    Over,
    /// Nothing has come for as long as was said; if nothing comes for as long as this, it is over.
    Silence(Duration),
}

/// Serves requests as long as they are plain, and none has to be waited for longer than `patience`.
pub(super) async fn serve<S>(client: &Arc<Client>, stream: &mut S, patience: Duration) -> Rest
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let rest = serve_plain(client, stream, patience).await.unwrap_or(Rest::Over);
    if matches!(rest, Rest::Over) && client.tls.is_some() {
        let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
    }
    rest
}

async fn serve_plain<S>(client: &Arc<Client>, stream: &mut S, patience: Duration) -> Option<Rest>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let mut stopped = pin!(client.site.stop.cancelled());
    let mut timer = pin!(tokio::time::sleep(idle_time(client).min(patience)));
    loop {
        let idle = idle_time(client);
        let reading = poll_fn(|cx| read_with(stream, cx, |bytes, _| route::first(client, bytes)));
        let first = tokio::select! {
            biased;
            first = within(timer.as_mut(), idle.min(patience), reading) => first,
            () = stopped.as_mut() => return None,
        };
        let plain = match first {
            None if idle > patience => return Some(Rest::Silence(idle - patience)),
            None => return None,
            Some(first) => match first.ok()?? {
                First::Other(bytes) => return Some(Rest::Request(bytes)),
                First::Plain(plain) => plain,
            },
        };
        if let Some(bytes) = pass(client, stream, timer.as_mut(), plain).await? {
            return Some(Rest::Request(bytes));
        }
    }
}

/// Passes a request on and its answer back: what else was read meanwhile, or none if the connection is over. What was
/// not sent is given back for another way.
async fn pass<S>(
    client: &Client,
    stream: &mut S,
    timer: Pin<&mut Sleep>,
    plain: Plain,
) -> Option<Option<Vec<u8>>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    // its state is larger than that of an idle connection
    match Box::pin(exchange(client, stream, timer, &plain)).await {
        Done::Unsent { early } => Some(Some([plain.into_raw(), early].concat())),
        Done::Answered { closes: false, early } => Some((!early.is_empty()).then_some(early)),
        Done::Answered { closes: true, .. } | Done::Broken => None,
    }
}

fn idle_time(client: &Client) -> Duration {
    client.site.serving().plan.load_balancer.idle_timeout
}
