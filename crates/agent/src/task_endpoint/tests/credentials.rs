//! Credentials of roles of tasks.

use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::credentials::{Credentials, RoleCredentials, RoleType};
use crate::host::Caller;
use crate::task_endpoint::answers::role_credentials;

fn credentials() -> Credentials {
    let all = Credentials::default();
    for (task, kind, id) in [
        ("one", RoleType::Application, "id-of-one"),
        ("one", RoleType::Execution, "id-of-execution"),
        ("other", RoleType::Application, "id-of-other"),
    ] {
        let arn = format!("arn:aws:ecs:us-east-1:123456789012:task/default/{task}");
        let credentials = RoleCredentials {
            id: id.to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/web".to_owned(),
            access_key_id: "ASIA".to_owned(),
            secret_access_key: "hunter2".to_owned(),
            session_token: "token".to_owned(),
            expiration: "2026-11-21T19:00:00Z".to_owned(),
        };
        all.put(&arn, kind, credentials);
    }
    all
}

async fn get(caller: Caller, id: &str) -> (StatusCode, Value) {
    let answer = role_credentials(&credentials(), &caller, id);
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("never fails")
        .to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_task_gets_the_credentials_of_its_role() {
    let (status, body) = get(Caller::Task("one".to_owned()), "id-of-one").await;
    assert_eq!(status, StatusCode::OK);
    let expected = serde_json::json!({
        "RoleArn": "arn:aws:iam::123456789012:role/web", "AccessKeyId": "ASIA", "SecretAccessKey": "hunter2",
        "Token": "token", "Expiration": "2026-11-21T19:00:00Z",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn nothing_else_is_handed_out() {
    let one = || Caller::Task("one".to_owned());
    for (caller, id, code) in [
        (one(), "", "NoIdInRequest"),
        (one(), "id-of-other", "InvalidIdInRequest"),
        (one(), "id-of-execution", "InvalidIdInRequest"),
        (one(), "x", "InvalidIdInRequest"),
        (Caller::HostNetwork, "id-of-one", "InvalidIdInRequest"),
    ] {
        let (status, body) = get(caller, id).await;
        assert_eq!(
            (status, body["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some(code)),
            "{id}"
        );
        assert_eq!(body["HTTPErrorCode"], 400);
    }
}
