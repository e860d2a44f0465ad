//! One health check.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use domain::target_group::ProtocolVersion;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::machine::Failure;
use crate::plan::{CheckKind, HealthCheck, Matcher};
use crate::tls::TargetTls;
use crate::upstream::{ConnectFault, Source, Stream, connect};

/// What health checks call themselves.
const AGENT: &str = "ELB-HealthChecker/2.0";
/// What those of classic load balancers do.
const CLASSIC_AGENT: &str = "ELB-HealthChecker/1.0";
/// How much of a call's answer is read to reach its trailers, in bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// An empty message of gRPC: not compressed, no bytes.
const EMPTY_MESSAGE: &[u8] = &[0, 0, 0, 0, 0];
/// gRPC's status when an answer names none: UNKNOWN.
const NO_STATUS: u16 = 2;

/// Whom to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// The address of the node that asks, if it is not the only one.
    pub(crate) from: Option<IpAddr>,
    /// Where the target is.
    pub(crate) to: SocketAddr,
}

/// Asks once.
pub(crate) async fn probe(way: Way, check: &HealthCheck, tls: &TargetTls) -> Result<(), Failure> {
    let to = SocketAddr::new(way.to.ip(), check.port.unwrap_or(way.to.port()));
    tokio::time::timeout(check.timeout, ask(Way { to, ..way }, check, tls))
        .await
        .unwrap_or(Err(Failure::Timeout))
}

async fn ask(way: Way, check: &HealthCheck, tls: &TargetTls) -> Result<(), Failure> {
    let address = way.to;
    match &check.kind {
        CheckKind::Tcp => open(way, None).await.map(drop),
        CheckKind::Tls => open(way, Some(tls.plain())).await.map(drop),
        CheckKind::Http {
            tls: within,
            path,
            matcher,
            version,
        } => {
            let http2 = *version != ProtocolVersion::Http1;
            let stream = open(way, within.then(|| tls.config(http2))).await?;
            let mut request = request(address, path, *within, http2)?;
            if check.is_classic {
                let agent = http::HeaderValue::from_static(CLASSIC_AGENT);
                request.headers_mut().insert(USER_AGENT, agent);
            }
            let response = match http2 {
                true => send_http2(stream, request).await?,
                false => send_http1(stream, request).await?,
            };
            judge(matcher, response.status().as_u16())
        }
        CheckKind::Grpc {
            tls: within,
            path,
            matcher,
        } => {
            let stream = open(way, within.then(|| tls.config(true))).await?;
            let mut request = request(address, path, *within, true)?;
            *request.method_mut() = Method::POST;
            *request.body_mut() = Full::new(Bytes::from_static(EMPTY_MESSAGE));
            request
                .headers_mut()
                .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/grpc"));
            request
                .headers_mut()
                .insert(TE, http::HeaderValue::from_static("trailers"));
            let response = send_http2(stream, request).await?;
            judge(matcher, grpc_status(response).await?)
        }
    }
}

fn judge(matcher: &Matcher, code: u16) -> Result<(), Failure> {
    if matcher.matches(code) {
        Ok(())
    } else {
        Err(Failure::Code(code))
    }
}

async fn open(way: Way, tls: Option<&Arc<rustls::ClientConfig>>) -> Result<Stream, Failure> {
    connect(way.from.map_or(Source::Any, Source::Node), way.to, tls)
        .await
        .map_err(|fault| match fault {
            ConnectFault::Timeout => Failure::Timeout,
            ConnectFault::Refused(_) | ConnectFault::Tls(_) => Failure::Connection,
        })
}

fn request(
    address: SocketAddr,
    path: &str,
    within_tls: bool,
    http2: bool,
) -> Result<Request<Full<Bytes>>, Failure> {
    let scheme = if within_tls { "https" } else { "http" };
    let builder = match http2 {
        true => Request::builder()
            .version(Version::HTTP_2)
            .uri(format!("{scheme}://{address}{path}")),
        false => Request::builder()
            .uri(path)
            .header(HOST, address.to_string())
            .header(CONNECTION, "close"),
    };
    builder
        .header(USER_AGENT, AGENT)
        .header(ACCEPT_ENCODING, "gzip, compressed")
        .body(Full::default())
        .map_err(|_| Failure::Connection)
}

async fn send_http1(stream: Stream, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Failure::Connection)?;
    drive(connection, async move { sender.send_request(request).await }).await
}

async fn send_http2(stream: Stream, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|_| Failure::Connection)?;
    // trailers come after the head: the connection goes on until its answer is dropped
    tokio::spawn(connection);
    sender
        .send_request(request)
        .await
        .map_err(|_| Failure::Connection)
}

/// Runs a connection no longer than it takes to get an answer's head.
async fn drive(
    connection: impl Future<Output = hyper::Result<()>>,
    sending: impl Future<Output = hyper::Result<Response<Incoming>>>,
) -> Result<Response<Incoming>, Failure> {
    let mut sending = std::pin::pin!(sending);
    tokio::select! {
        biased;
        response = &mut sending => response.map_err(|_| Failure::Connection),
        _ = connection => sending.await.map_err(|_| Failure::Connection),
    }
}

async fn grpc_status(response: Response<Incoming>) -> Result<u16, Failure> {
    if let Some(status) = status_in(response.headers()) {
        return Ok(status);
    }
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
    let body = body.map_err(|_| Failure::Connection)?;
    Ok(body.trailers().and_then(status_in).unwrap_or(NO_STATUS))
}

fn status_in(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
