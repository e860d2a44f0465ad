//! Whole deployments, against the records of a store.

mod world;

use std::time::Duration;

use domain::code_deploy::deployment::{DeploymentStatus, ErrorCode, EventStatus, Rollback};
use domain::code_deploy::deployment_config::TrafficRouting;
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen};
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::HookTarget;
use domain::service::Service;
use domain::task_set::TaskSetStatus;

use crate::transitions::{DeploymentRefusal, WaitType, WebhookAnswer};
use world::{Deploy, Route};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn all_at_once_the_replacement_takes_over_and_the_original_goes() {
    let it = Deploy::new(3);
    let original = it.primary();
    let id = it.create(|_| {});
    it.settle();
    let done = it.deployment(&id);
    assert_eq!(done.status, DeploymentStatus::Succeeded, "{:?}", done.error);
    assert!(done.events.iter().all(|it| it.status == EventStatus::Succeeded));
    let service = it.service();
    let sets: Vec<_> = service
        .task_sets
        .iter()
        .map(|it| (it.id.clone(), it.status))
        .collect();
    let replacement = done.replacement_task_set.expect("was made");
    assert_eq!(sets, [(replacement.clone(), TaskSetStatus::Primary)]);
    assert_ne!(replacement, original);
    assert_eq!(service.task_sets[0].external_id, Some(id));
    assert_eq!(it.traffic(Route::Production), [("green".to_owned(), 100)]);
    assert_eq!(it.traffic(Route::Test), [("green".to_owned(), 100)]);
    let tasks = it.world.tasks(&service.arn);
    assert_eq!(tasks.len(), 3);
    assert!(
        tasks
            .iter()
            .all(|task| task.started_by.as_ref() == Some(&replacement))
    );
    // The groups take turns.
    let again = it.create(|_| {});
    it.settle();
    assert_eq!(it.deployment(&again).status, DeploymentStatus::Succeeded);
    assert_eq!(it.traffic(Route::Production), [("blue".to_owned(), 100)]);
}

#[test]
fn no_production_traffic_is_shifted_before_the_replacement_is_steady() {
    let it = Deploy::new(2);
    let id = it.create(|_| {});
    it.look();
    let installing = it.deployment(&id);
    assert_eq!(installing.stage, Stage::Install);
    let both = [("blue".to_owned(), 100), ("green".to_owned(), 0)];
    assert_eq!(it.traffic(Route::Production), both);
    assert_eq!(it.traffic(Route::Test), [("blue".to_owned(), 1)]);
    it.settle();
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Succeeded);
}

#[test]
fn a_target_that_is_not_healthy_holds_the_replacement_back() {
    let it = Deploy::new(1);
    it.passes_checks.set(false);
    let id = it.create(|_| {});
    it.settle();
    assert_eq!(it.deployment(&id).stage, Stage::Install);
    it.passes_checks.set(true);
    it.settle();
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Succeeded);
}

#[test]
fn a_canary_waits_with_a_part_of_the_traffic() {
    let it = Deploy::new(1);
    let id = it.create(|new| {
        new.config.1 = TrafficRouting::TimeBasedCanary {
            percentage: 10,
            interval: 5,
        };
    });
    it.settle();
    let part = [("blue".to_owned(), 90), ("green".to_owned(), 10)];
    assert_eq!(it.traffic(Route::Production), part);
    it.pass(4 * MINUTE);
    assert_eq!(it.traffic(Route::Production), part);
    it.pass(MINUTE);
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Succeeded);
    assert_eq!(it.traffic(Route::Production), [("green".to_owned(), 100)]);
}

#[test]
fn linear_traffic_moves_in_steps_and_primary_with_the_last() {
    let it = Deploy::new(1);
    let original = it.primary();
    let id = it.create(|new| {
        new.config.1 = TrafficRouting::TimeBasedLinear {
            percentage: 40,
            interval: 1,
        };
    });
    let mut shares = Vec::new();
    for _ in 0..3 {
        it.settle();
        shares.push(it.deployment(&id).production_share);
        let is_over = it.deployment(&id).status.has_ended();
        assert_eq!(it.primary() == original, !is_over);
        it.world.clock.advance(MINUTE);
    }
    assert_eq!(shares, [40, 80, 100]);
}

