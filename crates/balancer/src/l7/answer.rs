//! Answers that the load balancer gives by itself, as Amazon's do.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, SERVER};
use http::{HeaderMap, Response, StatusCode};
use hyper::ext::ReasonPhrase;

use super::body::AnswerBody;
use super::head::Refusal;
use super::record::Exchange;

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
    /// 503: nobody there.
    NoTarget,
    /// 504: no answer in time.
    Timeout,
}

impl Fault {
    /// The status and its title.
    pub(crate) fn status(self) -> (u16, &'static str) {
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::Malformed(_) | Refusal::Host | Refusal::TooLarge => (400, "Bad Request"),
                Refusal::UriTooLong => (414, "Request-URI Too Large"),
                Refusal::UnknownEncoding => (501, "Not Implemented"),
                Refusal::Version => (505, "HTTP Version Not Supported"),
                Refusal::Slow => (408, "Request Time-out"),
            },
            Self::BadRequest | Self::InTheClear => (400, "Bad Request"),
            Self::Method => (405, "Not Allowed"),
            Self::ClientSlow => (408, "Request Time-out"),
            Self::ClientGone => (460, "Client Closed Request"),
            Self::TooManyForwarders => (463, "Too Many Forwarders"),
            Self::VersionMismatch => (464, "Incompatible Protocol Versions"),
            Self::BadGateway => (502, "Bad Gateway"),
            Self::NoTarget => (503, "Service Temporarily Unavailable"),
            Self::Timeout => (504, "Gateway Time-out"),
        }
    }

    /// What a browser shows of it.
    pub(crate) fn page(self) -> String {
        const IN_THE_CLEAR: &str = "The plain HTTP request was sent to HTTPS port";
        let (status, title) = self.status();
        match self {
            Self::InTheClear => {
                let heading = format!("{status} {title}");
                let line = format!("<center>{IN_THE_CLEAR}</center>\r\n");
                written(&format!("{status} {IN_THE_CLEAR}"), &heading, &line)
            }
            _ => page(status, title),
        }
    }

    /// Whether the client's connection is of no use any more.
    fn closes(self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::BadRequest | Self::InTheClear | Self::ClientSlow | Self::ClientGone
        )
    }
}

/// The page of a fault.
pub(crate) fn fault(fault: Fault, exchange: Box<Exchange>) -> Response<AnswerBody> {
    let (status, title) = fault.status();
    let page = fault.page();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = own(status, Some("text/html"), page.into(), exchange);
    // 503 has another one than others give it, and some of these codes none
    let phrase = ReasonPhrase::from_static(title.as_bytes());
    response.extensions_mut().insert(phrase);
    if fault.closes() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What a browser shows of a status.
fn page(status: u16, title: &str) -> String {
    let heading = format!("{status} {title}");
    written(&heading, &heading, "")
}

fn written(title: &str, heading: &str, rest: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{heading}</h1></center>\r\n{rest}</body>\r\n</html>\r\n"
    )
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
    exchange.answered(status, &headers);
    // logged now: whether anybody reads the body, as nobody does after HEAD, makes no difference
    exchange.sent(body.len() as u64);
    exchange.finish();
    let mut response = Response::new(AnswerBody::Ready(Some(body), Some(exchange)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
