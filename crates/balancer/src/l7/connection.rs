//! A client's connection that speaks HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::client_socket::ClientSocket;
use super::gate::Gate;
use super::guard::Guard;
use super::handle::handle;
use super::idle::PATIENCE;
use super::metered::Metered;
use super::plain::Rest;
use super::{head, plain};
use crate::site::{Counted, Serving, Site};
use crate::tls::{self, Opening, ServerTls, TlsFacts};

/// Requests at one time on one connection of HTTP/2, as Amazon allows.
const STREAMS_MAX: u32 = 128;
/// Streams that a client may reset before they were taken up; more end the connection (rapid reset).
const RESETS_MAX: usize = 20;

/// Least time between two looks at a connection of HTTP/2.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// What HTTP/2 begins with, and no method of HTTP/1.1 does.
const PREFACE: &[u8; 14] = b"PRI * HTTP/2.0";
/// Until the rest of a part of it is looked for.
const PREFACE_PAUSE: Duration = Duration::from_millis(1);

/// A client's connection.
pub(crate) struct Client {
    pub(crate) site: Arc<Site>,
    pub(crate) peer: SocketAddr,
    pub(crate) tls: Option<TlsFacts>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) http2: bool,
    /// It speaks in the clear where TLS is spoken.
    pub(crate) is_astray: bool,
    /// Tells it from others in access logs: 128 bits by chance.
    pub(crate) trace: [u64; 2],
    began: Instant,
}

impl Client {
    /// Its kind in access logs.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.http2, self.tls.is_some()) {
            (true, _) => "h2",
            (false, true) => "https",
            (false, false) => "http",
        }
    }

    /// Whether it has lived as long as a connection may: the next answer is its last.
    pub(crate) fn has_lived(&self, serving: &Serving, now: Instant) -> bool {
        let most = serving.plan.load_balancer.client_keep_alive;
        self.site.closed.is_cancelled() || now.duration_since(self.began) >= most
    }
}

/// What is kept of a connection in the clear while nothing happens on it.
pub(crate) struct Visit {
    counted: Counted,
    peer: SocketAddr,
    began: Instant,
    trace: [u64; 2],
}

impl Visit {
    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.counted.site
    }

    fn client(&self, tls: Option<TlsFacts>, http2: bool) -> Arc<Client> {
        Arc::new(self.anybody(tls, http2))
    }

    /// Who speaks in the clear where TLS is spoken.
    fn astray(&self) -> Arc<Client> {
        Arc::new(Client {
            is_astray: true,
            ..self.anybody(None, false)
        })
    }

    fn anybody(&self, tls: Option<TlsFacts>, http2: bool) -> Client {
        Client {
            site: self.site().clone(),
            peer: self.peer,
            tls,
            gate: Gate::new(),
            http2,
            is_astray: false,
            trace: self.trace,
            began: self.began,
        }
    }
}

/// Serves a connection until it ends, or waits among the idle ones.
pub(crate) async fn serve(counted: Counted, mut socket: ClientSocket, peer: SocketAddr) {
    let dice = &counted.site.shared.dice;
    let visit = Visit {
        trace: [dice.next(), dice.next()],
        counted,
        peer,
        began: Instant::now(),
    };
    let serving = visit.site().serving();
    if !serving.plan.protocol.is_encrypted() {
        if serving.plan.plain_http2 && begins_with_preface(&mut socket, &serving).await {
            drop(serving);
            return Box::pin(serve_http2(visit.client(None, true), socket)).await;
        }
        drop(serving);
        return serve_clear(visit, socket).await;
    }
    let tls = serving.tls.clone();
    // a handshake always waits for the client
    let Ok(stream) = socket.into_unwatched().and_then(TcpStream::from_std) else {
        return;
    };
    let opening = Opening::new(stream, !serving.plan.load_balancer.is_classic);
    // what is served changes while the connection lives
    drop(serving);
    if let Some(tls) = tls {
        // the states of TLS and HTTP/2 are large
        Box::pin(serve_encrypted(&visit, opening, tls)).await;
    }
}

/// Goes on with a connection of HTTP/1.1 in the clear.
pub(super) async fn serve_clear(visit: Visit, mut socket: ClientSocket) {
    let client = visit.client(None, false);
    match plain::serve(&client, &mut socket, PATIENCE).await {
        Rest::Request(read) => Box::pin(serve_guarded(client, socket, read)).await,
        Rest::Silence(left) => client.site.shared.idle.keep(visit, socket, Instant::now() + left),
        Rest::Over => {}
    }
}

