//! Roles, asked for as clients do.

use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

async fn create(fixture: &Fixture, name: &str) -> Value {
    let input = json!({ "RoleName": name, "Path": "/app/", "AssumeRolePolicyDocument": TRUST });
    fixture.ask_of("iam", "CreateRole", input).await["Role"].clone()
}

async fn refused(fixture: &Fixture, operation: &str, input: Value) -> (String, String) {
    fixture.refused_of("iam", operation, input).await
}

#[tokio::test]
async fn roles_come_and_go() {
    let fixture = Fixture::new().await;
    let made = create(&fixture, "web").await;
    assert_eq!(made["Arn"], "arn:aws:iam::123456789012:role/app/web");
    assert!(text(&made["RoleId"]).starts_with("AROA"));
    assert_eq!(made["MaxSessionDuration"], 3600);
    assert!(text(&made["AssumeRolePolicyDocument"]).starts_with("%7B%22Version%22%3A"));
    let again = json!({ "RoleName": "WEB", "AssumeRolePolicyDocument": TRUST });
    assert_eq!(
        code(refused(&fixture, "CreateRole", again).await),
        "EntityAlreadyExists"
    );
    let update = json!({ "RoleName": "web", "MaxSessionDuration": 7200, "Description": "changed" });
    fixture.ask_of("iam", "UpdateRole", update).await;
    let got = fixture
        .ask_of("iam", "GetRole", json!({ "RoleName": "web" }))
        .await;
    assert_eq!(
        (&got["Role"]["MaxSessionDuration"], &got["Role"]["Description"]),
        (&json!(7200), &json!("changed"))
    );
    // Terraform asks before it deletes a role.
    let role = json!({ "RoleName": "web" });
    let profiles = fixture
        .ask_of("iam", "ListInstanceProfilesForRole", role.clone())
        .await;
    assert_eq!(profiles, json!({ "InstanceProfiles": [], "IsTruncated": false }));
    let gone = json!({ "RoleName": "gone" });
    let gone = refused(&fixture, "ListInstanceProfilesForRole", gone).await;
    assert_eq!(code(gone), "NoSuchEntity");
    create(&fixture, "api").await;
    let listed = fixture
        .ask_of(
            "iam",
            "ListRoles",
            json!({ "PathPrefix": "/app/", "MaxItems": 1 }),
        )
        .await;
    assert_eq!(
        (&listed["IsTruncated"], &listed["Roles"][0]["RoleName"]),
        (&json!(true), &json!("api"))
    );
    let rest = json!({ "PathPrefix": "/app/", "MaxItems": 1, "Marker": listed["Marker"] });
    let rest = fixture.ask_of("iam", "ListRoles", rest).await;
    assert_eq!(
        (&rest["IsTruncated"], &rest["Roles"][0]["RoleName"]),
        (&json!(false), &json!("web"))
    );
    fixture
        .ask_of("iam", "DeleteRole", json!({ "RoleName": "web" }))
        .await;
    let (exception, message) = refused(&fixture, "GetRole", json!({ "RoleName": "web" })).await;
    assert_eq!(
        (exception.as_str(), message.as_str()),
        ("NoSuchEntity", "The role with name web cannot be found.")
    );
}

#[tokio::test]
async fn policies_are_kept() {
    let fixture = Fixture::new().await;
    create(&fixture, "web").await;
    let policy = json!({ "RoleName": "web", "PolicyName": "p", "PolicyDocument": TRUST });
    fixture.ask_of("iam", "PutRolePolicy", policy).await;
    let name = json!({ "RoleName": "web", "PolicyName": "p" });
    let got = fixture.ask_of("iam", "GetRolePolicy", name.clone()).await;
    assert!(text(&got["PolicyDocument"]).contains("%222012-10-17%22"));
    let arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    let attached = json!({ "RoleName": "web", "PolicyArn": arn });
    fixture.ask_of("iam", "AttachRolePolicy", attached.clone()).await;
    fixture.ask_of("iam", "AttachRolePolicy", attached.clone()).await;
    let role = json!({ "RoleName": "web" });
    let listed = fixture
        .ask_of("iam", "ListAttachedRolePolicies", role.clone())
        .await;
    assert_eq!(
        listed["AttachedPolicies"],
        json!([{ "PolicyArn": arn, "PolicyName": "AmazonECSTaskExecutionRolePolicy" }])
    );
    let listed = fixture.ask_of("iam", "ListRolePolicies", role.clone()).await;
    assert_eq!(listed["PolicyNames"], json!(["p"]));
    let (exception, message) = refused(&fixture, "DeleteRole", role.clone()).await;
    assert_eq!(exception, "DeleteConflict");
    assert_eq!(message, "Cannot delete entity, must detach all policies first.");
    fixture.ask_of("iam", "DetachRolePolicy", attached.clone()).await;
    let (_, message) = refused(&fixture, "DeleteRole", role.clone()).await;
    assert_eq!(message, "Cannot delete entity, must delete policies first.");
    fixture.ask_of("iam", "DeleteRolePolicy", name.clone()).await;
    for (operation, input) in [
        ("DetachRolePolicy", attached),
        ("DeleteRolePolicy", name.clone()),
        ("GetRolePolicy", name),
    ] {
        assert_eq!(
            code(refused(&fixture, operation, input).await),
            "NoSuchEntity",
            "{operation}"
        );
    }
    fixture.ask_of("iam", "DeleteRole", role).await;
}

