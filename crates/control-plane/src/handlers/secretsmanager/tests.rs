//! Secrets Manager, asked as clients ask it.

use std::time::Duration;

use api::secretsmanager as sm;
use serde_json::{Value, json};

use super::password::password;
use crate::fixture::{Fixture, code, text};

const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TWO: &str = "22222222-2222-2222-2222-222222222222";
const SERVICE: &str = "secretsmanager";

async fn create(fixture: &Fixture) -> String {
    let input = json!({ "Name": "prod/db", "SecretString": "one", "ClientRequestToken": ONE });
    let made = fixture.ask_of(SERVICE, "CreateSecret", input).await;
    assert_eq!(made["VersionId"], ONE);
    text(&made["ARN"])
}

async fn put(fixture: &Fixture, token: &str, value: &str) -> Value {
    let input = json!({ "SecretId": "prod/db", "SecretString": value, "ClientRequestToken": token });
    fixture.ask_of(SERVICE, "PutSecretValue", input).await
}

async fn value(fixture: &Fixture, input: Value) -> String {
    text(&fixture.ask_of(SERVICE, "GetSecretValue", input).await["SecretString"])
}

async fn refused(fixture: &Fixture, operation: &str, input: Value) -> (String, String) {
    fixture.refused_of(SERVICE, operation, input).await
}

#[tokio::test]
async fn a_secret_is_found_by_name_and_arn() {
    let fixture = Fixture::new().await;
    let arn = create(&fixture).await;
    let (head, suffix) = arn.rsplit_once('-').expect("a suffix");
    assert_eq!(
        head,
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db"
    );
    assert_eq!(suffix.len(), 6);
    for id in ["prod/db", &arn, head] {
        assert_eq!(value(&fixture, json!({ "SecretId": id })).await, "one", "{id}");
    }
    for id in [
        "prod",
        &format!("{head}-XXXXXX"),
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db",
    ] {
        let (exception, message) = refused(&fixture, "GetSecretValue", json!({ "SecretId": id })).await;
        assert_eq!(exception, "ResourceNotFoundException", "{id}");
        assert_eq!(message, "Secrets Manager can't find the specified secret.");
    }
}

#[tokio::test]
async fn labels_follow_the_values() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    let made = put(&fixture, TWO, "two").await;
    assert_eq!(made["VersionStages"], json!(["AWSCURRENT"]));
    for (input, expected) in [
        (json!({ "SecretId": "prod/db" }), "two"),
        (
            json!({ "SecretId": "prod/db", "VersionStage": "AWSPREVIOUS" }),
            "one",
        ),
        (json!({ "SecretId": "prod/db", "VersionId": ONE }), "one"),
        (
            json!({ "SecretId": "prod/db", "VersionId": TWO, "VersionStage": "AWSCURRENT" }),
            "two",
        ),
    ] {
        assert_eq!(value(&fixture, input.clone()).await, expected, "{input}");
    }
    let other = json!({ "SecretId": "prod/db", "VersionId": ONE, "VersionStage": "AWSCURRENT" });
    assert_eq!(
        code(refused(&fixture, "GetSecretValue", other).await),
        "InvalidRequestException"
    );
    let pending = json!({ "SecretId": "prod/db", "VersionStage": "AWSPENDING" });
    let (exception, message) = refused(&fixture, "GetSecretValue", pending).await;
    assert_eq!(exception, "ResourceNotFoundException");
    assert_eq!(
        message,
        "Secrets Manager can't find the specified secret value for staging label: AWSPENDING"
    );
}

