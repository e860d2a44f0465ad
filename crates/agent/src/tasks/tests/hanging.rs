//! The host does not answer: every task ends all the same, in time and with a reason.

use super::*;
use crate::tasks::state::HealthStatus;

/// Longer than all deadlines of the steps but that of a pull.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A host that never answers one kind of call.
async fn hanging_at(step: &'static str) -> Engine {
    let engine = engine().await;
    engine.host.world.lock().hanging.insert(step);
    engine
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_ends_the_task_with_a_reason() {
    for (step, reason) in [
        ("pull", "CannotPullContainerError: timed out after waiting 7200s"),
        (
            "create",
            "ResourceInitializationError: timed out after waiting 240s",
        ),
        (
            "created",
            "ResourceInitializationError: timed out after waiting 240s",
        ),
        ("start", "CannotStartContainerError: timed out after waiting 180s"),
        (
            "started",
            "CannotStartContainerError: timed out after waiting 180s",
        ),
    ] {
        let mut engine = hanging_at(step).await;
        engine.accept(vec![arrival("1", "RUNNING")]).await;
        let next = tokio::time::timeout(Duration::from_secs(3 * 3600), engine.submissions.recv());
        let submission = next.await.expect(step).unwrap();
        let change = &submission.change;
        assert_eq!(change.status, Some(Status::Stopped), "{step}");
        assert_eq!(change.containers[0].reason.as_deref(), Some(reason), "{step}");
        submission.acknowledged.send(()).unwrap();
        engine.forgotten("1").await;
        assert!(
            engine.host.world.lock().sandboxes.is_empty(),
            "{step}: nothing is left"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_can_be_stopped_whatever_hangs() {
    for step in ["pull", "create", "created", "start", "started"] {
        let mut engine = hanging_at(step).await;
        engine.accept(vec![arrival("1", "RUNNING")]).await;
        let call = step.trim_end_matches("ed").trim_end_matches("at");
        engine
            .host
            .until(step, |it| it.calls.iter().any(|it| it.starts_with(call)))
            .await;
        engine.tasks.stop(&arn("1")).await;
        let stopped = tokio::time::timeout(PATIENCE, engine.change()).await;
        assert_eq!(stopped.expect(step).status, Some(Status::Stopped), "{step}");
        engine.forgotten("1").await;
        assert!(
            engine.host.world.lock().sandboxes.is_empty(),
            "{step}: nothing is left"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_task_is_told_though_its_host_hangs() {
    for step in ["signal", "remove"] {
        let mut engine = hanging_at(step).await;
        engine.accept(vec![arrival("1", "RUNNING")]).await;
        engine.change().await;
        engine.tasks.stop(&arn("1")).await;
        let stopped = tokio::time::timeout(PATIENCE, engine.change()).await;
        let change = stopped.expect(step);
        assert_eq!(change.status, Some(Status::Stopped), "{step}");
        engine.forgotten("1").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_hangs_fails() {
    let mut engine = hanging_at("execute").await;
    let check = json!({"Healthcheck": {
        "Test": ["CMD-SHELL", "probe"], "Interval": 10_000_000_000_u64, "Timeout": 2_000_000_000_u64, "Retries": 1,
    }});
    let containers = json!([{"name": "main", "image": "app:1", "essential": true, "healthCheckType": "docker",
        "dockerConfig": {"config": check.to_string()}}]);
    let task = json!({"arn": arn("1"), "desiredStatus": "RUNNING", "containers": containers});
    engine.accept(vec![payload::arrival(task).unwrap()]).await;
    engine.change().await;
    let told = async {
        let is_unhealthy =
            |engine: &Engine| engine.tasks.health()[0].containers[0].1.status == HealthStatus::Unhealthy;
        while !is_unhealthy(&engine) {
            engine.tasks.health_news().await;
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .expect("the check is given up");
}
