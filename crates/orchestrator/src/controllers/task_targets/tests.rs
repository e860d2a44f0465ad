//! Tasks behind a load balancer, from their registration to the end of what is in flight.

use domain::deployment_strategy::DeploymentStrategy;
use domain::load_balancer::LoadBalancer;
use domain::service::ServiceEvent;
use domain::target::{TargetHealthState, TargetState};
use domain::task::{DesiredStatus, Stop, StopCode};

use super::*;

mod classic;
use crate::controllers::Settings;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::fixture::{Balanced, World};
use crate::transitions::{ServiceChange, stop_task, update_service};

fn look(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let controller = ServiceDeployments::new(&Settings::default());
    world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    world.follow_targets(service);
}

/// A service of so many tasks that run and are healthy targets.
fn serving(desired_count: u32) -> (World, Balanced, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, desired_count, DeploymentStrategy::Rolling);
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    world.report_targets(&behind.blue, TargetHealthState::Healthy);
    look(&world, &service);
    (world, behind, service)
}

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let events = state.service_events(service);
        events
            .map(|it: &std::sync::Arc<ServiceEvent>| it.message.clone())
            .collect()
    })
}

fn has_event(world: &World, service: &ServiceArn, text: &str) -> bool {
    events(world, service).iter().any(|it| it.contains(text))
}

fn stop_one(world: &World, service: &ServiceArn) -> Task {
    let task = world.tasks(service).remove(0);
    let arn = task.arn.clone();
    world.write(move |tx| {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        };
        stop_task(tx, &arn, stop)
    });
    task
}

#[test]
fn tasks_are_registered_once_they_run_and_count_once_they_are_healthy() {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, 2, DeploymentStrategy::Rolling);
    look(&world, &service);
    assert!(world.targets(&behind.blue).is_empty(), "nothing runs yet");
    world.obey(&service);
    look(&world, &service);
    let mut expected: Vec<String> = world
        .tasks(&service)
        .iter()
        .filter_map(|it| it.eni.as_ref().map(|it| it.address.to_string()))
        .collect();
    expected.sort();
    let targets = world.targets(&behind.blue);
    assert_eq!(
        targets.iter().map(|it| it.key.id.clone()).collect::<Vec<_>>(),
        expected
    );
    assert!(
        targets
            .iter()
            .all(|it| it.key.port == 80 && it.zone.as_deref() == Some("us-east-1a"))
    );
    let registered = format!("registered 2 targets in (target-group {})", behind.blue);
    assert!(has_event(&world, &service, &registered));
    // However long they run: what counts is the load balancer's word.
    world.clock.advance(std::time::Duration::from_secs(60));
    look(&world, &service);
    assert_eq!(world.stored_service(&service).steady_since, None);
    world.report_targets(&behind.blue, TargetHealthState::Healthy);
    look(&world, &service);
    assert!(world.stored_service(&service).steady_since.is_some());
}

#[test]
fn a_task_runs_on_until_nothing_is_in_flight_to_it() {
    let (world, behind, service) = serving(2);
    let stopped = stop_one(&world, &service);
    let task = |world: &World| world.get::<Task>(&stopped.arn);
    assert_eq!(task(&world).last_status, TaskStatus::Deactivating);
    assert_eq!(
        (task(&world).desired_status, task(&world).wish()),
        (DesiredStatus::Stopped, DesiredStatus::Running)
    );
    let key = task(&world).targets[0].key().expect("is registered");
    assert_eq!(
        world.follow_targets(&service),
        Next::After(std::time::Duration::from_secs(300))
    );
    let target = world.get::<domain::target::Target>(&key);
    assert!(matches!(target.state, TargetState::Draining { .. }));
    for text in [
        "deregistered 1 targets in (target-group",
        "has begun draining connections on 1 tasks.",
    ] {
        assert!(has_event(&world, &service, text), "{text}");
    }
    world.report_idle(&key);
    assert_eq!(world.follow_targets(&service), Next::AwaitChange);
    assert_eq!(task(&world).last_status, TaskStatus::Stopping);
    assert_eq!(task(&world).wish(), DesiredStatus::Stopped);
    // Users see it drain until the delay is over.
    assert_eq!(
        world.get::<domain::target::Target>(&key).health.state,
        TargetHealthState::Draining
    );
    assert_eq!(world.targets(&behind.blue).len(), 2);
}

#[test]
fn nobody_waits_longer_than_the_delay_of_the_group() {
    let (world, _, service) = serving(1);
    let stopped = stop_one(&world, &service);
    world.follow_targets(&service);
    world.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(
        world.follow_targets(&service),
        Next::After(std::time::Duration::from_secs(1))
    );
    world.clock.advance(std::time::Duration::from_secs(1));
    world.follow_targets(&service);
    assert_eq!(world.get::<Task>(&stopped.arn).last_status, TaskStatus::Stopping);
}

#[test]
fn a_task_that_ends_by_itself_is_deregistered() {
    let (world, behind, service) = serving(1);
    let task = world.tasks(&service).remove(0);
    world.report(task.arn.clone(), TaskStatus::Stopped);
    world.follow_targets(&service);
    let target = world.targets(&behind.blue).remove(0);
    assert!(matches!(target.state, TargetState::Draining { .. }));
    assert!(!has_event(&world, &service, "has begun draining connections"));
}