#[tokio::test]
async fn a_rotation_moves_the_current_label() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    let pending = json!({
        "SecretId": "prod/db", "SecretString": "two", "ClientRequestToken": TWO, "VersionStages": ["AWSPENDING"],
    });
    fixture.ask_of(SERVICE, "PutSecretValue", pending).await;
    assert_eq!(value(&fixture, json!({ "SecretId": "prod/db" })).await, "one");
    let mut step = json!({ "SecretId": "prod/db", "VersionStage": "AWSCURRENT", "MoveToVersionId": TWO });
    let (exception, message) = refused(&fixture, "UpdateSecretVersionStage", step.clone()).await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(message.starts_with("The parameter RemoveFromVersionId can't be empty."));
    step["RemoveFromVersionId"] = json!(ONE);
    fixture.ask_of(SERVICE, "UpdateSecretVersionStage", step).await;
    let described = fixture
        .ask_of(SERVICE, "DescribeSecret", json!({ "SecretId": "prod/db" }))
        .await;
    assert_eq!(
        described["VersionIdsToStages"],
        json!({ ONE: ["AWSPREVIOUS"], TWO: ["AWSCURRENT", "AWSPENDING"] })
    );
    let remove = json!({ "SecretId": "prod/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": TWO });
    let (_, message) = refused(&fixture, "UpdateSecretVersionStage", remove).await;
    assert!(message.starts_with("You can only move staging label AWSCURRENT"));
    let remove = json!({ "SecretId": "prod/db", "VersionStage": "AWSPENDING", "RemoveFromVersionId": TWO });
    fixture.ask_of(SERVICE, "UpdateSecretVersionStage", remove).await;
    let missing = json!({ "SecretId": "prod/db", "VersionStage": "X", "MoveToVersionId": "x".repeat(32) });
    let missing = refused(&fixture, "UpdateSecretVersionStage", missing).await;
    assert_eq!(code(missing), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_repeated_request_changes_nothing() {
    let fixture = Fixture::new().await;
    let arn = create(&fixture).await;
    assert_eq!(create(&fixture).await, arn);
    put(&fixture, TWO, "two").await;
    put(&fixture, TWO, "two").await;
    assert_eq!(
        value(
            &fixture,
            json!({ "SecretId": "prod/db", "VersionStage": "AWSPREVIOUS" })
        )
        .await,
        "one"
    );
    let other = json!({ "SecretId": "prod/db", "SecretString": "three", "ClientRequestToken": TWO });
    for operation in ["PutSecretValue", "UpdateSecret"] {
        let (exception, message) = refused(&fixture, operation, other.clone()).await;
        assert_eq!(exception, "ResourceExistsException");
        assert!(
            message.starts_with("You can't use ClientRequestToken"),
            "{message}"
        );
        assert!(!message.contains("three"), "{message}");
    }
    let (exception, message) = refused(&fixture, "CreateSecret", json!({ "Name": "prod/db" })).await;
    assert_eq!(exception, "ResourceExistsException");
    assert_eq!(
        message,
        "The operation failed because the secret prod/db already exists."
    );
}

#[tokio::test]
async fn versions_without_labels_are_listed_if_asked_for() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    for (token, text) in [(TWO, "two"), (&ONE.replace('1', "3"), "three")] {
        put(&fixture, token, text).await;
    }
    for (deprecated, count) in [(false, 2), (true, 3)] {
        let input = json!({ "SecretId": "prod/db", "IncludeDeprecated": deprecated });
        let listed = fixture.ask_of(SERVICE, "ListSecretVersionIds", input).await;
        assert_eq!(listed["Versions"].as_array().map(Vec::len), Some(count));
    }
}

#[tokio::test]
async fn a_deletion_can_be_taken_back() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    let id = json!({ "SecretId": "prod/db" });
    let deleted = fixture
        .ask_of(
            SERVICE,
            "DeleteSecret",
            json!({ "SecretId": "prod/db", "RecoveryWindowInDays": 7 }),
        )
        .await;
    assert_eq!(deleted["DeletionDate"], json!(1_700_604_800.0));
    for operation in ["GetSecretValue", "UpdateSecret", "DeleteSecret"] {
        let (exception, message) = refused(&fixture, operation, id.clone()).await;
        assert_eq!(exception, "InvalidRequestException", "{operation}");
        assert!(message.contains("marked for deletion"), "{message}");
    }
    let again = refused(&fixture, "CreateSecret", json!({ "Name": "prod/db" })).await;
    assert!(again.1.contains("already scheduled for deletion"), "{}", again.1);
    for (planned, count) in [(false, 0), (true, 1)] {
        let input = json!({ "IncludePlannedDeletion": planned });
        let listed = fixture.ask_of(SERVICE, "ListSecrets", input).await;
        assert_eq!(listed["SecretList"].as_array().map(Vec::len), Some(count));
    }
    fixture.ask_of(SERVICE, "RestoreSecret", id.clone()).await;
    assert_eq!(value(&fixture, id.clone()).await, "one");
    let force = json!({ "SecretId": "prod/db", "ForceDeleteWithoutRecovery": true });
    fixture.ask_of(SERVICE, "DeleteSecret", force).await;
    assert_eq!(
        code(refused(&fixture, "DescribeSecret", id).await),
        "ResourceNotFoundException"
    );
    // Another of the same name is another secret.
    create(&fixture).await;
}

