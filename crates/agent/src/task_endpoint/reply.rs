//! Answers of port 80 as they go out, and the refusals of Amazon's agent.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::path::{Page, Version};

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// No container that the caller may know has the id.
pub fn unknown_id(version: Version, id: &str, page: Page) -> Answer {
    let (number, status) = match version {
        Version::V2 | Version::V3 => ("V3", StatusCode::BAD_REQUEST),
        Version::V4 => ("V4", StatusCode::NOT_FOUND),
    };
    let (handler, what) = match page {
        Page::Container => ("container metadata", "container ID"),
        Page::ContainerStats => ("container stats", "task arn"),
        Page::Task | Page::TaskWithTags => ("task metadata", "task arn"),
        Page::TaskStats => ("task stats", "task arn"),
    };
    let reason = match what {
        "container ID" => "unable to get docker ID from v3 endpoint ID",
        _ => "unable to get task Arn from v3 endpoint ID",
    };
    let message = format!("{number} {handler} handler: unable to get {what} from request: {reason}: {id}");
    document(status, &json!(message))
}

/// Older versions know no fault of their own.
pub fn failed(version: Version) -> StatusCode {
    match version {
        Version::V2 | Version::V3 => StatusCode::BAD_REQUEST,
        Version::V4 => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Another method than the path has.
pub fn not_allowed() -> Answer {
    text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n")
}

/// Why there are no credentials.
pub fn refusal(code: &str, message: &str) -> Answer {
    let status = StatusCode::BAD_REQUEST;
    let body = json!({ "code": code, "message": message, "HTTPErrorCode": status.as_u16() });
    document(status, &body)
}

/// An answer that is a document; errors of newer versions are a JSON text.
pub fn document(status: StatusCode, body: &Value) -> Answer {
    respond(status, "application/json", body.to_string())
}

/// An answer that is no document.
pub fn text(status: StatusCode, body: &str) -> Answer {
    respond(status, "text/plain; charset=utf-8", body.to_owned())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
