//! Services keep their desired count, through the CLI's own waiters.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

#[test]
fn a_service_becomes_stable_and_replaces_a_task_that_dies() -> Result<()> {
    let world = World::new()?;
    let definition = world.register(
        "web",
        json!({}),
        json!({ "portMappings": [{ "containerPort": 80 }] }),
    )?;
    world.create_service("web", &definition, "3")?;
    world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "web"])?;
    world.wait_completed("web", &definition)?;
    let service = world
        .aws
        .json(&["ecs", "describe-services", "--services", "web"])?["services"][0]
        .clone();
    assert_eq!(service["runningCount"], 3, "{service:#}");
    let events = service["events"].to_string();
    assert!(events.contains("(service web) has started 3 tasks:"), "{events}");
    assert!(
        events.contains("(service web) has reached a steady state."),
        "{events}"
    );

    let before = world.tasks_of("web")?;
    world.aws.json(&["ecs", "stop-task", "--task", &before[0]])?;
    let tasks = world.wait_running("web", 3)?;
    let after: Vec<String> = tasks.iter().map(|it| text(&it["taskArn"])).collect();
    assert!(!after.contains(&before[0]), "the stopped task is replaced");
    assert!(
        after.contains(&before[1]) && after.contains(&before[2]),
        "the others stay"
    );

    world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--desired-count",
        "0",
    ])?;
    world.wait_running("web", 0)?;
    world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "web"])?;
    world.aws.json(&["ecs", "delete-service", "--service", "web"])?;
    world
        .aws
        .json(&["ecs", "wait", "services-inactive", "--services", "web"])?;
    Ok(())
}

#[test]
fn a_new_revision_replaces_the_tasks_and_never_falls_below_the_minimum() -> Result<()> {
    let world = World::new()?;
    let first = world.register("web", json!({}), json!({}))?;
    world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "web",
        "--task-definition",
        &first,
        "--desired-count",
        "4",
        // It would need more than 100 % at most.
        "--availability-zone-rebalancing",
        "DISABLED",
    ])?;
    world.wait_running("web", 4)?;
    let second = world.register(
        "web",
        json!({}),
        json!({ "environment": [{ "name": "NEW", "value": "1" }] }),
    )?;
    let bounds = "minimumHealthyPercent=50,maximumPercent=100";
    world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--task-definition",
        &second,
        "--deployment-configuration",
        bounds,
    ])?;
    wait::until("the rollout", DEADLINE, || {
        let output = world
            .aws
            .json(&["ecs", "describe-services", "--services", "web"])?;
        let service = &output["services"][0];
        let running = service["runningCount"].as_i64().unwrap_or_default();
        assert!(
            (2..=4).contains(&running),
            "between 50 % and 100 % of 4: {running}"
        );
        let deployments = service["deployments"].as_array().cloned().unwrap_or_default();
        Ok((deployments.len() == 1 && deployments[0]["rolloutState"] == "COMPLETED").then_some(()))
    })?;
    for task in world.wait_running("web", 4)? {
        assert_eq!(text(&task["taskDefinitionArn"]), second);
    }
    Ok(())
}

#[test]
fn a_deployment_whose_tasks_crash_is_rolled_back_and_says_why() -> Result<()> {
    let world = World::with(&["--healthy-after", "2"])?;
    let good = world.register("web", json!({}), json!({}))?;
    world.create_service("web", &good, "1")?;
    let before = world.wait_running("web", 1)?;
    // There is a way back only to what was reached.
    world.wait_completed("web", &good)?;
    let crash = json!({ "command": ["/bin/sh", "-c", "echo no database; exit 3"] });
    let bad = world.register("web", json!({}), crash)?;
    world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--task-definition",
        &bad,
        "--deployment-configuration",
        "deploymentCircuitBreaker={enable=true,rollback=true}",
    ])?;
    let deployment = wait::until("the rollback", DEADLINE, || {
        let output = world
            .aws
            .json(&["ecs", "list-service-deployments", "--service", "web"])?;
        let newest = &output["serviceDeployments"][0];
        Ok((newest["status"] == "ROLLBACK_SUCCESSFUL").then(|| newest.clone()))
    })?;
    let arn = text(&deployment["serviceDeploymentArn"]);
    let described = world.aws.json(&[
        "ecs",
        "describe-service-deployments",
        "--service-deployment-arns",
        &arn,
    ])?;
    let breaker = &described["serviceDeployments"][0]["deploymentCircuitBreaker"];
    assert_eq!(
        *breaker,
        json!({ "status": "TRIGGERED", "failureCount": 3, "threshold": 3 })
    );
    // The deployment itself is gone with its tasks.
    let told = world.gantry.command(&["events", "--json", "--service", "web"])?;
    let failed = told.lines().find(|it| it.contains("SERVICE_DEPLOYMENT_FAILED"));
    let failed: Value = serde_json::from_str(failed.unwrap_or_default())?;
    let reason = text(&failed["detail"]["reason"]);
    assert!(
        reason.starts_with("ECS deployment circuit breaker: tasks failed to start. ")
            && reason.contains("container web exited with code 3 after saying: no database."),
        "{reason:?}"
    );
    let after = world.wait_running("web", 1)?;
    assert_eq!(text(&after[0]["taskDefinitionArn"]), good);
    assert_eq!(
        after[0]["taskArn"], before[0]["taskArn"],
        "what has served all the time is not replaced"
    );
    Ok(())
}

