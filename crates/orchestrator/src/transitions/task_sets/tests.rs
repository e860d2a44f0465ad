use std::convert::Infallible;
use std::time::Duration;

use domain::task::{StopCode, Task, TaskStatus};
use proptest::prelude::*;

use super::*;
use crate::controllers::Controller;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::fixture::{World, lab};
use crate::transitions::{
    Availability, ServiceChange, ServiceRefusal, TaskReport, delete_service, observe_task,
    update_container_instances_state, update_service,
};

fn percent(value: u32) -> Scale {
    Scale::from_percent(f64::from(value)).expect("is a share")
}

fn new_set(world: &World, service: &ServiceArn, scale: u32) -> NewTaskSet {
    NewTaskSet {
        service: service.clone(),
        external_id: None,
        task_definition: world.definition().arn.clone(),
        launch_type: LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        platform_version: None,
        network_configuration: None,
        load_balancers: Vec::new(),
        service_registries: Vec::new(),
        scale: percent(scale),
        client_token: None,
        tags: Vec::new(),
    }
}

fn create(world: &World, service: &ServiceArn, scale: u32) -> TaskSetArn {
    let new = new_set(world, service, scale);
    world.write(|tx| create_task_set(tx, new)).1
}

fn scaled(world: &World, arn: &TaskSetArn, scale: u32) {
    let key = arn.clone();
    world.write(move |tx| update_task_set(tx, &key, percent(scale)));
}

fn delete(world: &World, arn: &TaskSetArn, force: bool) -> Result<Arc<Service>, TaskSetRefusal> {
    let key = arn.clone();
    world.attempt(move |tx| delete_task_set(tx, &key, force))
}

fn make_primary(world: &World, arn: &TaskSetArn) {
    let key = arn.clone();
    world.write(move |tx| update_service_primary_task_set(tx, &key));
}

fn reconcile(world: &World, service: &ServiceArn) {
    let key = service.clone();
    let controller = ServiceDeployments {
        placement_retry: Duration::from_secs(1),
        healthy_after: Duration::ZERO,
        rebalance_pause: Duration::from_secs(5),
        public_addresses: crate::controllers::PUBLIC_ADDRESSES,
    };
    world.write(move |tx| Ok::<_, Infallible>(controller.reconcile(tx, &key)));
}

/// Looks and agents take turns, long enough for anything here to come to rest.
fn settle_down(world: &World, service: &ServiceArn) {
    for _ in 0..6 {
        reconcile(world, service);
        world.obey(service);
    }
    reconcile(world, service);
}

fn wanted(world: &World, arn: &TaskSetArn) -> Vec<Task> {
    let tasks = world.tasks(&arn.service()).into_iter();
    tasks
        .filter(|it| it.started_by.as_deref() == Some(arn.id()))
        .collect()
}

fn stored(world: &World, arn: &TaskSetArn) -> Option<TaskSet> {
    world.stored_service(&arn.service()).task_set(arn.id()).cloned()
}

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let mut all: Vec<String> = state
            .service_events(service)
            .map(|it| it.message.clone())
            .collect();
        all.reverse();
        all
    })
}

#[test]
fn task_sets_share_the_count_of_their_service_and_swap() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(4);
    reconcile(&world, &service);
    assert!(world.tasks(&service).is_empty(), "nobody says what to run");
    assert!(events(&world, &service).is_empty());
    let (blue, green) = (create(&world, &service, 100), create(&world, &service, 0));
    make_primary(&world, &blue);
    settle_down(&world, &service);
    assert_eq!(
        (wanted(&world, &blue).len(), wanted(&world, &green).len()),
        (4, 0)
    );
    scaled(&world, &green, 30);
    settle_down(&world, &service);
    assert_eq!(
        (wanted(&world, &blue).len(), wanted(&world, &green).len()),
        (4, 2)
    );
    let tasks = wanted(&world, &green);
    assert!(tasks.iter().all(|it| it.group == "service:web"));
    scaled(&world, &green, 100);
    make_primary(&world, &green);
    scaled(&world, &blue, 0);
    settle_down(&world, &service);
    assert_eq!(
        (wanted(&world, &blue).len(), wanted(&world, &green).len()),
        (0, 4)
    );
    let kept = stored(&world, &green).expect("is there");
    assert_eq!(kept.status, TaskSetStatus::Primary);
    assert_eq!(kept.stability, Stability::SteadyState);
    let of_service = world.stored_service(&service).task_definition;
    assert_eq!(
        of_service,
        Some(kept.task_definition),
        "the service says what it says"
    );
    delete(&world, &blue, false).expect("is scaled to 0");
    settle_down(&world, &service);
    assert_eq!(stored(&world, &blue), None);
}

