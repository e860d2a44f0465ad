//! Placement rules through the CLI, on the one container instance that a Gantry has.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

const LINUX: &str = "attribute:ecs.os-type == linux and attribute:ecs.availability-zone =~ us-east-1[a-c]";

fn service(world: &World) -> Result<Value> {
    let output = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?;
    Ok(output["services"][0].clone())
}

#[test]
fn placement_rules_decide_where_tasks_go_and_say_why_they_do_not() -> Result<()> {
    let world = World::new()?;
    let definition = world.register(
        "web",
        json!({ "placementConstraints": [{ "type": "memberOf", "expression": LINUX }] }),
        json!({}),
    )?;
    let distinct = world.aws.json(&[
        "ecs",
        "run-task",
        "--task-definition",
        &definition,
        "--count",
        "2",
        "--placement-constraints",
        "type=distinctInstance",
        "--placement-strategy",
        "type=spread,field=attribute:ecs.availability-zone",
        "type=binpack,field=memory",
    ])?;
    assert_eq!(
        distinct["tasks"].as_array().map(Vec::len),
        Some(1),
        "{distinct:#}"
    );
    assert_eq!(
        distinct["failures"][0]["reason"], "DistinctInstance placement constraint unsatisfied.",
        "{distinct:#}"
    );
    let task = text(&distinct["tasks"][0]["taskArn"]);
    world.wait_for(&task, "RUNNING")?;

    let listed = |filter: &str| -> Result<usize> {
        let output = world
            .aws
            .json(&["ecs", "list-container-instances", "--filter", filter])?;
        Ok(output["containerInstanceArns"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(listed("task:group == family:web and runningTasksCount == 1")?, 1);
    assert_eq!(listed("not(task:group == family:web)")?, 0);
    let refused = world
        .aws
        .output(&["ecs", "list-container-instances", "--filter", "attribute:a = b"])?;
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        message.contains("(InvalidParameterException)")
            && message.contains("Invalid expression. At character 13"),
        "{message}"
    );
    Ok(())
}

#[test]
fn a_service_waits_for_its_placement_rules_until_they_are_cleared() -> Result<()> {
    let world = World::new()?;
    let definition = world.register("web", json!({}), json!({}))?;
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &definition,
        "--desired-count",
        "2",
        "--placement-constraints",
        "type=memberOf,expression=attribute:ecs.os-type == windows",
    ])?;
    wait::until("the refusal", DEADLINE, || {
        let expected = "encountered error \"MemberOf placement constraint unsatisfied.\"";
        let events = service(&world)?["events"].clone();
        let messages = events
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| text(&it["message"]));
        Ok(messages.into_iter().any(|it| it.contains(expected)).then_some(()))
    })?;
    let update = |constraints: &str| {
        world.aws.json(&[
            "ecs",
            "update-service",
            "--service",
            "web",
            "--placement-constraints",
            constraints,
        ])
    };
    update(r#"[{"type": "distinctInstance"}]"#)?;
    world.wait_running("web", 1)?;
    let updated = update("[]")?;
    assert_eq!(
        updated["service"]["placementConstraints"],
        json!([]),
        "{updated:#}"
    );
    world.wait_running("web", 2)?;
    Ok(())
}
