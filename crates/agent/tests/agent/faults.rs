//! The agent is killed under tasks that are being started and stopped: each ends once, with its exit code.

use std::time::Duration;

use serde_json::json;

use super::{World, task};

impl World {
    /// Waits until there is a record of a task: from then on it is the agent's.
    async fn recorded(&self, id: &str) {
        let file = self.folder.path().join("tasks").join(id).join("task.json");
        let wait = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .expect("a record in time");
    }

    /// The exit codes with which a task was reported STOPPED.
    fn reported_ends(&self, arn: &str) -> Vec<serde_json::Value> {
        let changes = self.control_plane.calls("SubmitTaskStateChange").into_iter();
        let ends = changes.filter(|it| it["task"] == arn && it["status"] == "STOPPED");
        ends.map(|it| it["containers"][0]["exitCode"].clone()).collect()
    }
}

#[tokio::test]
async fn a_start_that_the_agent_did_not_live_to_see_is_carried_on() {
    for (step, call) in [
        ("pull", "pull "),
        ("create", "create "),
        ("created", "create "),
        ("start", "start "),
        ("started", "start "),
    ] {
        let mut world = World::started().await;
        world.host.world.lock().hanging.insert(step);
        let arn = task("1")["arn"].as_str().unwrap().to_owned();
        world.send_tasks("m1", &[task("1")]).await;
        world
            .host
            .until(step, |it| it.calls.iter().any(|it| it.starts_with(call)))
            .await;
        world.recorded("1").await;
        world.kill().await;
        world.host.world.lock().hanging.clear();
        world.start();
        world.control_plane.state_change(&arn, "RUNNING").await;
        world.host.exit("1", "main", 7).await;
        world.control_plane.state_change(&arn, "STOPPED").await;
        world.no_records().await;
        assert_eq!(world.reported_ends(&arn), [7], "{step}: its end is told once");
        assert!(world.host.world.lock().sandboxes.is_empty(), "{step}");
    }
}

#[tokio::test]
async fn a_stop_that_the_agent_did_not_live_to_see_is_carried_on() {
    let mut world = World::started().await;
    world.host.world.lock().stubborn.insert("main".to_owned());
    let mut deaf = task("1");
    deaf["containers"][0]["stopTimeout"] = json!(2);
    let arn = world.run_task(deaf.clone()).await;
    world.recorded_as_started("1").await;
    deaf["desiredStatus"] = json!("STOPPED");
    world.send_tasks("m2", &[deaf]).await;
    world
        .host
        .until("it is asked to stop", |it| {
            it.calls.iter().any(|it| it == "signal 1 main 15")
        })
        .await;
    let file = world.folder.path().join("tasks/1/task.json");
    let recorded = async {
        while !std::fs::read_to_string(&file).is_ok_and(|it| it.contains("STOPPED")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), recorded)
        .await
        .expect("it is recorded");
    world.kill().await;
    world.start();
    world.control_plane.state_change(&arn, "STOPPED").await;
    world.no_records().await;
    assert_eq!(world.reported_ends(&arn), [137]);
    let calls = world.host.world.lock().calls.clone();
    let killed = calls.iter().filter(|it| *it == "signal 1 main 9").count();
    assert_eq!(killed, 1, "{calls:?}");
}