#[test]
fn what_happens_is_announced_in_amazons_words() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(1);
    let blue = create(&world, &service, 50);
    settle_down(&world, &service);
    let id = blue.id();
    let task = wanted(&world, &blue)[0].arn.clone();
    let expected = [
        format!("(service web) updated computedDesiredCount for taskSet {id} to 1."),
        format!("(service web) has started 1 tasks: (task {}).", task.name()),
        format!("(service web, taskSet {id}) updated state to STEADY_STATE."),
        "(service web) has reached a steady state.".to_owned(),
    ];
    assert_eq!(events(&world, &service), expected);
}

#[test]
fn a_services_count_rescales_its_task_sets() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(1);
    let (blue, green) = (create(&world, &service, 100), create(&world, &service, 25));
    settle_down(&world, &service);
    for (count, expected) in [(5, (5, 2)), (2, (2, 1)), (0, (0, 0))] {
        let key = service.clone();
        let change = ServiceChange {
            desired_count: Some(count),
            ..ServiceChange::default()
        };
        let changed = world.write(move |tx| update_service(tx, &key, &change));
        assert!(changed.deployments.is_empty(), "it deploys nothing by itself");
        settle_down(&world, &service);
        assert_eq!(
            (wanted(&world, &blue).len(), wanted(&world, &green).len()),
            expected
        );
    }
}

#[test]
fn one_token_makes_one_task_set_and_five_are_enough() {
    let world = World::new();
    let service = world.external_service(1);
    let new = NewTaskSet {
        client_token: Some("token".to_owned()),
        ..new_set(&world, &service, 10)
    };
    let other = NewTaskSet {
        scale: percent(20),
        ..new.clone()
    };
    let (first, again) = (new.clone(), new);
    let (_, first) = world.write(|tx| create_task_set(tx, first));
    let (_, again) = world.write(|tx| create_task_set(tx, again));
    assert_eq!(first, again);
    let refused = world.attempt(|tx| create_task_set(tx, other)).err();
    assert_eq!(refused, Some(TaskSetRefusal::NotIdempotent));
    for _ in 1..TASK_SETS_MAX {
        create(&world, &service, 0);
    }
    let sixth = new_set(&world, &service, 0);
    let refused = world.attempt(|tx| create_task_set(tx, sixth)).err();
    assert_eq!(refused, Some(TaskSetRefusal::TooMany));
}

#[test]
fn a_task_set_is_deleted_when_it_serves_nobody_or_by_force() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(2);
    let (blue, green) = (create(&world, &service, 100), create(&world, &service, 50));
    make_primary(&world, &blue);
    settle_down(&world, &service);
    assert_eq!(
        delete(&world, &blue, false).err(),
        Some(TaskSetRefusal::IsPrimary)
    );
    assert_eq!(
        delete(&world, &green, false).err(),
        Some(TaskSetRefusal::ScaledAboveZero)
    );
    delete(&world, &blue, true).expect("by force");
    let draining = stored(&world, &blue).expect("its tasks still stop");
    assert_eq!(draining.status, TaskSetStatus::Draining);
    assert_eq!(draining.computed_desired_count(2), 0);
    assert_eq!(world.stored_service(&service).task_definition, None);
    let key = blue.clone();
    let refused = world
        .attempt(move |tx| update_task_set(tx, &key, percent(1)))
        .err();
    assert_eq!(refused, Some(TaskSetRefusal::IsDraining));
    settle_down(&world, &service);
    assert_eq!((stored(&world, &blue), wanted(&world, &green).len()), (None, 1));
    assert_eq!(delete(&world, &blue, true).err(), Some(TaskSetRefusal::NotFound));
}

