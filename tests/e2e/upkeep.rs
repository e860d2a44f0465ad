//! What operators do around tasks: tags, settings, attributes, draining and protection, by the AWS CLI.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// `aws ecs <arguments>`
fn ecs(world: &World, arguments: &[&str]) -> Result<Value> {
    world.aws.json(&[&["ecs"], arguments].concat())
}

fn instance(world: &World) -> Result<String> {
    Ok(text(
        &ecs(world, &["list-container-instances"])?["containerInstanceArns"][0],
    ))
}

/// A service `web` whose tasks run.
fn service(world: &World, count: usize) -> Result<Vec<String>> {
    let definition = world.register("web", json!({}), json!({}))?;
    let count_text = count.to_string();
    let create = [
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &definition,
        "--desired-count",
        &count_text,
    ];
    ecs(world, &create)?;
    let tasks = world.wait_running("web", count)?;
    Ok(tasks.iter().map(|it| text(&it["taskArn"])).collect())
}

#[test]
fn upkeep_of_tags() -> Result<()> {
    let world = World::new()?;
    let cluster = text(&ecs(&world, &["describe-clusters"])?["clusters"][0]["clusterArn"]);
    let tags = ["--tags", "key=team,value=web", "key=stage,value=test"];
    world
        .aws
        .output(&[&["ecs", "tag-resource", "--resource-arn", &cluster], &tags[..]].concat())?;
    let untag = [
        "ecs",
        "untag-resource",
        "--resource-arn",
        &cluster,
        "--tag-keys",
        "stage",
    ];
    world.aws.output(&untag)?;
    let list = ["list-tags-for-resource", "--resource-arn", &cluster];
    assert_eq!(
        ecs(&world, &list)?,
        json!({ "tags": [{ "key": "team", "value": "web" }] })
    );
    let reserved = [
        "ecs",
        "tag-resource",
        "--resource-arn",
        &cluster,
        "--tags",
        "key=aws:x,value=y",
    ];
    let error = world.aws.error(&reserved)?;
    assert!(
        error.contains("aws: prefixed tag key names are not allowed for external use."),
        "{error}"
    );
    Ok(())
}

#[test]
fn upkeep_of_settings_and_clusters() -> Result<()> {
    let world = World::new()?;
    let insights = ["--name", "containerInsights", "--value", "enhanced"];
    ecs(
        &world,
        &[&["put-account-setting-default"], &insights[..]].concat(),
    )?;
    let created = ecs(&world, &["create-cluster", "--cluster-name", "lab"])?;
    assert_eq!(
        created["cluster"]["settings"],
        json!([{ "name": "containerInsights", "value": "enhanced" }])
    );
    let disable = [
        "ecs",
        "put-account-setting",
        "--name",
        "taskLongArnFormat",
        "--value",
        "disabled",
    ];
    let error = world.aws.error(&disable)?;
    assert!(
        error.contains("You can no longer disable Long Arn settings"),
        "{error}"
    );
    let effective = ecs(&world, &["list-account-settings", "--effective-settings"])?;
    assert_eq!(
        effective["settings"].as_array().map(Vec::len),
        Some(11),
        "the CLI turns the pages: {effective:#}"
    );

    let configuration =
        "executeCommandConfiguration={logging=OVERRIDE,logConfiguration={cloudWatchLogGroupName=exec}}";
    let update = [
        "update-cluster",
        "--cluster",
        "lab",
        "--configuration",
        configuration,
    ];
    ecs(&world, &update)?;
    let describe = [
        "describe-clusters",
        "--clusters",
        "lab",
        "--include",
        "CONFIGURATIONS",
    ];
    let lab = ecs(&world, &describe)?["clusters"][0].clone();
    let exec = &lab["configuration"]["executeCommandConfiguration"];
    assert_eq!(
        exec["logConfiguration"]["cloudWatchLogGroupName"], "exec",
        "{lab:#}"
    );
    assert_eq!((&lab["settings"], &lab["attachments"]), (&json!([]), &json!([])));
    Ok(())
}

#[test]
fn upkeep_of_a_container_instance() -> Result<()> {
    let world = World::new()?;
    let instance = instance(&world)?;
    let attribute = format!("name=stack,value=live,targetId={instance}");
    ecs(&world, &["put-attributes", "--attributes", &attribute])?;
    let list = [
        "list-attributes",
        "--target-type",
        "container-instance",
        "--attribute-name",
        "stack",
    ];
    let expected = json!([{ "name": "stack", "value": "live", "targetId": instance }]);
    assert_eq!(ecs(&world, &list)?["attributes"], expected);

    let tasks = service(&world, 2)?;
    let update = [
        "update-container-instances-state",
        "--container-instances",
        &instance,
        "--status",
    ];
    ecs(&world, &[&update[..], &["DRAINING"]].concat())?;
    // There is no other instance: the minimum of a hundred percent keeps both tasks, and new ones find no place.
    ecs(
        &world,
        &["update-service", "--service", "web", "--desired-count", "3"],
    )?;
    wait::until("the refusal is announced", DEADLINE, || {
        let described = ecs(&world, &["describe-services", "--services", "web"])?;
        let events = described["services"][0]["events"].to_string();
        Ok(events.contains("was unable to place a task").then_some(()))
    })?;
    for task in &tasks {
        assert_eq!(world.task(task)?["lastStatus"], "RUNNING");
    }
    ecs(&world, &[&update[..], &["ACTIVE"]].concat())?;
    world.wait_running("web", 3)?;

    let deregister = [
        "ecs",
        "deregister-container-instance",
        "--container-instance",
        &instance,
    ];
    let error = world.aws.error(&deregister)?;
    assert!(error.contains("Found running tasks on the instance."), "{error}");
    let agent = ["ecs", "update-container-agent", "--container-instance", &instance];
    let error = world.aws.error(&agent)?;
    assert!(error.contains("(NoUpdateAvailableException)"), "{error}");
    Ok(())
}

#[test]
fn upkeep_of_protected_tasks() -> Result<()> {
    let world = World::new()?;
    let tasks = service(&world, 3)?;
    let protect = [
        "update-task-protection",
        "--cluster",
        "default",
        "--tasks",
        &tasks[0],
    ];
    let answer = ecs(
        &world,
        &[
            &protect[..],
            &["--protection-enabled", "--expires-in-minutes", "60"],
        ]
        .concat(),
    )?;
    assert_eq!(
        answer["protectedTasks"][0]["protectionEnabled"], true,
        "{answer:#}"
    );
    ecs(
        &world,
        &["update-service", "--service", "web", "--desired-count", "0"],
    )?;
    let left = world.wait_running("web", 1)?;
    assert_eq!(text(&left[0]["taskArn"]), tasks[0], "the protected one stays");
    ecs(&world, &[&protect[..], &["--no-protection-enabled"]].concat())?;
    world.wait_running("web", 0)?;
    let get = [
        "get-task-protection",
        "--cluster",
        "default",
        "--tasks",
        &tasks[0],
    ];
    let gone = ecs(&world, &get)?;
    assert_eq!(gone["failures"][0]["reason"], "TASK_NOT_VALID", "{gone:#}");
    Ok(())
}
