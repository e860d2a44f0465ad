//! What happens to a request: accept → identify → verify → limit → decode → handle → encode.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use wire::error::{CommonError, ErrorAnswer};
use wire::route::{self, Protocol};

use crate::call::{Origin, authorize};
use crate::control_plane::ControlPlane;
use crate::routes::{self, Routes, SERVICES};
use crate::{executions, identity, sessions};

/// Longest body: a full batch of log events, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Answers a request.
pub async fn answer(
    control_plane: Arc<ControlPlane>,
    routes: Arc<Routes>,
    mut request: Request<Incoming>,
    shutdown: CancellationToken,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::GET {
        return Ok(match request.uri().path() {
            "/health" => plain(StatusCode::OK, "ok\n"),
            "/acs/ws" | "/tcs/ws" => sessions::upgrade(&control_plane, &mut request, shutdown),
            executions::AGENT_PATH => executions::agent(&control_plane, &mut request),
            path if path.starts_with(executions::CLIENT_PATH) => {
                executions::client(&control_plane, &mut request, shutdown)
            }
            _ => plain(
                StatusCode::NOT_FOUND,
                "This is Gantry: it speaks the AWS APIs. See GET /health.\n",
            ),
        });
    }
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let protocol = Protocol::of_content_type(&content_type);
    let outcome = match read(body).await {
        Ok(body) => {
            let work = handle(&control_plane, &routes, &parts, &content_type, body, &request_id);
            AssertUnwindSafe(work)
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Err(panicked(&panic, protocol, &request_id)))
        }
        Err(error) => Err(error.answer(protocol, &request_id)),
    };
    Ok(match outcome {
        Ok(body) => respond(StatusCode::OK, protocol.content_type(), body, &request_id),
        Err(error) => refuse(error, &request_id),
    })
}

async fn read(body: Incoming) -> Result<Bytes, CommonError> {
    let collected = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(CommonError {
            status: 413,
            json_code: "RequestEntityTooLargeException",
            query_code: "RequestEntityTooLarge",
            message: format!("The request is longer than {BODY_BYTES_MAX} bytes."),
        }),
        Ok(Err(_)) | Err(_) => Err(CommonError {
            status: 408,
            json_code: "RequestTimeoutException",
            query_code: "RequestTimeout",
            message: "The body of the request did not arrive.".to_owned(),
        }),
    }
}

async fn handle(
    control_plane: &Arc<ControlPlane>,
    routes: &Routes,
    parts: &Parts,
    content_type: &str,
    body: Bytes,
    request_id: &str,
) -> Result<Vec<u8>, ErrorAnswer> {
    let now = control_plane.clock.now();
    let target = parts.headers.get("x-amz-target").and_then(|it| it.to_str().ok());
    let route = route::route(&SERVICES, content_type, target, &body)
        .map_err(|error| error.answer(Protocol::of_content_type(content_type), request_id))?;
    let (service, operation) = (route.service, &*route.operation);
    let common = |error: CommonError| error.answer_of(service, route.protocol, request_id);
    let caller = identity::verify(control_plane, service.signing_name, parts, &body, now).map_err(common)?;
    let Some(handler) = routes.get(service.signing_name, operation) else {
        return Err(common(CommonError::unknown_operation_of(service, operation)));
    };
    let access = authorize(control_plane, &caller, service.signing_name, operation)
        .map_err(|denied| common(CommonError::access_denied(denied.message)))?;
    control_plane
        .buckets
        .admit(&caller.scope, service.signing_name, operation, now)
        .map_err(common)?;
    tracing::debug!(request_id, operation, "request");
    let request_id = request_id.to_owned();
    handler(routes::Request {
        body,
        protocol: route.protocol,
        request_id,
        caller,
        access,
        now,
        origin: Origin::of(&parts.headers),
    })
    .await
}

fn panicked(panic: &(dyn std::any::Any + Send), protocol: Protocol, request_id: &str) -> ErrorAnswer {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(request_id, panic = text, "a request panicked");
    CommonError::server("The server failed on this request; it has been logged.").answer(protocol, request_id)
}

fn refuse(error: ErrorAnswer, request_id: &str) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(status, error.content_type, error.body, request_id);
    if let Ok(code) = HeaderValue::from_str(&error.code) {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    request_id: &str,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
