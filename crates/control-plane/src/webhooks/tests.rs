use std::time::Duration;

use serde_json::json;

use super::*;

fn said(status: u16, body: &str) -> WebhookAnswer {
    call::answer(status, body.as_bytes(), &json!({"kept": 1, "round": 1}))
}

#[test]
fn an_answer_is_what_a_lambda_function_would_return() {
    assert_eq!(
        said(200, r#"{"hookStatus":"SUCCEEDED"}"#),
        WebhookAnswer::Succeeded
    );
    let in_progress = |seconds, details: Option<&str>| WebhookAnswer::InProgress {
        wait: Duration::from_secs(seconds),
        details: details.map(ToOwned::to_owned),
    };
    assert_eq!(
        said(200, r#"{"hookStatus":"IN_PROGRESS"}"#),
        in_progress(30, None)
    );
    assert_eq!(
        said(
            200,
            r#"{"hookStatus":"IN_PROGRESS","callBackDelay":60,"hookDetails":{"round":2}}"#
        ),
        in_progress(60, Some(r#"{"kept":1,"round":2}"#))
    );
}

#[test]
fn whatever_else_it_says_has_failed() {
    for (status, body, expected) in [
        (200, r#"{"hookStatus":"FAILED"}"#, "hookStatus is FAILED."),
        (200, r#"{"hookStatus":"DONE"}"#, "\"DONE\""),
        (200, "{}", "there is no hookStatus"),
        (200, "ok", "not the expected JSON object: ok"),
        (404, "no such page", "status 404: no such page"),
        (302, "", "status 302"),
    ] {
        match said(status, body) {
            WebhookAnswer::Failed(reason) => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}
