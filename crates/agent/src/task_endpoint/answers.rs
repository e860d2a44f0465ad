//! The answers of port 80, as Amazon's agent gives them.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::CREDENTIALS_PATH;
use crate::credentials::Credentials;

/// The answer to a request of a task.
pub fn answer(
    credentials: &Credentials,
    task_id: &str,
    method: &Method,
    path: &str,
) -> Response<Full<Bytes>> {
    if method != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n");
    }
    match path.strip_prefix(CREDENTIALS_PATH) {
        Some(id) => role_credentials(credentials, task_id, id.trim_matches('/')),
        None => text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn role_credentials(credentials: &Credentials, task_id: &str, id: &str) -> Response<Full<Bytes>> {
    if id.is_empty() {
        return refusal(
            "NoIdInRequest",
            "CredentialsV2Request: No Credential ID in the request",
        );
    }
    // The id of another task's is as unknown as any.
    let Some(found) = credentials.of_application(task_id, id) else {
        return refusal(
            "InvalidIdInRequest",
            "CredentialsV2Request: Credentials not found",
        );
    };
    let body = json!({
        "RoleArn": found.role_arn,
        "AccessKeyId": found.access_key_id,
        "SecretAccessKey": found.secret_access_key,
        "Token": found.session_token,
        "Expiration": found.expiration,
    });
    document(StatusCode::OK, &body)
}

fn refusal(code: &str, message: &str) -> Response<Full<Bytes>> {
    let status = StatusCode::BAD_REQUEST;
    let body = json!({ "code": code, "message": message, "HTTPErrorCode": status.as_u16() });
    document(status, &body)
}

fn document(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    respond(status, "application/json", body.to_string())
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body.to_owned())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
