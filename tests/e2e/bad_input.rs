//! What Amazon refuses, Gantry refuses, in the same words.

use anyhow::Result;
use serde_json::json;
use test_support::aws::Aws;

use crate::world::World;

#[test]
fn signatures_are_checked() -> Result<()> {
    let world = World::new()?;
    let identity = world.aws.json(&["sts", "get-caller-identity"])?;
    assert_eq!(identity["Arn"], "arn:aws:iam::123456789012:root");
    let stranger = Aws::of(&world.gantry)?.with_key("AKIASTRANGER00000000", "whatever-it-may-be-0000");
    let error = stranger.error(&["ecs", "list-clusters"])?;
    assert!(error.contains("UnrecognizedClientException"), "{error}");
    let error = stranger.error(&["sts", "get-caller-identity"])?;
    assert!(error.contains("InvalidClientTokenId"), "{error}");
    let forger =
        Aws::of(&world.gantry)?.with_key(test_support::gantry::ACCESS_KEY_ID, "another-secret-000000");
    let error = forger.error(&["ecs", "list-clusters"])?;
    assert!(error.contains("InvalidSignatureException"), "{error}");
    Ok(())
}

#[test]
fn unknown_names_get_ecs_errors() -> Result<()> {
    let world = World::new()?;
    let cases: [(&[&str], &str); 9] = [
        (
            &["ecs", "list-tasks", "--cluster", "nowhere"],
            "(ClusterNotFoundException)",
        ),
        (
            &["ecs", "run-task", "--task-definition", "nothing"],
            "TaskDefinition not found.",
        ),
        (
            &["ecs", "describe-task-definition", "--task-definition", "nothing"],
            "Unable to describe task definition.",
        ),
        (
            &["ecs", "stop-task", "--task", "0123456789abcdef0123456789abcdef"],
            "The referenced task was not found.",
        ),
        (
            &[
                "ecs",
                "update-service",
                "--service",
                "nothing",
                "--desired-count",
                "1",
            ],
            "(ServiceNotFoundException)",
        ),
        (
            &["ecs", "delete-service", "--service", "nothing"],
            "(ServiceNotFoundException)",
        ),
        (
            &[
                "ecs",
                "deregister-task-definition",
                "--task-definition",
                "nothing:1",
            ],
            "does not exist",
        ),
        (
            &["ecs", "list-tasks", "--next-token", "forged"],
            "(InvalidParameterException)",
        ),
        (
            &["ecs", "create-cluster", "--cluster-name", "a b"],
            "(InvalidParameterException)",
        ),
    ];
    for (arguments, expected) in cases {
        let error = world.aws.error(arguments)?;
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let missing = world
        .aws
        .json(&["ecs", "describe-services", "--services", "nothing"])?;
    assert_eq!(missing["failures"][0]["reason"], "MISSING", "{missing:#}");
    Ok(())
}

#[test]
fn what_is_not_built_is_refused() -> Result<()> {
    let world = World::new()?;
    let error = world.aws.error(&["ecs", "list-daemons"])?;
    assert!(error.contains("UnsupportedFeatureException"), "{error}");
    let error = world.aws.error(&["logs", "describe-destinations"])?;
    assert!(error.contains("UnknownOperationException"), "{error}");
    let error = world.aws.error(&["sts", "get-session-token"])?;
    assert!(error.contains("InvalidAction"), "{error}");
    let faulty = json!({ "enableFaultInjection": true, "networkMode": "host" });
    let error = world
        .register("faulty", faulty, json!({}))
        .expect_err("not obeyed yet")
        .to_string();
    assert!(
        error.contains("enableFaultInjection is not supported by Gantry yet"),
        "{error}"
    );
    Ok(())
}