#[test]
fn boto3_waiters_end() -> Result<()> {
    let world = World::new()?;
    let definition = world.register(
        "job",
        json!({ "networkMode": "host" }),
        json!({ "command": ["/bin/sleep", "600"] }),
    )?;
    let script = r"
import boto3, sys
ecs = boto3.client('ecs')
assert boto3.client('sts').get_caller_identity()['Account'] == '123456789012'
task = ecs.run_task(taskDefinition=sys.argv[1], count=2)['tasks']
arns = [it['taskArn'] for it in task]
fast = {'Delay': 1, 'MaxAttempts': 60}
ecs.get_waiter('tasks_running').wait(tasks=arns, WaiterConfig=fast)
assert {it['lastStatus'] for it in ecs.describe_tasks(tasks=arns)['tasks']} == {'RUNNING'}
for arn in arns:
    ecs.stop_task(task=arn)
ecs.get_waiter('tasks_stopped').wait(tasks=arns, WaiterConfig=fast)
try:
    ecs.describe_services(cluster='nowhere', services=['x'])
    sys.exit('an unknown cluster was accepted')
except ecs.exceptions.ClusterNotFoundException as error:
    assert 'Cluster not found.' in str(error), error
";
    let output = world
        .aws
        .program("python3")
        .args(["-c", script, &definition])
        .output()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[test]
fn a_deployment_that_cannot_succeed_is_stopped_and_rolled_back() -> Result<()> {
    let world = World::new()?;
    let good = world.register("web", json!({ "networkMode": "host" }), json!({}))?;
    world.create_service("web", &good, "1")?;
    world
        .aws
        .json(&["ecs", "wait", "services-stable", "--services", "web"])?;
    let bad = world.register(
        "web",
        json!({ "networkMode": "host" }),
        json!({ "image": "no-such-image:1" }),
    )?;
    let updated = world.aws.json(&[
        "ecs",
        "update-service",
        "--service",
        "web",
        "--task-definition",
        &bad,
    ])?;
    let deployment = text(&updated["service"]["currentServiceDeployment"]);
    world.aws.json(&[
        "ecs",
        "stop-service-deployment",
        "--service-deployment-arn",
        &deployment,
    ])?;
    let describe = [
        "ecs",
        "describe-service-deployments",
        "--service-deployment-arns",
        &deployment,
    ];
    let ended = wait::until("the service is back", DEADLINE, || {
        let it = world.aws.json(&describe)?["serviceDeployments"][0].clone();
        Ok((it["status"] == "ROLLBACK_SUCCESSFUL").then_some(it))
    })?;
    let back = text(&ended["rollback"]["serviceRevisionArn"]);
    let revisions = [
        "ecs",
        "describe-service-revisions",
        "--service-revision-arns",
        &back,
    ];
    let revision = world.aws.json(&revisions)?["serviceRevisions"][0].clone();
    assert_eq!(text(&revision["taskDefinition"]), good);
    let listed = world
        .aws
        .json(&["ecs", "list-service-deployments", "--service", "web"])?;
    let statuses: Vec<String> = listed["serviceDeployments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| text(&it["status"]))
        .collect();
    assert_eq!(statuses, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    let tasks = world.wait_running("web", 1)?;
    assert_eq!(text(&tasks[0]["taskDefinitionArn"]), good);
    Ok(())
}
