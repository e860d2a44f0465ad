//! Sessions of roles.

use serde_json::json;

use crate::fixture::{Fixture, code, text};

const ROLE: &str = "arn:aws:iam::123456789012:role/web";

async fn with_role() -> Fixture {
    let fixture = Fixture::new().await;
    let policy = r#"{"Statement":[]}"#;
    let input = json!({ "RoleName": "web", "AssumeRolePolicyDocument": policy });
    fixture.ask_of("iam", "CreateRole", input).await;
    fixture
}

#[tokio::test]
async fn a_role_can_be_assumed() {
    let fixture = with_role().await;
    let input = json!({ "RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 900 });
    let answer = fixture.ask_of("sts", "AssumeRole", input).await;
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        "arn:aws:sts::123456789012:assumed-role/web/me"
    );
    let credentials = &answer["Credentials"];
    assert!(text(&credentials["AccessKeyId"]).starts_with("ASIA"));
    assert_eq!(credentials["Expiration"], json!(1_700_000_900.0));
    assert!(!text(&credentials["SessionToken"]).is_empty());
}

#[tokio::test]
async fn what_cannot_be_assumed_is_refused() {
    let fixture = with_role().await;
    let with = |role: &str, name: &str, seconds: i32| json!({ "RoleArn": role, "RoleSessionName": name, "DurationSeconds": seconds });
    let mut restricted = with(ROLE, "me", 900);
    restricted["Policy"] = json!("{}");
    for (input, exception) in [
        (
            with("arn:aws:iam::123456789012:role/none", "me", 900),
            "AccessDenied",
        ),
        (
            with("arn:aws:iam::210987654321:role/web", "me", 900),
            "AccessDenied",
        ),
        (
            with("arn:aws:iam::123456789012:role/path/web", "me", 900),
            "AccessDenied",
        ),
        (with(ROLE, "m", 900), "ValidationError"),
        (with(ROLE, "m e", 900), "ValidationError"),
        (with(ROLE, "me", 899), "ValidationError"),
        (with(ROLE, "me", 3601), "ValidationError"),
        (restricted, "ValidationError"),
    ] {
        let refused = fixture.refused_of("sts", "AssumeRole", input.clone()).await;
        assert_eq!(code(refused), exception, "{input}");
    }
}
