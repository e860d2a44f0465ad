//! Tasks whose health checks fail are replaced; those that have not succeeded yet do not count as healthy.

use domain::service::ServiceEvent;
use domain::task::{HealthStatus, StopCode};

use super::*;

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let all = state.all::<ServiceEvent>().filter(|it| it.service == *service);
        all.map(|it| it.message.clone()).collect()
    })
}

/// A service of one healthy task.
fn healthy_service(minimum: u32, maximum: u32) -> (World, ServiceArn, Task) {
    let world = World::new();
    world.instance(Vec::new());
    let definition = world.checked_definition();
    let service = world.service_running(&definition, 1, minimum, maximum);
    reconcile(&world, &service);
    world.obey(&service);
    reconcile(&world, &service);
    let is_completed =
        |world: &World| world.stored_service(&service).deployments[0].rollout == Rollout::Completed;
    assert!(!is_completed(&world), "it runs and is not known to be healthy");
    let task = world.tasks(&service)[0].clone();
    world.report_health(&task, HealthStatus::Healthy);
    reconcile(&world, &service);
    assert!(is_completed(&world));
    (world, service, task)
}

#[test]
fn an_unhealthy_task_goes_when_its_replacement_is_healthy() {
    let (world, service, task) = healthy_service(100, 200);
    world.report_health(&task, HealthStatus::Unhealthy);
    reconcile(&world, &service);
    world.obey(&service);
    reconcile(&world, &service);
    let tasks = world.tasks(&service);
    assert_eq!(tasks.len(), 2, "the new one is not known to be healthy");
    let new = tasks.iter().find(|it| it.arn != task.arn).expect("a replacement");
    world.report_health(new, HealthStatus::Healthy);
    reconcile(&world, &service);
    let left: Vec<_> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    assert_eq!(left, std::slice::from_ref(&new.arn));
    let stop = world.get::<Task>(&task.arn).stop.expect("a reason");
    assert_eq!(stop.code, StopCode::ServiceSchedulerInitiated);
    assert_eq!(stop.reason, "Task failed container health checks");
    let expected = format!(
        "(service web) (task {}) failed container health checks.",
        task.arn.name()
    );
    assert!(
        events(&world, &service).contains(&expected),
        "{:?}",
        events(&world, &service)
    );
}

#[test]
fn without_room_for_a_replacement_an_unhealthy_task_goes_first() {
    let (world, service, task) = healthy_service(100, 100);
    world.report_health(&task, HealthStatus::Unhealthy);
    reconcile(&world, &service);
    assert!(world.tasks(&service).is_empty());
    world.obey(&service);
    reconcile(&world, &service);
    assert_eq!(world.tasks(&service).len(), 1);
}

#[test]
fn health_of_another_host_or_of_the_same_kind_changes_nothing() {
    let (world, _, task) = healthy_service(100, 200);
    let before = world.get::<Task>(&task.arn);
    let elsewhere = Task {
        host_id: "elsewhere".to_owned(),
        ..task.clone()
    };
    world.report_health(&elsewhere, HealthStatus::Unhealthy);
    world.report_health(&task, HealthStatus::Healthy);
    assert_eq!(world.get::<Task>(&task.arn), before);
}

fn force(world: &World, service: &ServiceArn) {
    let (arn, change) = (
        service.clone(),
        ServiceChange {
            force_new_deployment: true,
            ..ServiceChange::default()
        },
    );
    world.write(move |tx| update_service(tx, &arn, &change));
}

#[test]
fn an_old_task_that_is_not_known_to_be_healthy_goes_before_one_that_is() {
    let (world, service, healthy) = healthy_service(50, 150);
    scale(&world, &service, 2);
    reconcile(&world, &service);
    world.obey(&service);
    force(&world, &service);
    reconcile(&world, &service);
    let old: Vec<TaskArn> = world
        .tasks(&service)
        .into_iter()
        .filter(|it| it.started_by == healthy.started_by)
        .map(|it| it.arn)
        .collect();
    assert_eq!(old, [healthy.arn], "one has to stay, and only one is healthy");
}

#[test]
fn a_protected_task_that_does_not_run_costs_no_healthy_one() {
    let (world, service, healthy) = healthy_service(100, 200);
    scale(&world, &service, 2);
    reconcile(&world, &service);
    let tasks = world.tasks(&service).into_iter().map(|it| it.arn);
    let pending: Vec<TaskArn> = tasks.filter(|it| *it != healthy.arn).collect();
    protect(&world, &pending);
    scale(&world, &service, 1);
    assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(600)));
    assert_eq!(
        world.tasks(&service).len(),
        2,
        "there is one too many until the protection ends"
    );
}

/// The grace period is not one of load balancers only.
#[test]
fn within_the_grace_period_no_task_is_replaced_that_is_unhealthy() {
    let (world, service, task) = healthy_service(0, 200);
    let arn = service.clone();
    let change = ServiceChange {
        health_check_grace_period_seconds: Some(60),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    world.report_health(&task, HealthStatus::Unhealthy);
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(1)));
    assert!(world.get::<Task>(&task.arn).stop.is_none());
    world.clock.advance(Duration::from_secs(1));
    reconcile(&world, &service);
    let stop = world.get::<Task>(&task.arn).stop.expect("it is replaced");
    assert_eq!(stop.reason, "Task failed container health checks");
}