#[tokio::test]
async fn what_is_not_valid_is_refused() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    let long = "x".repeat(65_537);
    for (operation, input, exception) in [
        ("CreateSecret", json!({ "Name": "a b" }), "ValidationException"),
        (
            "CreateSecret",
            json!({ "Name": "n", "ClientRequestToken": "short" }),
            "ValidationException",
        ),
        (
            "CreateSecret",
            json!({ "Name": "n", "SecretString": long }),
            "ValidationException",
        ),
        (
            "CreateSecret",
            json!({ "Name": "n", "SecretString": "s", "SecretBinary": "Ymlu" }),
            "InvalidParameterException",
        ),
        (
            "CreateSecret",
            json!({ "Name": "n", "KmsKeyId": "k" }),
            "InvalidParameterException",
        ),
        (
            "CreateSecret",
            json!({ "Name": "n", "AddReplicaRegions": [{ "Region": "eu-west-1" }] }),
            "InvalidParameterException",
        ),
        (
            "PutSecretValue",
            json!({ "SecretId": "prod/db" }),
            "InvalidParameterException",
        ),
        (
            "PutSecretValue",
            json!({ "SecretId": "none", "SecretString": "s" }),
            "ResourceNotFoundException",
        ),
        (
            "DeleteSecret",
            json!({ "SecretId": "prod/db", "RecoveryWindowInDays": 6 }),
            "InvalidParameterException",
        ),
        (
            "DeleteSecret",
            json!({ "SecretId": "prod/db", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true }),
            "InvalidParameterException",
        ),
    ] {
        let (code, message) = refused(&fixture, operation, input).await;
        assert_eq!(code, exception, "{operation}: {message}");
        assert!(message.len() < 500, "{operation} repeats the value");
    }
}

#[tokio::test]
async fn what_cannot_be_listed_or_made_is_refused() {
    let fixture = Fixture::new().await;
    let colour = json!({ "Filters": [{ "Key": "colour", "Values": ["red"] }] });
    for (operation, input, exception) in [
        ("ListSecrets", json!({ "MaxResults": 0 }), "ValidationException"),
        (
            "ListSecrets",
            json!({ "NextToken": "x" }),
            "InvalidNextTokenException",
        ),
        ("ListSecrets", colour, "ValidationException"),
        (
            "GetRandomPassword",
            json!({ "PasswordLength": 3 }),
            "InvalidParameterException",
        ),
    ] {
        let (code, message) = refused(&fixture, operation, input).await;
        assert_eq!(code, exception, "{operation}: {message}");
    }
}

#[tokio::test]
async fn bytes_and_descriptions_are_kept() {
    let fixture = Fixture::new().await;
    let input = json!({ "Name": "bytes", "SecretBinary": "AAEC", "Description": "Three bytes" });
    fixture.ask_of(SERVICE, "CreateSecret", input).await;
    let id = json!({ "SecretId": "bytes" });
    let got = fixture.ask_of(SERVICE, "GetSecretValue", id.clone()).await;
    assert_eq!(
        (&got["SecretBinary"], &got["SecretString"]),
        (&json!("AAEC"), &Value::Null)
    );
    let update = json!({ "SecretId": "bytes", "Description": "changed" });
    let updated = fixture.ask_of(SERVICE, "UpdateSecret", update).await;
    assert_eq!(updated["VersionId"], Value::Null);
    let described = fixture.ask_of(SERVICE, "DescribeSecret", id).await;
    assert_eq!(described["Description"], "changed");
    // Midnight of the day of the reading.
    assert_eq!(described["LastAccessedDate"], json!(1_699_920_000.0));
}

