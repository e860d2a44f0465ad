//! Deployments whose tasks fail are given up, and the service goes back where it was.

use domain::circuit_breaker::{CircuitBreaker, Threshold};
use domain::service::ServiceEvent;
use domain::service_deployment::{ServiceDeployment, ServiceDeploymentStatus};
use domain::task::{ContainerStatus, HealthStatus};

use super::*;
use crate::transitions::{
    ContainerOutput, ContainerReport, OutputReport, TaskReport, observe_output, observe_task,
    stop_service_deployment,
};

const PULL_REFUSED: &str =
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): connection refused";

/// How the tasks of a deployment fail.
#[derive(Clone, Copy)]
enum Failure {
    /// They never run.
    ToStart(&'static str),
    /// They run, and end at once.
    Exit(i32),
}

fn fail(world: &World, task: &Task, failure: Failure) {
    let (arn, name) = (task.arn.clone(), task.containers[0].name.clone());
    let (reason, exit_code) = match failure {
        Failure::ToStart(reason) => (Some(reason.to_owned()), None),
        Failure::Exit(code) => {
            world.report(arn.clone(), TaskStatus::Running);
            (None, Some(code))
        }
    };
    let report = TaskReport {
        status: Some(TaskStatus::Stopped),
        reason,
        containers: vec![ContainerReport {
            name: name.clone(),
            status: Some(ContainerStatus::Stopped),
            exit_code,
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    };
    world.write(move |tx| observe_task(tx, &arn, &report));
    let (host_id, task) = (task.host_id.clone(), task.arn.clone());
    let containers = vec![ContainerOutput {
        name,
        lines: vec!["starting".to_owned(), "no database".to_owned()],
        end: None,
    }];
    world.write(move |tx| {
        observe_output(tx, &host_id, &OutputReport { task, containers });
        Ok::<_, std::convert::Infallible>(())
    });
}

/// Looks, and lets all tasks of the PRIMARY deployment fail that started, some times.
fn fail_repeatedly(world: &World, service: &ServiceArn, failure: Failure, times: usize) {
    for _ in 0..times {
        reconcile(world, service);
        let primary = world.stored_service(service).deployments[0].id.clone();
        let started = world.tasks(service);
        let started = started
            .iter()
            .filter(|it| it.started_by.as_ref() == Some(&primary));
        for task in started.filter(|it| it.last_status != TaskStatus::Running) {
            fail(world, task, failure);
        }
        // The next start waits a while.
        world.clock.advance(Duration::from_secs(60));
    }
}

fn breaker(rollback: bool) -> CircuitBreaker {
    CircuitBreaker {
        enable: true,
        rollback,
        ..CircuitBreaker::default()
    }
}

/// A service in its steady state whose next deployment is watched.
fn watched_service(desired_count: u32, breaker: CircuitBreaker) -> (World, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(desired_count, 100, 200);
    settle_down(&world, &service);
    deploy(&world, &service, breaker);
    (world, service)
}

fn deploy(world: &World, service: &ServiceArn, circuit_breaker: CircuitBreaker) {
    let (arn, known) = (service.clone(), world.stored_service(service));
    let change = ServiceChange {
        deployment_configuration: Some(DeploymentConfiguration {
            circuit_breaker,
            ..known.deployment_configuration
        }),
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn history(world: &World, service: &ServiceArn) -> Vec<ServiceDeployment> {
    world.store.read(|state| {
        let all = state.deployments_of_service(service);
        all.into_iter().map(|it| (**it).clone()).collect()
    })
}

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let all = state.all::<ServiceEvent>().filter(|it| it.service == *service);
        all.map(|it| it.message.clone()).collect()
    })
}

#[test]
fn too_many_failures_lead_back_to_the_revision_that_was_reached() {
    let (world, service) = watched_service(1, breaker(true));
    let before = world.stored_service(&service).deployments[1].clone();
    let failing = world.stored_service(&service).deployments[0].id.clone();
    let serving = world.tasks(&service)[0].arn.clone();
    fail_repeatedly(&world, &service, Failure::Exit(3), 2);
    reconcile(&world, &service);
    assert_eq!(
        world.stored_service(&service).deployments[0].id,
        failing,
        "two may fail"
    );
    fail_repeatedly(&world, &service, Failure::Exit(3), 1);
    reconcile(&world, &service);
    let stored = world.stored_service(&service);
    let [way_back, failed, ..] = &stored.deployments[..] else {
        panic!("{:?}", stored.deployments);
    };
    assert_eq!(
        (way_back.rollout, &way_back.id),
        (Rollout::InProgress, &before.id)
    );
    assert_eq!(
        way_back.rollout_reason,
        Some(format!(
            "ECS deployment circuit breaker: rolling back to deploymentId {}.",
            way_back.id
        ))
    );
    let told = format!("(service web) rolling back to deployment {}.", way_back.id);
    assert!(events(&world, &service).contains(&told), "{told}");
    assert_eq!(
        (failed.rollout, &failed.id, failed.failed_tasks),
        (Rollout::Failed, &failing, 3)
    );
    let reason = failed.rollout_reason.clone().unwrap_or_default();
    assert!(
        reason.starts_with("ECS deployment circuit breaker: tasks failed to start. First failed (task ")
            && reason.contains("Essential container in task exited; container web exited with code 3")
            && reason.ends_with("after saying: starting / no database."),
        "{reason}"
    );
    let status = &history(&world, &service)[0];
    assert_eq!(status.status, ServiceDeploymentStatus::RollbackInProgress);
    assert_eq!(status.circuit_breaker_failures, Some(3));
    settle_down(&world, &service);
    assert_eq!(
        history(&world, &service)[0].status,
        ServiceDeploymentStatus::RollbackSuccessful
    );
    assert_eq!(world.stored_service(&service).deployments.len(), 1);
    let tasks: Vec<_> = world.tasks(&service).iter().map(|it| it.arn.clone()).collect();
    assert_eq!(tasks, [serving], "what has served all the time is not replaced");
    let told = events(&world, &service);
    let expected = format!("(service web) (deployment {failing}) deployment failed: tasks failed to start.");
    assert!(told.contains(&expected), "{told:?}");
}

#[test]
fn a_deployment_that_its_bounds_hold_up_can_be_stopped() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 100);
    settle_down(&world, &service);
    let serving = world.tasks(&service)[0].arn.clone();
    deploy(&world, &service, CircuitBreaker::default());
    reconcile(&world, &service);
    let stuck = history(&world, &service)[0].arn.clone();
    world.write(move |tx| stop_service_deployment(tx, &stuck));
    reconcile(&world, &service);
    assert_eq!(
        history(&world, &service)[0].status,
        ServiceDeploymentStatus::RollbackSuccessful
    );
    let tasks: Vec<_> = world.tasks(&service).iter().map(|it| it.arn.clone()).collect();
    assert_eq!(tasks, [serving]);
}

