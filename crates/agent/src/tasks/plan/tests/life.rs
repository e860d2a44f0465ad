//! Health checks and restart policies.

use expect_test::expect;

use super::*;
use crate::tasks::state::HealthStatus;
use crate::tasks::task::{HealthCheck, RestartPolicy};

fn checked(mut it: Container) -> Container {
    it.health_check = Some(HealthCheck {
        arguments: vec!["true".to_owned()],
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(5),
        retries: 2,
        start_period: Duration::ZERO,
    });
    it
}

#[test]
fn a_dependency_has_to_become_healthy() {
    let app = after(container("app"), 0, Condition::Healthy);
    let state = story(task(vec![checked(container("db")), app]))
        .sandbox()
        .pulled(0)
        .pulled(1)
        .started(0)
        .wait(30)
        .checked(0, 1)
        .wait(30)
        .checked(0, 0)
        .started(1)
        .wait(30)
        .check(&expect![[r#"
            arrives: save create-sandbox pull(db) pull(app)
            sandbox:
            pulled 0: start(db)
            pulled 1:
            started 0: wake in 30s
            30s later: check(db)
            checked 0: 1: wake in 30s
            30s later: check(db)
            checked 0: 0: start(app) wake in 30s
            started 1: wake in 30s
            30s later: check(db)
        "#]]);
    let health = state.containers[0].health.as_ref().unwrap();
    assert_eq!(
        (health.status, health.output.as_str()),
        (HealthStatus::Healthy, "said 0")
    );
}

#[test]
fn a_dependency_that_is_unhealthy_ends_the_task() {
    let app = after(container("app"), 0, Condition::Healthy);
    let state = story(task(vec![checked(container("db")), app]))
        .sandbox()
        .pulled(0)
        .pulled(1)
        .started(0)
        .wait(30)
        .checked(0, 1)
        .wait(30)
        .checked(0, 1)
        .exited(0, 143)
        .check(&expect![[r#"
            arrives: save create-sandbox pull(db) pull(app)
            sandbox:
            pulled 0: start(db)
            pulled 1:
            started 0: wake in 30s
            30s later: check(db)
            checked 0: 1: wake in 30s
            30s later: check(db)
            checked 0: 1: signal(db 15)
            exited 0:
        "#]]);
    let reason = "dependency graph: failed to resolve container ordering dependency [db] for target [app] \
                  because dependency is unhealthy";
    assert_eq!(state.reason.as_deref(), Some(reason));
    assert_eq!(state.containers[1].reason.as_deref(), Some(reason));
}

#[test]
fn failures_in_the_start_period_do_not_count() {
    let mut it = checked(container("web"));
    let check = it.health_check.as_mut().unwrap();
    check.start_period = Duration::from_secs(12);
    check.retries = 1;
    let state = story(task(vec![it]))
        .sandbox()
        .pulled(0)
        .started(0)
        .wait(5)
        .checked(0, 1)
        .wait(5)
        .checked(0, 1)
        .wait(5)
        .checked(0, 1)
        .check(&expect![[r#"
            arrives: save create-sandbox pull(web)
            sandbox:
            pulled 0: start(web)
            started 0: wake in 5s
            5s later: check(web)
            checked 0: 1: wake in 5s
            5s later: check(web)
            checked 0: 1: wake in 5s
            5s later: check(web)
            checked 0: 1: wake in 30s
        "#]]);
    let health = state.containers[0].health.as_ref().unwrap();
    assert_eq!((health.status, health.failures), (HealthStatus::Unhealthy, 1));
    assert_eq!(
        state.desired,
        DesiredStatus::Running,
        "whoever wants it healthy stops it"
    );
}

fn restarted(mut it: Container) -> Container {
    it.restart_policy = Some(RestartPolicy {
        ignored_exit_codes: vec![0],
        attempt_period: Duration::from_secs(60),
    });
    it
}

#[test]
fn a_container_is_started_again_by_its_policy() {
    let state = story(task(vec![restarted(container("web"))]))
        .sandbox()
        .pulled(0)
        .started(0)
        .saved()
        .acknowledged()
        .exited(0, 1)
        .restarted(0)
        // It has run for 99 seconds of the second life, by the clock of these tests: from 1 to 100.
        .exited(0, 1)
        .restart_failed(0)
        .check(&expect![[r#"
            arrives: save create-sandbox pull(web)
            sandbox:
            pulled 0: start(web)
            started 0:
            saved: save submit(Running web Running)
            acknowledged:
            exited 0: restart(web)
            restarted 0:
            exited 0: restart(web)
            restart of 0 failed:
        "#]]);
    assert_eq!(state.containers[0].restart_count, 1);
    assert_eq!(state.containers[0].exit.as_ref().unwrap().exit_code, 1);
    assert_eq!(
        state.containers[0].reason.as_deref(),
        Some("CannotStartContainerError: no")
    );
    assert_eq!(state.desired, DesiredStatus::Stopped);
}

#[test]
fn what_ran_too_short_or_ended_well_is_not_started_again() {
    for (code, ran_seconds, phase_is_final) in
        [(1, 60, false), (1, 59, true), (0, 99, true), (137, 99, false)]
    {
        let mut story = story(task(vec![restarted(container("web"))])).sandbox().pulled(0);
        story.wall = Timestamp::from_second(100 - ran_seconds).unwrap();
        let state = story.started(0).exited(0, code).state;
        let is_final = state.containers[0].phase == Phase::Stopped;
        assert_eq!(is_final, phase_is_final, "{code} after {ran_seconds}s");
    }
}

#[test]
fn a_stop_comes_before_a_restart() {
    let running = || {
        story(task(vec![restarted(container("web"))]))
            .sandbox()
            .pulled(0)
            .started(0)
    };
    let mut due = running();
    due.state.observe(
        &due.task,
        Observation::ContainerExited(0, exit(7)),
        due.now,
        due.wall,
    );
    let state = due.then("stop", Observation::StopRequested).state;
    assert_eq!(state.containers[0].phase, Phase::Stopped);
    assert_eq!(state.containers[0].exit.as_ref().unwrap().exit_code, 7);
    let state = running()
        .exited(0, 7)
        .then("stop", Observation::StopRequested)
        .restarted(0)
        .check(&expect![[r#"
            arrives: save create-sandbox pull(web)
            sandbox:
            pulled 0: start(web)
            started 0:
            exited 0: restart(web)
            stop:
            restarted 0: signal(web 15)
        "#]]);
    assert!(matches!(state.containers[0].phase, Phase::Stopping { .. }));
}
