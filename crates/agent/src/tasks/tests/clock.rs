//! The clock on the wall is set while tasks run: what is waited for takes as long as ever.

use super::*;
use crate::tasks::state::HealthStatus;

const DAY: i64 = 24 * 3600;

impl Engine {
    /// Sets the clock that the agent and its host tell the time by.
    fn set_ahead(&self, seconds: i64) {
        self.wall.ahead.store(seconds, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_its_time_out_whatever_the_clock_says() {
    for ahead in [DAY, -DAY] {
        let mut engine = engine().await;
        engine.host.world.lock().stubborn.insert("main".to_owned());
        engine.accept(vec![arrival("1", "RUNNING")]).await;
        engine.change().await;
        engine.set_ahead(ahead);
        let begun = Instant::now();
        engine.tasks.stop(&arn("1")).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        engine.set_ahead(-ahead);
        let change = engine.change().await;
        assert_eq!(
            (change.status, exit_code(&change)),
            (Some(Status::Stopped), Some(137))
        );
        assert_eq!(begun.elapsed().as_secs(), 20, "set to {ahead}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_asked_for_as_often_whatever_the_clock_says() {
    for ahead in [DAY, -DAY] {
        let mut engine = engine().await;
        let check = json!({"Healthcheck": {
            "Test": ["CMD-SHELL", "probe"], "Interval": 10_000_000_000_u64, "Timeout": 2_000_000_000_u64, "Retries": 2,
            "StartPeriod": 60_000_000_000_u64,
        }});
        let containers = json!([{"name": "main", "image": "app:1", "essential": true, "healthCheckType": "docker",
            "dockerConfig": {"config": check.to_string()}}]);
        let task = json!({"arn": arn("1"), "desiredStatus": "RUNNING", "containers": containers});
        engine.host.world.lock().sick.insert("main".to_owned());
        engine.accept(vec![payload::arrival(task).unwrap()]).await;
        engine.change().await;
        let begun = Instant::now();
        engine.set_ahead(ahead);
        engine.tasks.health_news().await;
        let health = engine.tasks.health().remove(0).containers.remove(0).1;
        assert_eq!(health.status, HealthStatus::Unknown, "of its start");
        engine.set_ahead(-ahead);
        engine.tasks.health_news().await;
        let health = engine.tasks.health().remove(0).containers.remove(0).1;
        assert_eq!(health.status, HealthStatus::Unhealthy);
        // The start period, and the second check after it.
        assert_eq!(begun.elapsed().as_secs(), 70, "set to {ahead}");
        engine.tasks.stop(&arn("1")).await;
        engine.change().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_ran_long_enough_is_started_again_though_the_clock_was_set_back() {
    let mut engine = engine().await;
    let containers = json!([{"name": "main", "image": "app:1", "essential": true,
        "restartPolicy": {"enabled": true, "restartAttemptPeriod": 60}}]);
    let task = json!({"arn": arn("1"), "desiredStatus": "RUNNING", "containers": containers});
    engine.accept(vec![payload::arrival(task).unwrap()]).await;
    engine.change().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let yesterday = fake_host::NOW - SignedDuration::from_secs(DAY);
    engine.host.exit_at("1", "main", 1, yesterday).await;
    engine
        .host
        .until("it is started again", |it| {
            it.calls.iter().any(|it| it == "restart 1 main")
        })
        .await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    engine.host.exit_at("1", "main", 4, yesterday).await;
    assert_eq!(exit_code(&engine.change().await), Some(4), "it ran too short");
}
