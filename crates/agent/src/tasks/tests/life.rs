//! Dependencies, health and restarts through the whole engine, and over a restart of the agent.

use super::*;
use crate::tasks::state::HealthStatus;

/// `app` waits for `db` to be healthy, `db` is checked every 10 seconds and may fail twice in a row.
fn ordered(id: &str) -> Arrival {
    let check = json!({"Healthcheck": {
        "Test": ["CMD-SHELL", "probe"], "Interval": 10_000_000_000_u64, "Timeout": 2_000_000_000_u64, "Retries": 2,
    }});
    let containers = json!([
        {"name": "db", "image": "db:1", "essential": true, "healthCheckType": "docker",
         "dockerConfig": {"config": check.to_string()}},
        {"name": "app", "image": "app:1", "essential": true,
         "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
    ]);
    payload::arrival(json!({"arn": arn(id), "desiredStatus": "RUNNING", "containers": containers})).unwrap()
}

fn calls(engine: &Engine, kind: &str) -> Vec<String> {
    let world = engine.host.world.lock();
    let calls = world.calls.iter().filter(|it| it.starts_with(kind));
    calls.cloned().collect()
}

fn health(engine: &Engine) -> Vec<(String, HealthStatus, String)> {
    let tasks = engine.tasks.health().into_iter();
    let containers = tasks.flat_map(|it| it.containers);
    containers
        .map(|(name, health)| (name, health.status, health.output))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn containers_wait_for_health_and_stop_in_reverse() {
    let mut engine = engine().await;
    let begun = Instant::now();
    engine.accept(vec![ordered("1")]).await;
    let change = engine.change().await;
    assert_eq!(change.status, Some(Status::Running));
    let took = begun.elapsed().as_secs();
    assert_eq!(took, 10, "the first check comes after one interval");
    assert_eq!(calls(&engine, "start"), ["start 1 db", "start 1 app"]);
    assert_eq!(
        health(&engine),
        [("db".to_owned(), HealthStatus::Healthy, "ok".to_owned())]
    );

    engine.host.say("1", "db", &["one", "two"]);
    engine.tasks.stop(&arn("1")).await;
    let change = engine.change().await;
    assert_eq!((change.status, change.reason), (Some(Status::Stopped), None));
    assert_eq!(calls(&engine, "signal"), ["signal 1 app 15", "signal 1 db 15"]);
    let output = engine.outputs.recv().await.unwrap();
    assert_eq!((output.task_arn, output.containers.len()), (arn("1"), 2));
    let db = output.containers.iter().find(|it| it.name == "db").unwrap();
    assert_eq!(db.lines, ["one", "two"]);
    let end = &db.end;
    assert!(end.started_at.is_some() && end.finished_at.is_some() && end.stop_signalled_at.is_some());
    assert_eq!(end.killed_at, None, "it ended when it was asked");
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_dependency_is_sick_fails_to_start() {
    let mut engine = engine().await;
    engine.host.world.lock().sick.insert("db".to_owned());
    engine.accept(vec![ordered("1")]).await;
    let change = engine.change().await;
    let reason = "dependency graph: failed to resolve container ordering dependency [db] for target [app] \
                  because dependency is unhealthy";
    assert_eq!(
        (change.status, change.reason.as_deref()),
        (Some(Status::Stopped), Some(reason))
    );
    assert_eq!(
        calls(&engine, "signal"),
        ["signal 1 db 15"],
        "what ran is asked to stop"
    );
}

#[tokio::test(start_paused = true)]
async fn health_is_known_again_after_a_restart_of_the_agent() {
    let mut engine = engine().await;
    engine.accept(vec![ordered("1")]).await;
    engine.change().await;
    engine.recorded_as_running("1").await;
    engine.host.world.lock().sick.insert("db".to_owned());
    let mut engine = engine.restart().await;
    let known = [("db".to_owned(), HealthStatus::Healthy, "ok".to_owned())];
    assert_eq!(health(&engine), known);
    let news = tokio::time::timeout(Duration::from_secs(60), engine.tasks.health_news());
    news.await.expect("two checks fail");
    let known = [("db".to_owned(), HealthStatus::Unhealthy, "refused".to_owned())];
    assert_eq!(health(&engine), known);
    assert_eq!(
        engine.tasks.desired_running(),
        [arn("1")],
        "whoever wants it healthy stops it"
    );
    engine.tasks.stop(&arn("1")).await;
    assert_eq!(engine.change().await.status, Some(Status::Stopped));
    assert_eq!(health(&engine), []);
}

#[tokio::test(start_paused = true)]
async fn a_restart_policy_holds_over_a_restart_of_the_agent() {
    let mut engine = engine().await;
    let containers = json!([{"name": "main", "image": "app:1", "essential": true,
        "restartPolicy": {"enabled": true, "restartAttemptPeriod": 60}}]);
    let task = json!({"arn": arn("1"), "desiredStatus": "RUNNING", "containers": containers});
    engine.accept(vec![payload::arrival(task).unwrap()]).await;
    engine.change().await;
    engine.recorded_as_running("1").await;
    let age = Duration::from_secs(60);
    engine.host.exit_after("1", "main", 1, age).await;
    engine
        .host
        .until("it is started again", |it| {
            it.calls.iter().any(|it| it == "restart 1 main")
        })
        .await;
    engine.shutdown.cancel();
    engine.tasks.close().await;
    engine.host.exit_after("1", "main", 1, age).await;
    let mut engine = engine.restart().await;
    engine
        .host
        .until("it is started again", |it| {
            it.calls.iter().filter(|it| *it == "restart 1 main").count() == 2
        })
        .await;
    engine
        .host
        .exit_after("1", "main", 3, Duration::from_secs(59))
        .await;
    let change = engine.change().await;
    assert_eq!(
        (change.status, exit_code(&change)),
        (Some(Status::Stopped), Some(3))
    );
}
