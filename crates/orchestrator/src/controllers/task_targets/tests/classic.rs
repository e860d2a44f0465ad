//! Tasks behind a classic load balancer, whose container instances it knows.

use std::time::Duration;

use domain::classic_load_balancer::{ClassicInstance, ClassicLoadBalancer, INSTANCES_MAX};
use domain::container_instance::ContainerInstance;
use domain::service_load_balancer::TaskTargetState;

use super::*;
use crate::transitions::{deregister_instances, forget_drained_instances};

/// The instance of the first task of a service.
fn instance_of(world: &World, service: &ServiceArn) -> String {
    let task = world.tasks(service).remove(0);
    let instance = task.container_instance.expect("runs on one");
    world.get::<ContainerInstance>(&instance).ec2_instance_id
}

fn registered(world: &World) -> Vec<String> {
    world.old().registered().map(|it| it.id.clone()).collect()
}

fn health(world: &World, task: &TaskArn) -> Option<TargetHealthState> {
    match &world.get::<Task>(task).targets[0].state {
        TaskTargetState::Registered { health, .. } => Some(*health),
        _ => None,
    }
}

/// A service with a task on each of so many instances, all of which are in service.
fn serving(count: u32) -> (World, ServiceArn) {
    let world = World::new();
    world.classic_load_balancer();
    for _ in 0..count {
        world.instance(Vec::new());
    }
    let service = world.classic_service("web", count, 8080);
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    for id in registered(&world) {
        world.report_instance(&id, TargetHealthState::Healthy);
    }
    // It follows the load balancer, then the service follows its tasks.
    world.follow_targets(&service);
    look(&world, &service);
    (world, service)
}

#[test]
fn instances_are_registered_once_tasks_run_and_tasks_count_once_they_are_in_service() {
    let world = World::new();
    world.classic_load_balancer();
    for _ in 0..2 {
        world.instance(Vec::new());
    }
    // The port of the host is there once on each.
    let service = world.classic_service("web", 3, 8080);
    look(&world, &service);
    assert_eq!(world.tasks(&service).len(), 2);
    assert!(registered(&world).is_empty(), "nothing runs yet");
    world.obey(&service);
    look(&world, &service);
    assert_eq!(registered(&world).len(), 2);
    assert!(world.old().instances.iter().all(|it| it.tasks.len() == 1));
    assert!(has_event(&world, &service, "registered 2 instances in (elb old)"));
    let task = world.tasks(&service).remove(0).arn;
    assert_eq!(health(&world, &task), Some(TargetHealthState::Initial));
    for id in registered(&world) {
        world.report_instance(&id, TargetHealthState::Healthy);
    }
    look(&world, &service);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Healthy));
}

#[test]
fn a_task_runs_on_until_its_instance_has_drained() {
    let (world, service) = serving(1);
    assert!(world.stored_service(&service).steady_since.is_some());
    let id = instance_of(&world, &service);
    let stopped = stop_one(&world, &service);
    let status = |world: &World| world.get::<Task>(&stopped.arn).last_status;
    assert_eq!(
        world.follow_targets(&service),
        Next::After(Duration::from_secs(30))
    );
    assert!(registered(&world).is_empty());
    for text in [
        "deregistered 1 instances in (elb old)",
        "has begun draining connections on 1 tasks.",
    ] {
        assert!(has_event(&world, &service, text), "{text}");
    }
    world.report_idle_instance(&id, 1);
    assert_eq!(
        world.follow_targets(&service),
        Next::After(Duration::from_secs(30)),
        "another listener has something in flight"
    );
    assert_eq!(status(&world), TaskStatus::Deactivating);
    world.report_idle_instance(&id, 2);
    assert!(world.old().instances.is_empty());
    world.follow_targets(&service);
    assert_eq!(status(&world), TaskStatus::Stopping);
}

#[test]
fn nobody_waits_longer_than_the_load_balancer_drains() {
    let (world, service) = serving(1);
    let stopped = stop_one(&world, &service);
    world.follow_targets(&service);
    world.clock.advance(Duration::from_secs(29));
    assert_eq!(
        world.follow_targets(&service),
        Next::After(Duration::from_secs(1))
    );
    world.clock.advance(Duration::from_secs(1));
    world.follow_targets(&service);
    assert_eq!(world.get::<Task>(&stopped.arn).last_status, TaskStatus::Stopping);
}

