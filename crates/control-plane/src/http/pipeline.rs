//! What happens to a request: accept → identify → verify → limit → decode → handle → encode.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use wire::error::{CommonError, ErrorAnswer};
use wire::rest::Answer;
use wire::route::{self, Protocol, Route};
use wire::sigv4;

use crate::call::{Origin, authorize};
use crate::control_plane::ControlPlane;
use crate::routes::{self, Routes, SERVICES};
use crate::{executions, identity, sessions, streams};

/// Longest body: a full batch of log events, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Content type of what a request has in its address.
const FORM: &str = "application/x-www-form-urlencoded";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Answers a request.
pub async fn answer(
    control_plane: Arc<ControlPlane>,
    routes: Arc<Routes>,
    mut request: Request<Incoming>,
    shutdown: CancellationToken,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let rest = route_of_path(request.method(), request.uri(), request.headers());
    let form = match rest {
        None => route::form_of_query(request.method(), request.uri()),
        Some(_) => None,
    };
    let form = form.map(|it| Bytes::copy_from_slice(it.as_bytes()));
    if request.method() == Method::GET && rest.is_none() && form.is_none() {
        return Ok(match request.uri().path() {
            "/health" => plain(StatusCode::OK, "ok\n"),
            "/acs/ws"
            | "/tcs/ws"
            | sessions::LOAD_BALANCERS_PATH
            | sessions::NAMES_PATH
            | sessions::NETWORKS_PATH => sessions::upgrade(&control_plane, &mut request, shutdown),
            executions::AGENT_PATH => executions::agent(&control_plane, &mut request),
            path if path.starts_with(executions::CLIENT_PATH) => {
                executions::client(&control_plane, &mut request, shutdown)
            }
            path if path.starts_with(streams::CLIENT_PATH) => {
                streams::client(&control_plane, &mut request, shutdown)
            }
            _ => plain(
                StatusCode::NOT_FOUND,
                "This is Gantry: it speaks the AWS APIs. See GET /health.\n",
            ),
        });
    }
    let (parts, body) = request.into_parts();
    let body = read(body).await;
    Ok(answered(&control_plane, &routes, &parts, body, Asked { rest, form }).await)
}

/// What the head of a request says of its operation.
struct Asked {
    /// It follows from method and path.
    rest: Option<(Protocol, Result<Route<'static>, CommonError>)>,
    /// Its form, if that stands in its address instead of its body.
    form: Option<Bytes>,
}

async fn answered(
    control_plane: &Arc<ControlPlane>,
    routes: &Routes,
    parts: &Parts,
    body: Result<Bytes, CommonError>,
    asked: Asked,
) -> Response<Full<Bytes>> {
    let request_id = uuid::Uuid::new_v4().to_string();
    let content_type = match &asked.form {
        Some(_) => FORM,
        None => {
            let content_type = parts.headers.get(CONTENT_TYPE);
            content_type.and_then(|it| it.to_str().ok()).unwrap_or_default()
        }
    };
    let target = parts.headers.get("x-amz-target").and_then(|it| it.to_str().ok());
    let protocol = match &asked.rest {
        Some((protocol, _)) => *protocol,
        None => {
            let signed_for = sigv4::signed_for(&parts.headers, &parts.uri);
            Protocol::of_request(&SERVICES, content_type, target, signed_for.as_deref())
        }
    };
    let outcome = match body {
        Ok(body) => {
            let sent = Sent {
                input: asked.form.unwrap_or_else(|| body.clone()),
                body,
            };
            let route = match asked.rest {
                Some((_, route)) => route,
                None => route::route(&SERVICES, protocol, content_type, target, &sent.input),
            };
            let route = route.map_err(|error| error.answer(protocol, &request_id));
            let work = handle(control_plane, routes, parts, route, &sent, &request_id);
            AssertUnwindSafe(work)
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Err(panicked(&panic, protocol, &request_id)))
        }
        Err(error) => Err(error.answer(protocol, &request_id)),
    };
    match outcome {
        Ok(answer) => succeed(answer, &request_id),
        Err(error) => refuse(error, &request_id),
    }
}

/// What a request of a protocol without targets means; `None` for the others, and for what only looks at the server.
fn route_of_path(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<(Protocol, Result<Route<'static>, CommonError>)> {
    if headers.contains_key("x-amz-target") {
        return None;
    }
    let signed_for = sigv4::signed_for(headers, uri);
    route::route_of_path(&SERVICES, signed_for.as_deref(), method, uri)
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

/// What came with a request.
struct Sent {
    /// What its signature is over.
    body: Bytes,
    /// What its input is read from.
    input: Bytes,
}

async fn handle(
    control_plane: &Arc<ControlPlane>,
    routes: &Routes,
    parts: &Parts,
    route: Result<Route<'_>, ErrorAnswer>,
    sent: &Sent,
    request_id: &str,
) -> Result<Answer, ErrorAnswer> {
    let now = control_plane.clock.now();
    let route = route?;
    let (service, operation) = (route.service, &*route.operation);
    let common = |error: CommonError| error.answer_of(service, route.protocol, request_id);
    let caller =
        identity::verify(control_plane, service.signing_name, parts, &sent.body, now).map_err(common)?;
    let Some(handler) = routes.get(routes::name(service), operation) else {
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
        body: sent.input.clone(),
        head: matches!(route.protocol, Protocol::RestJson | Protocol::RestXml)
            .then(|| (parts.uri.clone(), parts.headers.clone())),
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

fn succeed(answer: Answer, request_id: &str) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = respond(status, answer.content_type, answer.body, request_id);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
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

#[cfg(test)]
mod tests;
