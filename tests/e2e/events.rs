//! What happens is told once and in order, over kill -9 too; and what a service waits for.

use anyhow::Result;
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// Events as `gantry events --json` prints them.
fn events(world: &World, more: &[&str]) -> Result<Vec<Value>> {
    let mut arguments = vec!["events", "--json"];
    arguments.extend_from_slice(more);
    let printed = world.gantry.command(&arguments)?;
    let parsed = printed.lines().map(serde_json::from_str);
    Ok(parsed.collect::<Result<Vec<Value>, _>>()?)
}

fn names(events: &[Value]) -> Vec<String> {
    let word = |it: &Value| match it["detail"]["eventName"].as_str() {
        Some(name) => name.to_owned(),
        None => text(&it["detail"]["lastStatus"]),
    };
    events.iter().map(word).collect()
}

/// Each step of the service `web` to its steady state, once.
fn assert_service_told(world: &World) -> Result<()> {
    let of_web = wait::until("the steady state", DEADLINE, || {
        let all = events(world, &["--service", "web"])?;
        Ok(names(&all)
            .contains(&"SERVICE_STEADY_STATE".to_owned())
            .then_some(all))
    })?;
    let told = names(&of_web);
    assert_eq!(
        told.first().map(String::as_str),
        Some("SERVICE_DEPLOYMENT_IN_PROGRESS"),
        "{told:?}"
    );
    for name in [
        "PENDING",
        "RUNNING",
        "SERVICE_DEPLOYMENT_COMPLETED",
        "SERVICE_STEADY_STATE",
    ] {
        assert_eq!(
            told.iter().filter(|it| *it == name).count(),
            1,
            "{name} in {told:?}"
        );
    }
    Ok(())
}

#[test]
fn a_service_and_a_task_are_told_once_over_a_crash() -> Result<()> {
    let mut world = World::new()?;
    let served = world.register("served", json!({}), json!({}))?;
    let ends = world.register(
        "ends",
        json!({ "networkMode": "none" }),
        json!({ "command": ["/bin/sh", "-c", "exit 3"] }),
    )?;
    world.create_service("web", &served, "1")?;
    world.wait_completed("web", &served)?;
    assert_service_told(&world)?;
    let shown = world.gantry.command(&["service", "explain", "web"])?;
    assert!(
        shown.contains("ACTIVE: The service is as it should be: 1 of 1 tasks run."),
        "{shown}"
    );

    let task = world.run(&ends, &[])?;
    world.wait_for(&task, "STOPPED")?;
    world.gantry.kill()?;
    world.gantry.up()?;
    let of_task = wait::until("the end of the task", DEADLINE, || {
        let all = events(&world, &["--task", &task])?;
        Ok(names(&all).contains(&"STOPPED".to_owned()).then_some(all))
    })?;
    let stopped: Vec<_> = of_task
        .iter()
        .filter(|it| it["detail"]["lastStatus"] == "STOPPED")
        .collect();
    assert_eq!(stopped.len(), 1, "{of_task:#?}");
    let stopped = stopped[0];
    assert_eq!(stopped["detail-type"], "ECS Task State Change");
    assert_eq!(stopped["resources"], json!([task]));
    assert_eq!(stopped["detail"]["containers"][0]["exitCode"], 3);
    assert_eq!(stopped["detail"]["stopCode"], "EssentialContainerExited");
    let versions: Vec<_> = of_task
        .iter()
        .map(|it| it["detail"]["version"].as_i64())
        .collect();
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");

    let all = events(&world, &[])?;
    let sequences: Vec<_> = all.iter().filter_map(|it| it["sequence"].as_u64()).collect();
    let expected: Vec<u64> = (1..=all.len() as u64).collect();
    assert_eq!(sequences, expected, "none lost, none doubled");
    let ids: std::collections::BTreeSet<_> = all.iter().map(|it| text(&it["id"])).collect();
    assert_eq!(ids.len(), all.len());
    let after = events(&world, &["--after", &(all.len() - 2).to_string()])?;
    assert!(after.starts_with(&all[all.len() - 2..]), "{after:#?}");
    let lines = world.gantry.command(&["events", "--task", &task])?;
    assert!(
        lines.contains("Essential container in task exited; web exited with 3"),
        "{lines}"
    );
    Ok(())
}

#[test]
fn a_service_without_room_says_which_instance_lacks_what() -> Result<()> {
    let world = World::new()?;
    let big = world.register("big", json!({}), json!({ "memory": 30_000_000 }))?;
    world.create_service("big", &big, "1")?;
    let shown = wait::until("an explanation", DEADLINE, || {
        let shown = world.gantry.command(&["service", "explain", "big"])?;
        Ok(shown.contains("Waits for").then_some(shown))
    })?;
    for words in [
        "0 of 1 tasks run.",
        "placement: no container instance takes 1 task",
        "1 container instance: 1 lacks memory (30000000 MiB needed, free ",
        "Give it room",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    let failures = wait::until("the event", DEADLINE, || {
        let all = events(&world, &["--service", "big", "--type", "ECS Service Action"])?;
        Ok((!all.is_empty()).then_some(all))
    })?;
    assert_eq!(
        failures[0]["detail"]["eventName"],
        "SERVICE_TASK_PLACEMENT_FAILURE"
    );
    assert_eq!(failures[0]["detail"]["reason"], "RESOURCE:MEMORY");
    let json: Value = serde_json::from_str(&world.gantry.command(&["service", "explain", "big", "--json"])?)?;
    assert_eq!(json["placement"]["hosts"][0]["takes"], false, "{json:#}");
    Ok(())
}