#[test]
fn a_stop_with_rollback_gives_the_traffic_back() {
    let it = Deploy::new(2);
    let original = it.primary();
    let id = it.create(|new| {
        new.config.1 = TrafficRouting::TimeBasedCanary {
            percentage: 25,
            interval: 60,
        };
    });
    it.settle();
    assert_eq!(it.deployment(&id).production_share, 25);
    it.stop(&id, Some(true)).expect("is under way");
    it.settle();
    let stopped = it.deployment(&id);
    assert_eq!(stopped.status, DeploymentStatus::Stopped);
    assert_eq!(stopped.error.map(|it| it.code), Some(ErrorCode::ManualStop));
    let Some(Rollback::By(rollback)) = stopped.rollback else {
        panic!("is not rolled back");
    };
    let rollback = it.deployment(&rollback);
    assert_eq!(
        rollback.status,
        DeploymentStatus::Succeeded,
        "{:?}",
        rollback.error
    );
    assert_eq!(rollback.rollback, Some(Rollback::Of(id.clone())));
    assert_eq!(it.primary(), original);
    assert_eq!(it.service().task_sets.len(), 1);
    assert_eq!(it.traffic(Route::Production), [("blue".to_owned(), 100)]);
    assert_eq!(it.traffic(Route::Test), [("blue".to_owned(), 100)]);
    assert_eq!(it.stop(&id, None), Err(DeploymentRefusal::Completed));
}

#[test]
fn after_all_traffic_has_moved_a_rollback_makes_the_original_primary_again() {
    let it = Deploy::new(1);
    let original = it.primary();
    let id = it.create_in(
        BlueGreen {
            ready_minutes: None,
            termination_minutes: Some(60),
        },
        |_| {},
    );
    it.settle();
    assert_eq!(it.deployment(&id).stage, Stage::TerminationWait);
    assert_ne!(it.primary(), original);
    it.stop(&id, Some(true)).expect("is under way");
    it.settle();
    assert_eq!(it.primary(), original);
    assert_eq!(it.traffic(Route::Production), [("blue".to_owned(), 100)]);
}

#[test]
fn a_stop_without_rollback_leaves_all_as_it_is_until_the_next_deployment() {
    let it = Deploy::new(1);
    let original = it.primary();
    let id = it.create(|new| {
        new.config.1 = TrafficRouting::TimeBasedCanary {
            percentage: 25,
            interval: 60,
        };
    });
    it.settle();
    it.stop(&id, None).expect("is under way");
    it.settle();
    assert_eq!(it.deployment(&id).rollback, None);
    assert_eq!((it.primary(), it.service().task_sets.len()), (original, 2));
    let part = [("blue".to_owned(), 75), ("green".to_owned(), 25)];
    assert_eq!(it.traffic(Route::Production), part);
    let next = it.create(|_| {});
    it.settle();
    assert_eq!(it.deployment(&next).status, DeploymentStatus::Succeeded);
    assert_eq!(it.service().task_sets.len(), 1);
    assert_eq!(it.traffic(Route::Production), [("green".to_owned(), 100)]);
}

#[test]
fn a_replacement_whose_tasks_do_not_run_fails_and_is_rolled_back() {
    let it = Deploy::new(1);
    let original = it.primary();
    let id = it.create(|new| {
        new.auto_rollback = AutoRollback {
            enabled: true,
            on_failure: true,
            ..AutoRollback::default()
        };
    });
    it.look();
    // Nobody starts its tasks.
    it.world.clock.advance(60 * MINUTE);
    it.look();
    let failed = it.deployment(&id);
    assert_eq!(failed.status, DeploymentStatus::Failed);
    assert_eq!(failed.error.map(|it| it.code), Some(ErrorCode::Timeout));
    let install = failed.events.iter().find(|it| it.stage == Stage::Install);
    assert_eq!(install.map(|it| it.status), Some(EventStatus::Failed));
    it.settle();
    let Some(Rollback::By(rollback)) = failed.rollback else {
        panic!("is not rolled back");
    };
    assert_eq!(it.deployment(&rollback).status, DeploymentStatus::Succeeded);
    assert_eq!((it.primary(), it.service().task_sets.len()), (original, 1));
    assert_eq!(it.traffic(Route::Production), [("blue".to_owned(), 100)]);
}

