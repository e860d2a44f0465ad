//! Moves of tasks, obeyed by the controller.

use std::collections::BTreeMap;

use domain::ContainerInstanceArn;
use domain::cluster::INSTANCE_REBALANCING;
use domain::host::Resources;
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::tags::Pair;

use super::*;
use crate::fixture::lab;
use crate::transitions::{ClusterChange, update_cluster};

fn in_zone(world: &World, zone: &str) -> ContainerInstanceArn {
    world.instance(vec![Pair::new("ecs.availability-zone", zone)])
}

fn enable(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let change = ServiceChange {
        availability_zone_rebalancing: Some(AvailabilityZoneRebalancing::Enabled),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn rebalance_instances(world: &World, value: &str) {
    let change = ClusterChange {
        service_connect_namespace: None,
        settings: Some(vec![Pair::new(INSTANCE_REBALANCING, value)]),
        configuration: None,
    };
    world.write(move |tx| update_cluster(tx, &lab(), change));
}

fn by_zone(world: &World, service: &ServiceArn) -> Vec<usize> {
    let mut zones: BTreeMap<String, usize> = BTreeMap::new();
    for task in world.tasks(service) {
        *zones.entry(task.availability_zone).or_default() += 1;
    }
    zones.into_values().collect()
}

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    let mut events: Vec<String> = world.store.read(|state| {
        state
            .service_events(service)
            .map(|it| it.message.clone())
            .collect()
    });
    events.reverse();
    events
}

/// What EventBridge is told of a service, the oldest first.
fn actions(world: &World, service: &ServiceArn) -> Vec<&'static str> {
    let mut told: Vec<&'static str> = world.store.read(|state| {
        let events = state.service_events(service);
        events
            .filter_map(|it| Some(it.action.as_ref()?.name.as_str()))
            .collect()
    });
    told.reverse();
    told
}

fn count(events: &[String], beginning: &str) -> usize {
    events.iter().filter(|it| it.starts_with(beginning)).count()
}

/// Looks and agents take turns, with pauses, and the service keeps so many tasks running and has no more than so many.
fn come_to_rest(world: &World, services: &[&ServiceArn], least: usize, most: usize) {
    for _ in 0..40 {
        for service in services {
            reconcile(world, service);
            let tasks = world.tasks(service);
            let running = tasks.iter().filter(|it| it.last_status == TaskStatus::Running);
            assert!(running.count() >= least, "never below what is desired");
            assert!(tasks.len() <= most, "never above the maximum");
            world.obey(service);
        }
        world.clock.advance(controller().rebalance_pause);
    }
}

/// Four tasks in the zone `a`, and nothing in `b`.
fn uneven() -> (World, ServiceArn) {
    let world = World::new();
    in_zone(&world, "a");
    let service = world.service(4, 100, 150);
    settle_down(&world, &service);
    in_zone(&world, "b");
    (world, service)
}

#[test]
fn tasks_move_to_an_empty_zone_one_by_one_if_they_may() {
    let (world, service) = uneven();
    come_to_rest(&world, &[&service], 4, 4);
    assert_eq!(
        by_zone(&world, &service),
        [4],
        "a service that never said so keeps them"
    );
    enable(&world, &service);
    come_to_rest(&world, &[&service], 4, 5);
    assert_eq!(by_zone(&world, &service), [2, 2]);
    let events = events(&world, &service);
    let begins =
        "(service web) is not AZ balanced with 4 tasks in a, 0 tasks in b. AZ Rebalancing in progress.";
    assert_eq!(count(&events, begins), 1);
    assert_eq!(
        count(
            &events,
            "(service web) has started 1 tasks in b to AZ Rebalance: (task "
        ),
        2
    );
    let stopped = "(service web) has stopped 1 running tasks in a due to AZ rebalancing: (task ";
    assert_eq!(count(&events, stopped), 2);
    let ends = "(service web) is AZ balanced with 2 tasks in a, 2 tasks in b.";
    assert_eq!(count(&events, ends), 1, "{events:#?}");
    let told = actions(&world, &service);
    let rebalancing = told.iter().filter(|it| it.starts_with("SERVICE_REBALANCING"));
    let rebalancing: Vec<_> = rebalancing.copied().collect();
    assert_eq!(
        rebalancing,
        ["SERVICE_REBALANCING_STARTED", "SERVICE_REBALANCING_COMPLETED"]
    );
    let stored = world.stored_service(&service);
    assert!(stored.steady_since.is_some() && stored.deployments.len() == 1);
}

#[test]
fn a_zone_without_room_is_told_once() {
    let world = World::new();
    in_zone(&world, "a");
    let service = world.service(4, 100, 150);
    settle_down(&world, &service);
    let full = Resources {
        cpu: 5,
        memory: 5,
        ..Resources::default()
    };
    world.instance_of(full, vec![Pair::new("ecs.availability-zone", "b")]);
    enable(&world, &service);
    come_to_rest(&world, &[&service], 4, 4);
    let text = "(service web) is unable to place a task in b because no container instance met all of its requirements.";
    assert_eq!(count(&events(&world, &service), text), 1);
    assert_eq!(
        reconcile(&world, &service),
        Next::After(controller().rebalance_pause)
    );
}

#[test]
fn protected_tasks_do_not_move() {
    let (world, service) = uneven();
    let all: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    protect(&world, &all);
    enable(&world, &service);
    assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(600)));
    let told = events(&world, &service);
    let held = told
        .iter()
        .filter(|it| it.contains("due to (reason 4 tasks under protection)."));
    assert_eq!(held.count(), 1, "{told:#?}");
    assert_eq!(
        world.tasks(&service).len(),
        4,
        "nothing is started that could not stay"
    );
    world.clock.advance(Duration::from_secs(600));
    come_to_rest(&world, &[&service], 4, 5);
    assert_eq!(by_zone(&world, &service), [2, 2]);
}

