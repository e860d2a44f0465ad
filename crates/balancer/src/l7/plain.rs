//! The short way for requests that need nothing special: a head of HTTP/1.1 without a body, to a target in the clear.
//!
//! Heads are read, checked and passed on as they came, on the sockets themselves; nothing is parsed into maps, and a
//! connection on which nothing happens holds no memory for it. Whatever else comes, a connection leaves this way for
//! good and goes on behind the [`guard`](super::guard) with hyper, beginning with what was read and not passed on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, Sleep};

use self::client_stream::ClientStream;
use self::exchange::{Done, exchange};
use self::room::{read_with, until};
use self::route::{First, Plain};
use super::connection::Client;

mod answer;
mod client_stream;
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
    S: ClientStream,
{
    let rest = serve_plain(client, stream, patience).await.unwrap_or(Rest::Over);
    if matches!(rest, Rest::Over) && client.tls.is_some() {
        let _ = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
    }
    rest
}

async fn serve_plain<S>(client: &Arc<Client>, stream: &mut S, patience: Duration) -> Option<Rest>
where
    S: ClientStream,
{
    let mut stopped = pin!(client.site.stop.cancelled());
    let mut timer = pin!(tokio::time::sleep(idle_time(client).min(patience)));
    let mut since = None;
    loop {
        let idle = idle_time(client);
        let end = || since.unwrap_or_else(Instant::now) + idle.min(patience);
        let reading = poll_fn(|cx| read_with(stream, cx, |bytes, _| route::first(client, bytes)));
        let first = tokio::select! {
            biased;
            first = until(timer.as_mut(), end, reading) => first,
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
        match pass(client, stream, timer.as_mut(), plain).await? {
            Passed::Answered(at) => since = Some(at),
            Passed::More(bytes) => return Some(Rest::Request(bytes)),
        }
    }
}

/// What came of a request.
enum Passed {
    /// It was answered then.
    Answered(Instant),
    /// This was read beside it, or of it: it goes another way.
    More(Vec<u8>),
}

/// Passes a request on and its answer back; none if the connection is over.
async fn pass<S>(client: &Client, stream: &mut S, timer: Pin<&mut Sleep>, plain: Plain) -> Option<Passed>
where
    S: ClientStream,
{
    // its state is larger than that of an idle connection
    match Box::pin(exchange(client, stream, timer, &plain)).await {
        Done::Unsent { early } => Some(Passed::More([plain.into_raw(), early].concat())),
        Done::Answered { closes: true, .. } | Done::Broken => None,
        Done::Answered { early, at, .. } => Some(match early.is_empty() {
            true => Passed::Answered(at),
            false => Passed::More(early),
        }),
    }
}

fn idle_time(client: &Client) -> Duration {
    client.site.serving().plan.load_balancer.idle_timeout
}
