//! Signatures of role sessions.

use domain::access_key::RoleSession;
use domain::role::Role;
use serde_json::json;
use wire::sigv4::{Signer, sign};

use super::*;
use crate::fixture::Fixture;
use crate::role_sessions::{Claims, Credentials};

/// The fixture's clock stands there.
const NOW: i64 = 1_700_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

async fn role(fixture: &Fixture) -> Role {
    let policy = r#"{"Statement":[]}"#;
    let input = json!({ "RoleName": "web", "AssumeRolePolicyDocument": policy });
    fixture.ask_of("iam", "CreateRole", input).await;
    let role = fixture
        .store()
        .read(|state| state.role("123456789012", "web").cloned());
    Role::clone(&role.expect("is there"))
}

fn issue(fixture: &Fixture, role: &Role) -> Credentials {
    let claims = Claims {
        account: role.account.clone(),
        session: RoleSession {
            role: role.name.clone(),
            role_id: role.id.clone(),
            name: "task".to_owned(),
        },
        expires_at: NOW + 900,
    };
    fixture
        .control_plane()
        .role_sessions
        .issue(&claims)
        .expect("random bytes")
}

fn call(
    fixture: &Fixture,
    credentials: &Credentials,
    token: Option<&str>,
    now: i64,
) -> Result<String, &'static str> {
    let request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("host", "gantry");
    let (mut parts, ()) = request.body(()).expect("is valid").into_parts();
    let signer = Signer {
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        region: "us-east-1",
        service: "ecs",
        session_token: token,
    };
    sign(&signer, &mut parts, b"body", at(now));
    let caller = verify(fixture.control_plane(), "ecs", &parts, b"body", at(now));
    caller.map(|it| it.arn()).map_err(|it| it.json_code)
}

#[tokio::test]
async fn a_session_signs_until_it_ends() {
    let fixture = Fixture::new().await;
    let role = role(&fixture).await;
    let credentials = issue(&fixture, &role);
    let token = Some(credentials.session_token.as_str());
    let arn = "arn:aws:sts::123456789012:assumed-role/web/task";
    assert_eq!(call(&fixture, &credentials, token, NOW).as_deref(), Ok(arn));
    assert_eq!(call(&fixture, &credentials, token, NOW + 899).as_deref(), Ok(arn));
    assert_eq!(
        call(&fixture, &credentials, token, NOW + 900),
        Err("ExpiredTokenException")
    );
    let other = issue(&fixture, &role);
    for token in [None, Some("x"), Some(other.session_token.as_str())] {
        let refused = call(&fixture, &credentials, token, NOW);
        assert_eq!(refused, Err("UnrecognizedClientException"));
    }
    let forged = Credentials {
        secret_access_key: other.secret_access_key,
        ..credentials.clone()
    };
    assert_eq!(
        call(&fixture, &forged, token, NOW),
        Err("InvalidSignatureException")
    );
}

#[tokio::test]
async fn a_session_ends_with_its_role() {
    let fixture = Fixture::new().await;
    let first = role(&fixture).await;
    let credentials = issue(&fixture, &first);
    let token = Some(credentials.session_token.as_str());
    fixture
        .ask_of("iam", "DeleteRole", json!({ "RoleName": "web" }))
        .await;
    assert_eq!(
        call(&fixture, &credentials, token, NOW),
        Err("UnrecognizedClientException")
    );
    role(&fixture).await;
    assert_eq!(
        call(&fixture, &credentials, token, NOW),
        Err("UnrecognizedClientException")
    );
}