#[test]
fn a_deployment_waits_until_it_is_continued() {
    let it = Deploy::new(1);
    let waits = BlueGreen {
        ready_minutes: Some(30),
        termination_minutes: Some(30),
    };
    let id = it.create_in(waits, |_| {});
    it.settle();
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Ready);
    let early = it.resume(&id, WaitType::Termination);
    assert_eq!(early, Err(DeploymentRefusal::NotWaiting));
    it.resume(&id, WaitType::Ready).expect("waits for it");
    it.settle();
    let waiting = it.deployment(&id);
    assert_eq!(
        (waiting.status, waiting.stage),
        (DeploymentStatus::InProgress, Stage::TerminationWait)
    );
    assert_eq!(it.service().task_sets.len(), 2);
    it.resume(&id, WaitType::Termination).expect("waits for it");
    it.settle();
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Succeeded);
    assert_eq!(it.service().task_sets.len(), 1);
}

#[test]
fn a_deployment_that_nobody_continues_is_stopped() {
    let it = Deploy::new(1);
    let waits = BlueGreen {
        ready_minutes: Some(30),
        termination_minutes: None,
    };
    let id = it.create_in(waits, |_| {});
    it.settle();
    it.pass(30 * MINUTE);
    assert_eq!(it.deployment(&id).status, DeploymentStatus::Stopped);
}

#[test]
fn a_hook_is_asked_and_may_object() {
    for (answer, expected) in [
        (WebhookAnswer::Succeeded, DeploymentStatus::Succeeded),
        (WebhookAnswer::Failed("no".to_owned()), DeploymentStatus::Failed),
    ] {
        let it = Deploy::new(1);
        let id = it.create(|new| {
            let url = "http://127.0.0.1:9/check".to_owned();
            new.hooks
                .insert(Stage::AfterAllowTestTraffic, HookTarget::Webhook(url));
        });
        it.settle();
        let asked = it.deployment(&id);
        assert_eq!(asked.stage, Stage::AfterAllowTestTraffic);
        assert_eq!(it.traffic(Route::Test), [("green".to_owned(), 100)]);
        let hook = asked.event().and_then(|it| it.hook.clone()).expect("is asked");
        it.answer(&id, &hook.id, answer);
        it.settle();
        assert_eq!(it.deployment(&id).status, expected);
    }
}

#[test]
fn a_hook_that_does_not_answer_fails_the_deployment() {
    let it = Deploy::new(1);
    let id = it.create(|new| {
        let url = "http://127.0.0.1:9/check".to_owned();
        new.hooks.insert(Stage::BeforeInstall, HookTarget::Webhook(url));
    });
    it.settle();
    it.pass(60 * MINUTE);
    let failed = it.deployment(&id);
    assert_eq!(
        failed.error.map(|it| it.code),
        Some(ErrorCode::HookExecutionFailure)
    );
    assert_eq!(failed.replacement_task_set, None);
}

#[test]
fn a_hook_that_is_a_task_has_to_exit_with_0() {
    for (code, expected) in [(0, DeploymentStatus::Succeeded), (1, DeploymentStatus::Failed)] {
        let it = Deploy::new(1);
        let definition = it.world.definition().arn.clone();
        let id = it.create(|new| {
            new.hooks
                .insert(Stage::AfterInstall, HookTarget::Task(definition));
        });
        it.settle();
        let run = it
            .deployment(&id)
            .event()
            .and_then(|it| it.hook.clone())
            .expect("is asked");
        it.exit(run.task.expect("was started"), code);
        it.settle();
        assert_eq!(it.deployment(&id).status, expected, "{code}");
    }
}

#[test]
fn a_deployment_to_a_service_that_is_deleted_fails() {
    let it = Deploy::new(1);
    let id = it.create(|_| {});
    it.look();
    let service: Service = it.service();
    it.world
        .write(move |tx| crate::transitions::delete_service(tx, &service.arn, true));
    it.settle();
    let failed = it.deployment(&id);
    assert_eq!(failed.error.map(|it| it.code), Some(ErrorCode::EcsUpdateError));
}
