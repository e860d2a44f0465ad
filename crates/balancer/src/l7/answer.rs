//! Answers that the load balancer gives by itself, as Amazon's do.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, SERVER};
use http::{HeaderMap, Response, StatusCode};
use hyper::ext::ReasonPhrase;

use super::body::AnswerBody;
use super::head::Refusal;
use super::record::Exchange;
use super::words::{Words, page, words};

/// Why a request is not answered by a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 400 and its kin: what came is not HTTP.
    Refused(Refusal),
    /// 400: the request makes no sense.
    BadRequest,
    /// 400: HTTP came where TLS is spoken.
    InTheClear,
    /// 405: TRACE and CONNECT are not served.
    Method,
    /// 408: the client does not send the rest.
    ClientSlow,
    /// 460: the client is gone.
    ClientGone,
    /// 463: X-Forwarded-For holds more than 30 addresses.
    TooManyForwarders,
    /// 464: the version of HTTP is not the group's.
    VersionMismatch,
    /// 502: no connection, or no answer that is one.
    BadGateway,
    /// 502: the target has closed its connection instead of an answer.
    TargetClosed,
    /// 503: nobody there.
    NoTarget,
    /// 504: no answer in time.
    Timeout,
}

impl Fault {
    /// Whether the client's connection is of no use any more.
    fn closes(self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::BadRequest | Self::InTheClear | Self::ClientSlow | Self::ClientGone
        )
    }
}

/// The answer to a fault.
pub(crate) fn fault(fault: Fault, exchange: Box<Exchange>) -> Response<AnswerBody> {
    let is_classic = exchange.is_classic();
    let Words {
        status, reason, page, ..
    } = words(fault, is_classic);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = page.is_some().then_some("text/html");
    let mut response = own(status, content_type, page.unwrap_or_default().into(), exchange);
    // 503 has another one than others give it, and some of these codes none
    let phrase = ReasonPhrase::from_static(reason.as_bytes());
    response.extensions_mut().insert(phrase);
    let headers = response.headers_mut();
    if is_classic {
        headers.remove(SERVER);
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    }
    if fault.closes() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client is sent elsewhere.
pub(crate) fn redirect(
    status: StatusCode,
    location: HeaderValue,
    exchange: Box<Exchange>,
) -> Response<AnswerBody> {
    let page = page(status.as_u16(), status.canonical_reason().unwrap_or_default());
    let mut response = own(status, Some("text/html"), page.into(), exchange);
    response.headers_mut().insert(LOCATION, location);
    response
}

/// An answer of our own.
pub(crate) fn own(
    status: StatusCode,
    content_type: Option<&str>,
    body: Bytes,
    mut exchange: Box<Exchange>,
) -> Response<AnswerBody> {
    let mut headers = HeaderMap::new();
    headers.insert(SERVER, HeaderValue::from_static("awselb/2.0"));
    if let Some(value) = content_type.and_then(|it| HeaderValue::from_str(it).ok()) {
        headers.insert(CONTENT_TYPE, value);
    }
    // what has no body has no length of it either
    let body = match status {
        StatusCode::NO_CONTENT => Bytes::new(),
        _ => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            body
        }
    };
    exchange.answered(status);
    let mut response = Response::new(AnswerBody::Ready(Some(body), Some(exchange)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
