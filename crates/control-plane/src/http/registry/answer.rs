//! Answers of the registry's protocol, and its errors.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use serde_json::json;

use crate::registry::Blob;

/// An answer: most are whole, those with blobs are read from the disk while they are sent.
pub type Answer = Response<Either<Full<Bytes>, Content>>;
/// Content that is read while it is sent.
pub type Content = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// Read and sent at once.
const PIECE_BYTES: usize = 256 * 1024;
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// An error of the protocol.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    /// Any.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// With a header beside.
    pub fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Nobody known sends the request.
    pub fn unauthorized(endpoint: &str) -> Self {
        let challenge = format!("Basic realm=\"{endpoint}/\",service=\"ecr.amazonaws.com\"");
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Not Authorized")
            .with(WWW_AUTHENTICATE, challenge)
    }

    /// The sender may not do that.
    pub fn denied(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "DENIED", message)
    }

    /// There is no such repository.
    pub fn name_unknown(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    /// The path names nothing.
    pub fn no_such_path() -> Self {
        let message = "The path names no repository, image or layer";
        Self::new(StatusCode::NOT_FOUND, "NAME_INVALID", message)
    }

    /// The method is not for this path, or not built.
    pub fn unsupported() -> Self {
        let message = "The operation is unsupported.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    /// The server is at fault.
    pub fn internal() -> Self {
        let message = "The server failed on this request; it has been logged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    }

    /// The disk fails.
    pub fn storage(error: &io::Error) -> Self {
        tracing::error!(%error, "the registry's files failed");
        Self::internal()
    }

    /// The store fails.
    pub fn unavailable(error: &store::StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        let message = "The server could not store the change. Try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNKNOWN", message)
    }

    /// As it is sent.
    pub fn answer(self) -> Answer {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str()))
            .collect();
        whole(
            self.status,
            "application/json",
            body.to_string().into_bytes(),
            &headers,
        )
    }
}

/// An answer without content.
pub fn empty(status: StatusCode) -> Answer {
    with_headers(status, Either::Left(Full::default()), &[])
}

/// An answer without content, with headers.
pub fn headers(status: StatusCode, headers: &[(HeaderName, &str)]) -> Answer {
    with_headers(status, Either::Left(Full::default()), headers)
}

/// An answer that is whole.
pub fn whole(
    status: StatusCode,
    content_type: &str,
    body: Vec<u8>,
    headers: &[(HeaderName, &str)],
) -> Answer {
    let length = body.len();
    let mut answer = with_headers(status, Either::Left(Full::new(Bytes::from(body))), headers);
    put(&mut answer, CONTENT_TYPE, content_type);
    put(&mut answer, CONTENT_LENGTH, &length.to_string());
    answer
}

/// A part of a blob, read while it is sent.
pub fn streamed(
    status: StatusCode,
    blob: Blob,
    begin: u64,
    length: u64,
    headers: &[(HeaderName, &str)],
) -> Answer {
    let pieces = stream::try_unfold(
        (Arc::new(blob), begin, length),
        |(blob, position, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let reader = Arc::clone(&blob);
            let piece = tokio::task::spawn_blocking(move || reader.read_at(position, most)).await;
            let piece = piece.map_err(io::Error::other)??;
            if piece.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let count = piece.len() as u64;
            Ok(Some((
                Frame::data(Bytes::from(piece)),
                (blob, position + count, left - count),
            )))
        },
    );
    let body: BoxStream<'static, _> = Box::pin(pieces);
    let mut answer = with_headers(status, Either::Right(StreamBody::new(body)), headers);
    put(&mut answer, CONTENT_TYPE, "application/octet-stream");
    put(&mut answer, CONTENT_LENGTH, &length.to_string());
    answer
}

/// The same without its content: what HEAD gets.
pub fn without_body(answer: Answer) -> Answer {
    let (parts, _) = answer.into_parts();
    Response::from_parts(parts, Either::Left(Full::default()))
}

fn with_headers(
    status: StatusCode,
    body: Either<Full<Bytes>, Content>,
    headers: &[(HeaderName, &str)],
) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    put(&mut answer, API_VERSION, "registry/2.0");
    for (name, value) in headers {
        put(&mut answer, name.clone(), value);
    }
    answer
}

fn put(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