#[tokio::test]
async fn what_is_not_valid_is_refused() {
    let fixture = Fixture::new().await;
    create(&fixture, "web").await;
    let with = |name: &str, member: &str, value: Value| {
        let mut input = json!({ "RoleName": name, "AssumeRolePolicyDocument": TRUST });
        input[member] = value;
        input
    };
    let own = "arn:aws:iam::123456789012:policy/own";
    for (operation, input, exception) in [
        ("CreateRole", with("a b", "Path", json!("/")), "ValidationError"),
        (
            "CreateRole",
            with(&"x".repeat(65), "Path", json!("/")),
            "ValidationError",
        ),
        ("CreateRole", with("n", "Path", json!("app")), "ValidationError"),
        (
            "CreateRole",
            with("n", "MaxSessionDuration", json!(60)),
            "ValidationError",
        ),
        (
            "CreateRole",
            with("n", "PermissionsBoundary", json!(own)),
            "InvalidInput",
        ),
        (
            "CreateRole",
            with("n", "AssumeRolePolicyDocument", json!("{")),
            "MalformedPolicyDocument",
        ),
        (
            "PutRolePolicy",
            json!({ "RoleName": "web", "PolicyName": "p", "PolicyDocument": "{}" }),
            "MalformedPolicyDocument",
        ),
        (
            "PutRolePolicy",
            json!({ "RoleName": "none", "PolicyName": "p", "PolicyDocument": TRUST }),
            "NoSuchEntity",
        ),
        (
            "AttachRolePolicy",
            json!({ "RoleName": "web", "PolicyArn": own }),
            "NoSuchEntity",
        ),
        (
            "AttachRolePolicy",
            json!({ "RoleName": "web", "PolicyArn": "arn:aws:s3:::bucket" }),
            "ValidationError",
        ),
        ("ListRoles", json!({ "MaxItems": 0 }), "ValidationError"),
        ("ListRoles", json!({ "Marker": "x" }), "ValidationError"),
    ] {
        let (code, message) = refused(&fixture, operation, input.clone()).await;
        assert_eq!(code, exception, "{operation} {input}: {message}");
    }
}

#[tokio::test]
async fn tags_come_and_go() {
    let fixture = Fixture::new().await;
    create(&fixture, "web").await;
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    fixture
        .ask_of("iam", "TagRole", json!({ "RoleName": "web", "Tags": tags }))
        .await;
    fixture
        .ask_of("iam", "UntagRole", json!({ "RoleName": "web", "TagKeys": ["a"] }))
        .await;
    let listed = fixture
        .ask_of("iam", "ListRoleTags", json!({ "RoleName": "web" }))
        .await;
    assert_eq!(listed["Tags"], json!([{ "Key": "b", "Value": "2" }]));
}

#[tokio::test]
async fn a_role_that_came_with_the_account_can_be_made_once() {
    let fixture = Fixture::new().await;
    let defaults = fixture.store().transact(|tx| {
        orchestrator::transitions::create_default_roles(tx, "123456789012");
        Ok::<_, std::convert::Infallible>(())
    });
    defaults.await.expect("written");
    let name = "ecsTaskExecutionRole";
    let make = json!({ "RoleName": name, "AssumeRolePolicyDocument": TRUST });
    let made = fixture.ask_of("iam", "CreateRole", make.clone()).await;
    assert_eq!(made["Role"]["RoleName"], name);
    let attached = fixture
        .ask_of("iam", "ListAttachedRolePolicies", json!({ "RoleName": name }))
        .await;
    assert_eq!(attached["AttachedPolicies"], json!([]));
    assert_eq!(
        code(refused(&fixture, "CreateRole", make).await),
        "EntityAlreadyExists"
    );
    let of_ecs = json!({ "RoleName": "AWSServiceRoleForECS", "AssumeRolePolicyDocument": TRUST });
    assert_eq!(
        code(refused(&fixture, "CreateRole", of_ecs).await),
        "EntityAlreadyExists"
    );
}