#[test]
fn a_service_goes_after_its_task_sets_or_takes_them_with_it() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(0);
    create(&world, &service, 100);
    let key = service.clone();
    let refused = world.attempt(move |tx| delete_service(tx, &key, false)).err();
    assert_eq!(refused, Some(ServiceRefusal::HasTaskSets));
    let key = service.clone();
    world.write(move |tx| {
        update_service(
            tx,
            &key,
            &ServiceChange {
                desired_count: Some(3),
                ..ServiceChange::default()
            },
        )
    });
    settle_down(&world, &service);
    assert_eq!(world.tasks(&service).len(), 3);
    let key = service.clone();
    world.write(move |tx| delete_service(tx, &key, true));
    settle_down(&world, &service);
    let gone = world.stored_service(&service);
    assert_eq!((gone.status, gone.task_sets.len()), (ServiceStatus::Inactive, 0));
    assert!(world.tasks(&service).is_empty());
    let late = new_set(&world, &service, 0);
    let refused = world.attempt(|tx| create_task_set(tx, late)).err();
    assert_eq!(refused, Some(TaskSetRefusal::ServiceNotActive));
}

#[test]
fn task_sets_are_for_external_services_only() {
    let world = World::new();
    let service = world.service(0, 100, 200);
    let new = new_set(&world, &service, 0);
    let refused = world.attempt(|tx| create_task_set(tx, new)).err();
    assert_eq!(refused, Some(TaskSetRefusal::ServiceNotExternal));
    let new = new_set(&world, &lab().member("none"), 0);
    let refused = world.attempt(|tx| create_task_set(tx, new)).err();
    assert_eq!(refused, Some(TaskSetRefusal::ServiceNotFound));
}

#[test]
fn a_task_set_that_cannot_start_does_not_hold_up_the_others() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.external_service(1);
    let (blue, green) = (create(&world, &service, 100), create(&world, &service, 100));
    for _ in 0..3 {
        reconcile(&world, &service);
        for task in wanted(&world, &green) {
            let report = TaskReport {
                status: Some(TaskStatus::Stopped),
                reason: Some("CannotPullContainerError".to_owned()),
                ..TaskReport::default()
            };
            world.write(move |tx| observe_task(tx, &task.arn, &report));
        }
    }
    assert!(stored(&world, &green).is_some_and(|it| it.throttled_until.is_some()));
    assert!(world.stored_service(&service).throttled_until.is_none());
    assert_eq!(wanted(&world, &blue).len(), 1);
}

#[test]
fn tasks_of_a_draining_instance_are_replaced_within_their_task_set() {
    let world = World::new();
    let first = world.instance(Vec::new());
    let service = world.external_service(2);
    let blue = create(&world, &service, 100);
    settle_down(&world, &service);
    let second = world.instance(Vec::new());
    let arns = vec![first];
    world.write(move |tx| update_container_instances_state(tx, &arns, Availability::Draining));
    reconcile(&world, &service);
    let stability = stored(&world, &blue).map(|it| it.stability);
    assert_eq!(stability, Some(Stability::Stabilizing));
    settle_down(&world, &service);
    let tasks = wanted(&world, &blue);
    assert_eq!(tasks.len(), 2);
    assert!(
        tasks
            .iter()
            .all(|it| it.container_instance.as_ref() == Some(&second))
    );
    let stopped = world.store.read(|state| {
        let all = state.tasks_of_service(&service);
        all.filter_map(|it| Some(it.stop.as_ref()?.code))
            .collect::<Vec<_>>()
    });
    assert_eq!(stopped, [StopCode::ServiceSchedulerInitiated; 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever shares and counts come, each task set ends with its share, and nothing runs beside them.
    #[test]
    fn the_sum_of_task_sets_is_what_the_service_runs(
        steps in proptest::collection::vec((0_u32..=4, 0_u32..=100, 0_u32..=100), 1..5),
    ) {
        let world = World::new();
        world.instance(Vec::new());
        let service = world.external_service(1);
        let (blue, green) = (create(&world, &service, 100), create(&world, &service, 0));
        for (count, of_blue, of_green) in steps {
            let key = service.clone();
            let change = ServiceChange { desired_count: Some(count), ..ServiceChange::default() };
            world.write(move |tx| update_service(tx, &key, &change));
            scaled(&world, &blue, of_blue);
            scaled(&world, &green, of_green);
            settle_down(&world, &service);
            let stored = world.stored_service(&service);
            let computed: u32 = stored.task_sets.iter().map(|it| it.computed_desired_count(count)).sum();
            let tally = world.store.read(|state| state.service_tally(&service));
            let running: u32 = tally.iter().map(|(_, it)| it.running).sum();
            prop_assert_eq!(running, computed);
            prop_assert!(stored.task_sets.iter().all(|it| it.stability == Stability::SteadyState));
        }
    }
}