async fn serve_encrypted(visit: &Visit, opening: Opening<TcpStream>, tls: Arc<ServerTls>) {
    let (stream, facts) = match tls::accept(&tls, opening).await {
        Ok(shaken) => shaken,
        Err(opening) => {
            // whoever speaks HTTP without TLS is told so
            if let Some((stream, read)) = opening.and_then(Opening::into_clear) {
                serve_guarded(visit.astray(), stream, read).await;
            }
            return;
        }
    };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let client = visit.client(Some(facts), http2);
    if http2 {
        return serve_http2(client, stream).await;
    }
    let mut stream = stream;
    if let Rest::Request(read) = plain::serve(&client, &mut stream, Duration::MAX).await {
        Box::pin(serve_guarded(client, stream, read)).await;
    }
}

/// Whether a client begins as HTTP/2 does: no request of HTTP/1.1 has these first letters.
async fn begins_with_preface(socket: &mut ClientSocket, serving: &Serving) -> bool {
    let Ok(stream) = socket.watched() else {
        return false;
    };
    let looking = async {
        let mut first = [0; PREFACE.len()];
        loop {
            match stream.peek(&mut first).await {
                Ok(read) if read > 0 && first[..read] == PREFACE[..read] => {
                    if read == PREFACE.len() {
                        return true;
                    }
                }
                _ => return false,
            }
            // the rest is on its way, and nothing tells when it is there
            tokio::time::sleep(PREFACE_PAUSE).await;
        }
    };
    let idle = serving.plan.load_balancer.idle_timeout;
    tokio::time::timeout(idle, looking).await.unwrap_or(false)
}

/// Serves all that HTTP/1.1 knows, beginning with what was read already.
async fn serve_guarded<S>(client: Arc<Client>, stream: S, read: Vec<u8>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let serving = client.site.serving();
    let load_balancer = &serving.plan.load_balancer;
    let counters = serving.counters.clone();
    if let Some(counters) = &counters {
        counters.processed(read.len());
    }
    let guard = Guard::new(
        Metered::new(stream, counters),
        read,
        client.gate.clone(),
        load_balancer.desync,
        load_balancer.idle_timeout,
    );
    drop(serving);
    let stop = client.site.stop.clone();
    // hyper keeps room for the handler's state in every connection: idle ones shall hold but a pointer
    let service = service_fn(move |request| Box::pin(handle(client.clone(), request)));
    let connection = http1::Builder::new()
        .max_header_size(head::REWRITTEN_MAX)
        .max_headers(head::LINES_MAX)
        .preserve_header_case(true)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(guard), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
    }
    // what is under way ends first; a connection on which nothing is, ends now
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn serve_http2<S>(client: Arc<Client>, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // its client is told in time to send what comes next elsewhere
    let closed = client.site.closed.clone();
    let stream = Metered::new(stream, client.site.serving().counters.clone()).telling(client.gate.clone());
    let (idle, stuck) = (idle_or_old(client.clone()), stuck(client.clone()));
    let service = service_fn(move |request| handle(client.clone(), request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        // what is a little too long gets an answer in our words
        .max_header_list_size(head::REWRITTEN_MAX as u32)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .serve_connection(TokioIo::new(stream), service);
    let (mut connection, mut stuck) = (std::pin::pin!(connection), std::pin::pin!(stuck));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stuck.as_mut() => return,
        () = closed.cancelled() => {}
        () = idle => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = stuck => {}
    }
}

/// Ends when the client has taken nothing of its answers for the idle time, though it may say that it is there: what
/// waits for it is kept here, and keeps targets from being idle. Longer than [`idle_or_old`] by what a connection without
/// requests may take to end.
async fn stuck(client: Arc<Client>) {
    loop {
        let idle = client.site.serving().plan.load_balancer.idle_timeout;
        let now = Instant::now();
        let due = client.gate.awaits_client_since().map(|it| it + idle + LOOK_PAUSE);
        if due.is_some_and(|it| now >= it) {
            return;
        }
        tokio::time::sleep_until(due.unwrap_or(now).max(now + LOOK_PAUSE)).await;
    }
}

/// Ends when the connection has had no request for the idle time, or has lived as long as it may.
async fn idle_or_old(client: Arc<Client>) {
    let began = client.began;
    loop {
        let plan = client.site.serving().plan.clone();
        let load_balancer = &plan.load_balancer;
        let idle_at = client.gate.last_done().max(began) + load_balancer.idle_timeout;
        let old_at = began + load_balancer.client_keep_alive;
        let now = Instant::now();
        let is_idle = now >= idle_at && !client.gate.is_busy();
        if is_idle || now >= old_at {
            return;
        }
        let again = now + LOOK_PAUSE;
        tokio::time::sleep_until(idle_at.max(again).min(old_at)).await;
    }
}