#[tokio::test]
async fn secrets_are_filtered_and_paged() {
    let fixture = Fixture::new().await;
    for (name, team) in [("a/1", "web"), ("a/2", "ops"), ("b", "web")] {
        fixture.clock.advance(Duration::from_secs(1));
        let tags = json!([{ "Key": "team", "Value": team }]);
        let input = json!({ "Name": name, "Tags": tags, "Description": "password of a service" });
        fixture.ask_of(SERVICE, "CreateSecret", input).await;
    }
    let names = async |input: Value| {
        let listed = fixture.ask_of(SERVICE, "ListSecrets", input).await;
        let list = listed["SecretList"].as_array().expect("a list");
        (
            list.iter().map(|it| text(&it["Name"])).collect::<Vec<_>>(),
            listed["NextToken"].clone(),
        )
    };
    for (key, given, expected) in [
        ("name", "a/", vec!["a/2", "a/1"]),
        ("name", "!a/", vec!["b"]),
        ("tag-value", "web", vec!["b", "a/1"]),
        ("tag-key", "te", vec!["b", "a/2", "a/1"]),
        ("description", "SERV", vec!["b", "a/2", "a/1"]),
        ("all", "ops", vec!["a/2"]),
        ("owning-service", "rds", vec![]),
    ] {
        let filters = json!([{ "Key": key, "Values": [given] }]);
        assert_eq!(
            names(json!({ "Filters": filters })).await.0,
            expected,
            "{key} {given}"
        );
    }
    let (first, token) = names(json!({ "SortBy": "name", "MaxResults": 2 })).await;
    let (second, end) = names(json!({ "SortBy": "name", "MaxResults": 2, "NextToken": token })).await;
    assert_eq!(
        (first, second, end),
        (
            vec!["a/1".into(), "a/2".into()],
            vec!["b".to_owned()],
            Value::Null
        )
    );
}

#[tokio::test]
async fn tags_come_and_go() {
    let fixture = Fixture::new().await;
    create(&fixture).await;
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    let input = json!({ "SecretId": "prod/db", "Tags": tags });
    fixture.ask_of(SERVICE, "TagResource", input).await;
    let input = json!({ "SecretId": "prod/db", "TagKeys": ["a"] });
    fixture.ask_of(SERVICE, "UntagResource", input).await;
    let described = fixture
        .ask_of(SERVICE, "DescribeSecret", json!({ "SecretId": "prod/db" }))
        .await;
    assert_eq!(described["Tags"], json!([{ "Key": "b", "Value": "2" }]));
}

#[tokio::test]
async fn nothing_in_the_state_shows_a_value() {
    let fixture = Fixture::new().await;
    let input = json!({ "Name": "n", "SecretString": "hunter2" });
    fixture.ask_of(SERVICE, "CreateSecret", input).await;
    let state = fixture.store().read(|state| {
        let versions = state.all::<domain::secret::SecretVersion>();
        let encoded = versions.map(|it| format!("{it:?} {}", serde_json::to_string(&**it).expect("encodes")));
        encoded.collect::<String>()
    });
    assert!(
        state.contains("us-east-1") && !state.contains("hunter2"),
        "{state}"
    );
}

#[test]
fn passwords_have_what_is_asked_for() {
    let mut state = 7_usize;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Ok((state >> 33) % bound)
    };
    for _ in 0..50 {
        let input = sm::GetRandomPasswordInput {
            password_length: Some(5),
            include_space: Some(true),
            exclude_characters: Some("abc".to_owned()),
            ..sm::GetRandomPasswordInput::default()
        };
        let made = password(&input, &mut below).expect("can be made");
        let has = |is: fn(char) -> bool| made.chars().any(is);
        assert_eq!(made.len(), 5);
        assert!(
            has(|it| it.is_ascii_lowercase()) && has(|it| it.is_ascii_uppercase()),
            "{made}"
        );
        assert!(
            has(|it| it.is_ascii_digit()) && has(|it| it.is_ascii_punctuation()),
            "{made}"
        );
        assert!(has(|it| it == ' ') && !made.contains(['a', 'b', 'c']), "{made}");
    }
}
