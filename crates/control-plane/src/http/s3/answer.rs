//! Answers of S3: most are whole, content is read from the disk while it is sent.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use http::{Response, StatusCode};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use wire::s3::S3Error;

use crate::object_storage::Object;

/// An answer.
pub type Answer = Response<Either<Full<Bytes>, Content>>;
/// Content that is read while it is sent.
pub type Content = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// Read and sent at once.
const PIECE_BYTES: usize = 256 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// An answer without content.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

/// A document.
pub fn xml(status: StatusCode, document: String) -> Answer {
    let length = document.len();
    let mut answer = empty(status);
    *answer.body_mut() = Either::Left(Full::new(Bytes::from(document)));
    put(&mut answer, CONTENT_TYPE.as_str(), "application/xml");
    put(&mut answer, CONTENT_LENGTH.as_str(), &length.to_string());
    answer
}

/// An error.
pub fn refuse(error: &S3Error, resource: &str, request_id: &str) -> Answer {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::NOT_MODIFIED {
        return empty(status);
    }
    xml(status, error.xml(resource, request_id))
}

/// A part of an object, read while it is sent.
pub fn content(status: StatusCode, object: Object, begin: u64, length: u64) -> Answer {
    let pieces = stream::try_unfold(
        (Arc::new(object), begin, length),
        |(object, position, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let reader = Arc::clone(&object);
            let piece = tokio::task::spawn_blocking(move || reader.read_at(position, most)).await;
            let piece = piece.map_err(io::Error::other)??;
            if piece.is_empty() {
                // Somebody has cut the file short.
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let count = piece.len() as u64;
            let rest = (object, position + count, left - count);
            Ok(Some((Frame::data(Bytes::from(piece)), rest)))
        },
    );
    let body: BoxStream<'static, _> = Box::pin(pieces);
    let mut answer = empty(status);
    *answer.body_mut() = Either::Right(StreamBody::new(body));
    answer
}

/// With a header; one that cannot be sent is left out.
pub fn put(answer: &mut Answer, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        answer.headers_mut().insert(name, value);
    }
}

/// With what all answers have; without content for HEAD.
pub fn finished(mut answer: Answer, request_id: &str, is_head: bool) -> Answer {
    put(&mut answer, REQUEST_ID.as_str(), request_id);
    put(&mut answer, EXTENDED_ID.as_str(), request_id);
    put(&mut answer, SERVER.as_str(), "Gantry");
    if is_head {
        *answer.body_mut() = Either::Left(Full::default());
    }
    answer
}