#[test]
fn a_task_whose_instance_is_out_of_service_is_replaced_and_the_event_says_why() {
    let (world, service) = serving(1);
    world.instance(Vec::new());
    let failing = world.tasks(&service).remove(0);
    let id = instance_of(&world, &service);
    world.report_instance(&id, TargetHealthState::Unhealthy);
    world.follow_targets(&service);
    // The replacement comes first, to the other instance.
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    for other in registered(&world).into_iter().filter(|it| *it != id) {
        world.report_instance(&other, TargetHealthState::Healthy);
    }
    world.follow_targets(&service);
    look(&world, &service);
    let event = format!(
        "(task {}) (instance {id}) is unhealthy in (elb old) due to (reason Instance has failed at least the \
         UnhealthyThreshold number of health checks consecutively.)",
        failing.arn.name()
    );
    assert!(
        has_event(&world, &service, &event),
        "{:?}",
        events(&world, &service)
    );
    let stop = world.get::<Task>(&failing.arn).stop.expect("is stopped");
    assert_eq!(stop.reason, "Task failed ELB health checks in (elb old)");
}

#[test]
fn an_instance_that_somebody_deregisters_is_registered_again() {
    let (world, service) = serving(1);
    let (id, task) = (instance_of(&world, &service), world.tasks(&service).remove(0).arn);
    let (old, ids) = (world.old(), [id.clone()]);
    world.write(move |tx| {
        deregister_instances(tx, &old, &ids);
        Ok::<_, ()>(())
    });
    world.follow_targets(&service);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Draining));
    world.clock.advance(Duration::from_secs(30));
    let arn = world.old().arn;
    world.write(move |tx| Ok::<_, ()>(forget_drained_instances(tx, &arn)));
    world.follow_targets(&service);
    assert_eq!(registered(&world), [id]);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Initial));
}

#[test]
fn a_whole_instance_leaves_with_a_task_and_comes_back_for_another() {
    let (world, service) = serving(1);
    let other = world.classic_service("api", 1, 8081);
    look(&world, &other);
    world.obey(&other);
    look(&world, &other);
    let task = world.tasks(&other).remove(0).arn;
    look(&world, &other);
    // It has been in service for the first.
    assert_eq!(health(&world, &task), Some(TargetHealthState::Healthy));
    assert_eq!(world.old().instances[0].tasks.len(), 2);

    let id = instance_of(&world, &service);
    stop_one(&world, &service);
    world.follow_targets(&service);
    world.follow_targets(&other);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Draining));
    world.report_idle_instance(&id, 2);
    world.follow_targets(&other);
    assert_eq!(registered(&world), [id]);
    let tasks = world.old().instances[0].tasks.clone();
    assert_eq!(tasks.into_iter().collect::<Vec<_>>(), [task]);
}

#[test]
fn a_task_that_comes_to_an_instance_that_drains_does_not_end_that() {
    let (world, service) = serving(1);
    let id = instance_of(&world, &service);
    let stopped = stop_one(&world, &service).arn;
    world.follow_targets(&service);
    let other = world.classic_service("api", 1, 8081);
    look(&world, &other);
    world.obey(&other);
    look(&world, &other);
    assert!(registered(&world).is_empty(), "what stops gets nothing new");
    let task = world.tasks(&other).remove(0).arn;
    let known = world.old().instances[0].tasks.clone();
    assert_eq!(known, [stopped.clone(), task.clone()].into());
    world.follow_targets(&other);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Draining));
    assert_eq!(world.get::<Task>(&stopped).last_status, TaskStatus::Deactivating);

    world.report_idle_instance(&id, 2);
    world.follow_targets(&service);
    assert_eq!(world.get::<Task>(&stopped).last_status, TaskStatus::Stopping);
    world.follow_targets(&other);
    assert_eq!(registered(&world), [id]);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Initial));
}

/// A service of one task, which is stopped before its instance was ever in service.
#[test]
fn nobody_waits_for_an_instance_to_which_nothing_can_be_in_flight() {
    let world = World::new();
    world.classic_load_balancer();
    world.instance(Vec::new());
    let service = world.classic_service("web", 1, 8080);
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    assert_eq!(registered(&world).len(), 1);
    let stopped = stop_one(&world, &service);
    for _ in 0..2 {
        world.follow_targets(&service);
    }
    assert!(world.old().instances.is_empty());
    assert_eq!(world.get::<Task>(&stopped.arn).last_status, TaskStatus::Stopping);
}