#[test]
fn an_address_that_another_task_has_got_stays_registered() {
    let (world, behind, service) = serving(1);
    let first = world.tasks(&service).remove(0);
    // Its target is another's before the controller has looked at its end.
    world.report(first.arn.clone(), TaskStatus::Stopped);
    let key = first.targets[0].key().expect("is registered");
    let other = first.arn.cluster().member("fedcba9876543210fedcba9876543210");
    let group = behind.blue.clone();
    let new = crate::transitions::NewTarget {
        id: key.id.clone(),
        port: key.port,
        zone: None,
        address: None,
        task: Some(other),
    };
    world.write(move |tx| {
        crate::transitions::register_targets(tx, &group, vec![new]);
        Ok::<_, ()>(())
    });
    world.follow_targets(&service);
    let target = world.get::<domain::target::Target>(&key);
    assert_eq!(target.state, TargetState::Registered);
}

#[test]
fn a_target_that_fails_is_replaced_and_the_event_says_why() {
    let (world, behind, service) = serving(2);
    let failing: Vec<_> = world.targets(&behind.blue).into_iter().map(|it| it.key).collect();
    world.report_targets(&behind.blue, TargetHealthState::Unhealthy);
    look(&world, &service);
    // Replacements come first.
    world.obey(&service);
    look(&world, &service);
    let fresh = world.targets(&behind.blue).into_iter().map(|it| it.key);
    for key in fresh.filter(|it| !failing.contains(it)) {
        world.report_target(&key, TargetHealthState::Healthy);
    }
    look(&world, &service);
    let group = &behind.blue;
    let event = format!("(port 80) is unhealthy in (target-group {group}) due to (reason Request timed out)");
    assert!(
        has_event(&world, &service, &event),
        "{:?}",
        events(&world, &service)
    );
    let reason = format!("Task failed ELB health checks in (target-group {group})");
    let tasks: Vec<Task> = world.store.read(|state| {
        let tasks = state.tasks_of_service(&service);
        tasks.map(|it| Task::clone(it)).collect()
    });
    assert!(
        tasks
            .iter()
            .any(|it| it.stop.as_ref().is_some_and(|it| it.reason == reason))
    );
    assert_eq!(world.stored_service(&service).deployments[0].failed_tasks, 2);
}

#[test]
fn a_task_in_a_zone_that_its_load_balancer_is_not_in_is_replaced_and_the_event_says_why() {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    world.write(|tx| {
        let mut all = tx.state().all::<LoadBalancer>();
        let mut elsewhere = LoadBalancer::clone(all.next().expect("is there"));
        drop(all);
        elsewhere.zones[0].name = "us-east-1z".to_owned();
        tx.put(elsewhere);
        Ok::<_, ()>(())
    });
    let service = world.balanced_service(&behind, 1, DeploymentStrategy::Rolling);
    for _ in 0..8 {
        look(&world, &service);
        world.obey(&service);
    }
    let event = format!(
        "(port 80) is unhealthy in (target-group {}) due to (reason Target is in an Availability Zone that is not enabled \
         for the load balancer)",
        behind.blue
    );
    assert!(
        has_event(&world, &service, &event),
        "{:?}",
        events(&world, &service)
    );
    assert!(world.stored_service(&service).deployments[0].failed_tasks > 0);
}

#[test]
fn a_task_may_be_unhealthy_while_it_has_grace() {
    let (world, behind, service) = serving(1);
    let arn = service.clone();
    let change = ServiceChange {
        health_check_grace_period_seconds: Some(60),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    world.report_targets(&behind.blue, TargetHealthState::Unhealthy);
    let arn = service.clone();
    let controller = ServiceDeployments::new(&Settings::default());
    let next = world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    assert_eq!(world.tasks(&service).len(), 1, "none is replaced");
    assert!(
        matches!(next, Next::After(wait) if wait <= std::time::Duration::from_secs(60)),
        "{next:?}"
    );
    world.clock.advance(std::time::Duration::from_secs(60));
    look(&world, &service);
    assert_eq!(world.tasks(&service).len(), 2, "one comes to replace it");
}

#[test]
fn a_group_that_is_gone_is_told_and_the_task_is_replaced() {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, 1, DeploymentStrategy::Rolling);
    let group = behind.blue.clone();
    world.write(move |tx| {
        tx.delete::<domain::target_group::TargetGroup>(&group);
        Ok::<_, ()>(())
    });
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    let text = format!(
        "failed to register 1 targets in (target-group {}) with (error The target group does not exist.)",
        behind.blue
    );
    assert!(has_event(&world, &service, &text));
    // Its replacement fares no better, and there is no room for a third.
    for _ in 0..2 {
        look(&world, &service);
        world.obey(&service);
    }
    look(&world, &service);
    assert!(world.stored_service(&service).deployments[0].failed_tasks > 0);
}

#[test]
fn a_rolling_update_stops_no_task_before_its_replacement_is_healthy() {
    let (world, behind, service) = serving(2);
    let arn = service.clone();
    let change = ServiceChange {
        task_definition: Some(world.awsvpc_definition()),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    world.clock.advance(std::time::Duration::from_secs(60));
    look(&world, &service);
    assert_eq!(world.tasks(&service).len(), 4, "the new ones are not healthy yet");
    world.report_targets(&behind.blue, TargetHealthState::Healthy);
    look(&world, &service);
    let left = world.store.read(|state| {
        let tasks = state.tasks_of_service(&service);
        tasks
            .filter(|it| it.last_status == TaskStatus::Deactivating)
            .count()
    });
    assert_eq!(left, 2, "the old ones drain");
}