#[test]
fn without_rollback_nothing_more_is_started_and_old_tasks_stay() {
    let (world, service) = watched_service(2, breaker(false));
    fail_repeatedly(&world, &service, Failure::ToStart(PULL_REFUSED), 3);
    for _ in 0..3 {
        reconcile(&world, &service);
        world.obey(&service);
    }
    let stored = world.stored_service(&service);
    assert_eq!(stored.deployments[0].rollout, Rollout::Failed);
    let tasks = world.tasks(&service);
    assert_eq!(tasks.len(), 2, "those of the deployment before");
    assert!(
        tasks
            .iter()
            .all(|it| it.started_by.as_ref() == Some(&stored.deployments[1].id))
    );
    assert_eq!(
        history(&world, &service)[0].status,
        ServiceDeploymentStatus::Stopped
    );
    deploy(&world, &service, breaker(false));
    settle_down(&world, &service);
    assert_eq!(
        history(&world, &service)[0].status,
        ServiceDeploymentStatus::Successful
    );
    assert_eq!(world.stored_service(&service).deployments.len(), 1);
}

#[test]
fn a_service_that_never_stood_has_nothing_to_go_back_to() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    deploy(&world, &service, breaker(true));
    fail_repeatedly(&world, &service, Failure::Exit(1), 4);
    let stored = world.stored_service(&service);
    assert_eq!(stored.deployments[0].rollout, Rollout::Failed);
    assert!(world.tasks(&service).is_empty());
    let arn = service.clone();
    world.write(move |tx| delete_service(tx, &arn, true));
    settle_down(&world, &service);
    assert_eq!(world.stored_service(&service).status, ServiceStatus::Inactive);
}