#[test]
fn nobody_waits_for_a_listener_that_is_gone() {
    let (world, service) = serving(1);
    let id = instance_of(&world, &service);
    stop_one(&world, &service);
    world.follow_targets(&service);
    world.report_idle_instance(&id, 1);
    let mut old = world.old();
    assert_eq!(
        old.instances.len(),
        1,
        "the other listener has something in flight"
    );
    let arn = old.arn.clone();
    old.listeners.truncate(1);
    world.write(move |tx| {
        tx.put(old);
        Ok::<_, ()>(forget_drained_instances(tx, &arn))
    });
    assert!(world.old().instances.is_empty());
}

#[test]
fn only_another_instance_finds_no_room() {
    let (world, service) = serving(1);
    let mut old = world.old();
    for number in 1..INSTANCES_MAX {
        let fake = ClassicInstance::new(format!("i-{number:017x}"), None, old.created_at);
        old.instances.push(fake);
    }
    world.write(move |tx| {
        tx.put(old);
        Ok::<_, ()>(())
    });
    let serve = |name: &str, port: u16| {
        let service = world.classic_service(name, 1, port);
        look(&world, &service);
        world.obey(&service);
        look(&world, &service);
        service
    };
    let beside = serve("beside", 8081);
    let task = world.tasks(&beside).remove(0).arn;
    let id = instance_of(&world, &service);
    let tasks = world.old().instance(&id).expect("is registered").tasks.clone();
    assert!(tasks.contains(&task), "it was there already");

    world.instance(Vec::new());
    let elsewhere = serve("elsewhere", 8080);
    let text = "failed to register 1 instances in (elb old) with (error The load balancer has as many instances as it \
                can have.)";
    assert!(
        has_event(&world, &elsewhere, text),
        "{:?}",
        events(&world, &elsewhere)
    );
}

#[test]
fn changes_of_a_load_balancer_wake_the_services_they_concern() {
    let (world, service) = serving(2);
    let keys = |before: Option<&ClassicLoadBalancer>, after: Option<&ClassicLoadBalancer>| {
        let change = Change::ClassicLoadBalancer(Changed {
            before: before.map(|it| it.clone().into()),
            after: after.map(|it| it.clone().into()),
        });
        world.store.read(|state| TaskTargets.keys(state, &change))
    };
    let before = world.old();
    let mut after = before.clone();
    after.attributes.idle_timeout_seconds += 1;
    assert!(keys(Some(&before), Some(&after)).is_empty());
    after.instances.pop();
    let all = std::slice::from_ref(&service);
    assert_eq!(keys(Some(&before), Some(&after)), all);
    let mut after = before.clone();
    after.instances[0].health.clear();
    assert_eq!(keys(Some(&before), Some(&after)), all);
    assert_eq!(keys(Some(&before), None), all);
    assert_eq!(keys(None, Some(&after)), all);
    assert_eq!(world.store.read(|state| TaskTargets.all_keys(state)), all);
}

#[test]
fn a_load_balancer_that_is_gone_is_told_and_one_that_comes_back_gets_its_instances() {
    let (world, service) = serving(1);
    let (id, task) = (instance_of(&world, &service), world.tasks(&service).remove(0).arn);
    let delete = |world: &World| {
        let arn = world.old().arn;
        world.write(move |tx| {
            tx.delete::<ClassicLoadBalancer>(&arn);
            Ok::<_, ()>(())
        });
    };
    delete(&world);
    world.follow_targets(&service);
    assert_eq!(health(&world, &task), Some(TargetHealthState::Unused));
    world.classic_load_balancer();
    world.follow_targets(&service);
    assert_eq!(registered(&world), [id]);

    delete(&world);
    let late = world.classic_service("late", 1, 8081);
    look(&world, &late);
    world.obey(&late);
    look(&world, &late);
    let text = "failed to register 1 instances in (elb old) with (error The load balancer does not exist.)";
    assert!(has_event(&world, &late, text), "{:?}", events(&world, &late));
}
