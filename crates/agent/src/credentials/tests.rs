//! Credentials are found by task and role, and never seen.

use serde_json::json;

use super::*;

fn credentials(secret: &str) -> RoleCredentials {
    RoleCredentials {
        id: "c1".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/web".to_owned(),
        access_key_id: "ASIA".to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: "token-text".to_owned(),
        expiration: "2026-11-21T19:00:00Z".to_owned(),
    }
}

#[test]
fn they_are_read_from_a_payload() {
    let task = json!({
        "roleCredentials": {"credentialsId": "", "secretAccessKey": "x"},
        "executionRoleCredentials": {
            "credentialsId": "c1", "roleArn": "arn:aws:iam::123456789012:role/web", "accessKeyId": "ASIA",
            "secretAccessKey": "hunter2", "sessionToken": "token-text", "expiration": "2026-11-21T19:00:00Z",
        },
    });
    assert_eq!(of_payload(&task), [(RoleType::Execution, credentials("hunter2"))]);
}

#[test]
fn they_show_no_secret() {
    let shown = format!("{:?}", credentials("hunter2"));
    assert!(shown.contains("role/web"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("token-text") && !shown.contains("c1"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_needs_them_waits_for_a_while() {
    let all = Arc::new(Credentials::default());
    assert_eq!(all.wait_for("task", RoleType::Execution).await, None);
    let waiting = tokio::spawn({
        let all = all.clone();
        async move { all.wait_for("task", RoleType::Execution).await }
    });
    all.put("task", RoleType::Application, credentials("other"));
    all.put("task", RoleType::Execution, credentials("one"));
    let found = waiting.await.expect("no panic");
    assert_eq!(
        found.map(|it| it.secret_access_key.clone()).as_deref(),
        Some("one")
    );
    all.forget("task");
    assert_eq!(all.get("task", RoleType::Application), None);
}