#[test]
fn protection_that_comes_in_between_ends_a_move() {
    let (world, service) = uneven();
    enable(&world, &service);
    let all: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    reconcile(&world, &service);
    assert_eq!(by_zone(&world, &service), [4, 1]);
    protect(&world, &all);
    world.obey(&service);
    come_to_rest(&world, &[&service], 4, 5);
    assert_eq!(by_zone(&world, &service), [4], "its surplus is scaled in");
    assert_eq!(
        count(&events(&world, &service), "(service web) stopped AZ Rebalancing."),
        1
    );
}

#[test]
fn nothing_moves_during_a_deployment_which_ends_a_move() {
    let (world, service) = uneven();
    enable(&world, &service);
    reconcile(&world, &service);
    assert_eq!(by_zone(&world, &service), [4, 1]);
    let arn = service.clone();
    let change = ServiceChange {
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    reconcile(&world, &service);
    assert!(world.stored_service(&service).balance.moving.is_none());
    assert_eq!(
        count(&events(&world, &service), "(service web) stopped AZ Rebalancing."),
        1
    );
    come_to_rest(&world, &[&service], 4, 6);
    assert_eq!(by_zone(&world, &service), [2, 2]);
}

#[test]
fn a_move_waits_until_its_replacement_is_healthy() {
    let world = World::new();
    in_zone(&world, "a");
    let definition = world.checked_definition();
    let service = world.service_running(&definition, 2, 100, 200);
    let all_are = |status| {
        for task in world.tasks(&service) {
            world.report_health(&task, status);
        }
    };
    settle_down(&world, &service);
    all_are(domain::task::HealthStatus::Healthy);
    settle_down(&world, &service);
    in_zone(&world, "b");
    enable(&world, &service);
    for _ in 0..5 {
        reconcile(&world, &service);
        world.obey(&service);
        assert_eq!(by_zone(&world, &service), [2, 1], "nobody knows yet how it is");
    }
    all_are(domain::task::HealthStatus::Healthy);
    settle_down(&world, &service);
    assert_eq!(by_zone(&world, &service), [1, 1]);
}

#[test]
fn crowded_container_instances_give_tasks_to_empty_ones_if_the_cluster_is_set_so() {
    let world = World::new();
    let first = world.instance(Vec::new());
    let service = world.service(8, 100, 125);
    settle_down(&world, &service);
    let second = world.instance(Vec::new());
    come_to_rest(&world, &[&service], 8, 8);
    rebalance_instances(&world, "enabled");
    reconcile(&world, &service);
    world.obey(&service);
    reconcile(&world, &service);
    world.obey(&service);
    assert_eq!(
        reconcile(&world, &service),
        Next::After(controller().rebalance_pause),
        "not all at once"
    );
    come_to_rest(&world, &[&service], 8, 9);
    let on = |it| tasks_on(&world, &service, it);
    assert_eq!((on(&first), on(&second)), (4, 4));
    let events = events(&world, &service);
    assert_eq!(
        count(
            &events,
            "(service web) has started 1 tasks on (container-instance "
        ),
        4
    );
    let why = "has 80 % of its CPU or memory reserved and this one 0 %";
    assert_eq!(
        events.iter().filter(|it| it.contains(why)).count(),
        1,
        "{events:#?}"
    );
    assert_eq!(
        count(
            &events,
            "(service web) has stopped 1 running tasks on (container-instance "
        ),
        4
    );
    rebalance_instances(&world, "disabled");
    come_to_rest(&world, &[&service], 8, 8);
}

#[test]
fn services_take_turns_and_daemons_stay() {
    let world = World::new();
    world.instance(Vec::new());
    let daemon = world.daemon(0, Vec::new());
    let service = world.service(7, 100, 200);
    for it in [&daemon, &service] {
        settle_down(&world, it);
    }
    world.instance(Vec::new());
    rebalance_instances(&world, "enabled");
    for _ in 0..40 {
        for it in [&daemon, &service] {
            reconcile(&world, it);
            world.obey(it);
        }
        world.clock.advance(controller().rebalance_pause);
    }
    assert_eq!(
        world.stored_service(&daemon).scheduling_strategy,
        SchedulingStrategy::Daemon
    );
    assert_eq!((world.tasks(&daemon).len(), world.tasks(&service).len()), (2, 7));
    let stored = world.stored_service(&service);
    assert!(stored.steady_since.is_some() && stored.balance.moving.is_none());
}

#[test]
fn an_empty_container_instance_that_connects_wakes_services_that_may_move() {
    let (world, service) = uneven();
    let instance = in_zone(&world, "c");
    let host_id = world.get::<ContainerInstance>(&instance).host_id;
    let host = Arc::new(world.get::<domain::host::Host>(&host_id));
    let away = domain::host::Host {
        is_connected: false,
        ..(*host).clone()
    };
    let connects = || {
        Change::Host(store::Changed {
            before: Some(Arc::new(away.clone())),
            after: Some(Arc::clone(&host)),
        })
    };
    let woken = |change: Change| world.store.read(|state| controller().keys(state, &change));
    assert!(woken(connects()).is_empty(), "it keeps its tasks where they are");
    enable(&world, &service);
    assert_eq!(woken(connects()), [service]);
}