#[test]
fn a_way_back_that_fails_has_no_further_way_back() {
    let (world, service) = watched_service(1, breaker(true));
    // What ran stops, so that the way back has something to start.
    let old = world.tasks(&service)[0].clone();
    fail_repeatedly(&world, &service, Failure::Exit(3), 3);
    fail(&world, &old, Failure::Exit(1));
    fail_repeatedly(&world, &service, Failure::Exit(4), 5);
    let stored = world.stored_service(&service);
    assert_eq!(stored.deployments[0].rollout, Rollout::Failed);
    assert_eq!(
        history(&world, &service)[0].status,
        ServiceDeploymentStatus::RollbackFailed
    );
    assert!(world.tasks(&service).is_empty());
}

#[test]
fn what_no_second_try_heals_ends_the_deployment_at_once() {
    let (world, service) = watched_service(1, breaker(true));
    let hopeless = "CannotPullContainerError: failed to resolve ref web:2: not found";
    fail_repeatedly(&world, &service, Failure::ToStart(hopeless), 1);
    reconcile(&world, &service);
    let stored = world.stored_service(&service);
    assert_eq!(stored.deployments[1].rollout, Rollout::Failed);
    let reason = stored.deployments[1].rollout_reason.clone().unwrap_or_default();
    assert!(reason.contains(hopeless), "{reason}");
}

#[test]
fn a_task_that_gets_healthy_sets_the_count_to_zero_unless_told_otherwise() {
    for (reset, left) in [(None, 0), (Some(true), 0), (Some(false), 2)] {
        let wanted = CircuitBreaker {
            reset_on_healthy_task: reset,
            threshold: Some(Threshold::Count(5)),
            ..breaker(true)
        };
        let (world, service) = watched_service(1, wanted);
        fail_repeatedly(&world, &service, Failure::Exit(3), 2);
        assert_eq!(world.stored_service(&service).deployments[0].failed_tasks, 2);
        settle_down(&world, &service);
        let primary = world.stored_service(&service).deployments[0].clone();
        assert_eq!(
            (primary.failed_tasks, primary.rollout),
            (left, Rollout::Completed),
            "{reset:?}"
        );
    }
}

#[test]
fn tasks_replaced_for_failing_health_checks_count() {
    let world = World::new();
    world.instance(Vec::new());
    let definition = world.checked_definition();
    let service = world.service_running(&definition, 1, 100, 200);
    deploy(&world, &service, breaker(true));
    for _ in 0..8 {
        reconcile(&world, &service);
        world.obey(&service);
        for task in world.tasks(&service) {
            world.report_health(&task, HealthStatus::Unhealthy);
        }
    }
    let primary = world.stored_service(&service).deployments[0].clone();
    assert_eq!((primary.rollout, primary.failed_tasks), (Rollout::Failed, 3));
    let reason = primary.rollout_reason.unwrap_or_default();
    assert!(
        reason.contains("Task failed container health checks") && reason.contains("said so"),
        "{reason}"
    );
}

#[test]
fn a_task_without_checks_counts_once_it_has_run_for_a_while() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    settle_down(&world, &service);
    deploy(&world, &service, CircuitBreaker::default());
    let controller = ServiceDeployments {
        placement_retry: Duration::from_secs(1),
        healthy_after: Duration::from_secs(5),
        rebalance_pause: Duration::from_secs(5),
        public_addresses: crate::controllers::PUBLIC_ADDRESSES,
    };
    let look = || {
        let arn = service.clone();
        let controller = ServiceDeployments { ..controller };
        world.write(move |tx| Ok::<_, std::convert::Infallible>(controller.reconcile(tx, &arn)))
    };
    look();
    world.obey(&service);
    assert_eq!(look(), Next::After(Duration::from_secs(5)));
    assert_eq!(
        world.tasks(&service).len(),
        4,
        "no old task goes before new ones are known to live"
    );
    world.clock.advance(Duration::from_secs(4));
    assert_eq!(look(), Next::After(Duration::from_secs(1)));
    world.clock.advance(Duration::from_secs(1));
    look();
    assert_eq!(world.tasks(&service).len(), 2);
    world.obey(&service);
    look();
    assert_eq!(
        world.stored_service(&service).deployments[0].rollout,
        Rollout::Completed
    );
}
