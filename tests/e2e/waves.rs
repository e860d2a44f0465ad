//! Many tasks come and go: the host is as before.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::leaks::{Held, Place};
use test_support::wait;

use crate::world::{DEADLINE, World, address};

/// Tasks at one time, and how often so many come and go.
const AT_ONCE: usize = 20;
const WAVES: usize = 3;

impl World {
    /// Scales the service, and waits until so many tasks run and no others are left.
    fn scale(&self, count: usize) -> Result<()> {
        let text = count.to_string();
        let update = [
            "ecs",
            "update-service",
            "--service",
            "wave",
            "--desired-count",
            &text,
        ];
        self.aws.json(&update)?;
        self.wait_running("wave", count).map(drop)
    }
}

#[test]
fn waves_of_tasks_leave_nothing() -> Result<()> {
    let world = World::new()?;
    let mut place = Place::of(&world.gantry)?;
    place.agent = world.gantry.process_id();
    let script = "trap 'exit 0' TERM; sleep 3600 & wait";
    let definition = world.register(
        "wave",
        json!({ "networkMode": "awsvpc" }),
        json!({ "command": ["/bin/sh", "-c", script], "cpu": 0, "memory": 16, "stopTimeout": 5 }),
    )?;
    let network = world.awsvpc()?;
    let create: Value = world.aws.json(&[
        "ecs",
        "create-service",
        "--service-name",
        "wave",
        "--task-definition",
        &definition,
        "--desired-count",
        "1",
        "--network-configuration",
        &network,
    ])?;
    assert_eq!(create["service"]["desiredCount"], 1, "{create:#}");
    // What the first task leaves serves all that follow: the VPC, the resolver, connections to it.
    let first = world.wait_running("wave", 1)?;
    let first = address(first.first().context("a task")?);
    world.scale(0)?;
    let before = wait::until("the first task is gone", DEADLINE, || {
        let held = place.held()?;
        let nothing = Held {
            connections: held.connections,
            ..Held::default()
        };
        Ok((held == nothing).then_some(held))
    })?;
    let networks = wait::until("no rule knows the first task", DEADLINE, || {
        let networks = place.networks()?;
        Ok((!networks.iter().any(|it| it.contains(&first))).then_some(networks))
    })?;
    assert!(networks.iter().any(|it| it.contains("host0")), "{networks:#?}");
    for _ in 0..WAVES {
        world.scale(AT_ONCE)?;
        assert_ne!(place.networks()?, networks, "tasks are there");
        world.scale(0)?;
    }
    place.settle(&before)?;
    place.settle_networks(&networks)
}
