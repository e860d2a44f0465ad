//! Credentials of tasks, and secrets in their payload.

use api::acs;
use domain::TaskArn;
use domain::task::Task;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Fixture, text};
use crate::sessions::payload;
use crate::vault::MasterKey;

async fn task(fixture: &Fixture, more: Value) -> TaskArn {
    fixture.instance().await;
    let mut input =
        json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": "web", "memory": 64 }] });
    for (name, value) in more.as_object().expect("an object") {
        input[name] = value.clone();
    }
    fixture.ask("RegisterTaskDefinition", input).await;
    let started = fixture.ask("RunTask", json!({ "taskDefinition": "web" })).await;
    TaskArn::parse(&text(&started["tasks"][0]["taskArn"])).expect("an ARN")
}

async fn role(fixture: &Fixture, name: &str) {
    let policy = r#"{"Statement":[]}"#;
    let input = json!({ "RoleName": name, "AssumeRolePolicyDocument": policy });
    fixture.ask_of("iam", "CreateRole", input).await;
}

fn issued(
    fixture: &Fixture,
    arn: &TaskArn,
    at: i64,
) -> Result<Vec<(RoleType, acs::IAMRoleCredentials)>, Unassumable> {
    let sessions = RoleSessions::new(&MasterKey([7; 32]));
    let issuer = Issuer {
        sessions: &sessions,
        now: Timestamp::from_second(at).expect("in range"),
    };
    fixture.store().read(|state| {
        let task = state.get::<Task>(arn).expect("is there");
        issuer.credentials(state, task)
    })
}

#[tokio::test]
async fn a_task_gets_credentials_of_its_roles() {
    let fixture = Fixture::new().await;
    role(&fixture, "execution").await;
    let arn = task(&fixture, json!({ "executionRoleArn": "execution" })).await;
    let first = issued(&fixture, &arn, 0).expect("the role is there");
    let [(RoleType::Execution, it)] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert_eq!(
        it.role_arn.as_deref(),
        Some("arn:aws:iam::123456789012:role/execution")
    );
    assert_eq!(it.expiration.as_deref(), Some("1970-01-01T06:00:00Z"));
    let (id, token) = (it.access_key_id.as_deref(), it.session_token.as_deref());
    let sessions = RoleSessions::new(&MasterKey([7; 32]));
    let opened = sessions.open(id.unwrap_or_default(), token.unwrap_or_default());
    let (claims, secret) = opened.expect("is ours");
    assert_eq!(claims.session.name, arn.name());
    assert_eq!(Some(secret), it.secret_access_key);
    let later = issued(&fixture, &arn, 3600).expect("the role is there");
    assert_eq!(later[0].1.credentials_id, it.credentials_id);
    assert_ne!(later[0].1.session_token, it.session_token);
}

#[tokio::test]
async fn a_role_that_is_not_there_is_named() {
    let fixture = Fixture::new().await;
    let arn = task(&fixture, json!({ "executionRoleArn": "execution" })).await;
    let refused = issued(&fixture, &arn, 0).expect_err("there is none");
    assert_eq!(refused.role, "arn:aws:iam::123456789012:role/execution");
    assert!(
        refused
            .to_string()
            .starts_with("ECS was unable to assume the role 'arn:")
    );
}

#[tokio::test]
async fn secrets_say_where_they_are() {
    let fixture = Fixture::new().await;
    for name in ["bare", "/slash"] {
        let input = json!({ "Name": name, "Value": "hunter2", "Type": "SecureString" });
        fixture.ask_of("ssm", "PutParameter", input).await;
    }
    let ssm = "arn:aws:ssm:us-east-1:123456789012:parameter";
    let asm = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:key::";
    let given = [
        "plain".to_owned(),
        format!("{ssm}/bare"),
        format!("{ssm}/slash"),
        format!("{ssm}/a/b"),
        asm.to_owned(),
    ];
    let secrets: Vec<Value> = given
        .iter()
        .enumerate()
        .map(|(index, it)| json!({ "name": format!("S{index}"), "valueFrom": it }))
        .collect();
    let container = json!([{ "name": "web", "image": "web", "memory": 64, "secrets": secrets }]);
    let input =
        json!({ "family": "web", "executionRoleArn": "execution", "containerDefinitions": container });
    fixture.ask("RegisterTaskDefinition", input).await;
    let rendered = fixture.store().read(|state| {
        let scope = domain::Scope::new("123456789012", "us-east-1");
        let definition = state
            .task_definitions_of_family(&scope, "web")
            .next()
            .expect("is there");
        payload::secrets_of(state, &scope, &definition.containers[0])
    });
    let rendered: Vec<[String; 3]> = rendered
        .unwrap_or_default()
        .into_iter()
        .map(|it| [it.provider, it.region, it.value_from].map(Option::unwrap_or_default))
        .collect();
    let expected = [
        ["ssm", "us-east-1", "plain"],
        ["ssm", "us-east-1", "bare"],
        ["ssm", "us-east-1", "/slash"],
        ["ssm", "us-east-1", "/a/b"],
        ["asm", "us-east-1", asm],
    ];
    assert_eq!(rendered, expected);
}
