use std::collections::BTreeMap;

use domain::ServiceArn;
use domain::capacity_provider::{Capacity, CapacityProviderStrategyItem};
use domain::container_instance::FARGATE_CAPACITY_ATTRIBUTE;
use domain::tags::Pair;
use domain::task_definition::LaunchType;

use super::*;
use crate::fixture::World;
use crate::transitions::{ServiceChange, update_service};

fn item(capacity_provider: &str, base: u32, weight: u32) -> CapacityProviderStrategyItem {
    CapacityProviderStrategyItem {
        capacity_provider: capacity_provider.to_owned(),
        base,
        weight,
    }
}

/// A service of no tasks with that strategy, on a host that serves FARGATE tasks.
fn world(launch_type: LaunchType, strategy: Vec<CapacityProviderStrategyItem>) -> (World, ServiceArn) {
    let world = World::new();
    world.instance(vec![Pair::new(FARGATE_CAPACITY_ATTRIBUTE, "true")]);
    let service = world.service(0, 100, 200);
    let change = ServiceChange {
        capacity: Some(Capacity {
            launch_type,
            strategy,
        }),
        ..ServiceChange::default()
    };
    let arn = service.clone();
    let changed = world.write(move |tx| update_service(tx, &arn, &change));
    assert_eq!(changed.deployments.len(), 2, "it is a new deployment");
    (world, service)
}

/// Tasks wanted of each capacity provider, once the service has that many.
fn scaled(world: &World, service: &ServiceArn, desired_count: u32) -> BTreeMap<String, u32> {
    let change = ServiceChange {
        desired_count: Some(desired_count),
        ..ServiceChange::default()
    };
    let arn = service.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
    for _ in 0..3 {
        let key = service.clone();
        let controller = ServiceDeployments {
            placement_retry: Duration::from_secs(1),
            healthy_after: Duration::ZERO,
            rebalance_pause: Duration::from_secs(5),
            public_addresses: crate::controllers::PUBLIC_ADDRESSES,
        };
        world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &key)));
        world.obey(service);
    }
    let mut counts = BTreeMap::new();
    for task in world.tasks(service) {
        *counts
            .entry(task.capacity_provider.unwrap_or_default())
            .or_default() += 1;
    }
    counts
}

#[test]
fn capacity_is_divided_across_the_steps_of_a_service_out_and_in() {
    let strategy = vec![item("FARGATE", 1, 0), item("FARGATE_SPOT", 0, 3)];
    let (world, service) = world(LaunchType::Fargate, strategy);
    let counts = |fargate: u32, spot: u32| {
        let both = [("FARGATE", fargate), ("FARGATE_SPOT", spot)];
        let some = both.into_iter().filter(|(_, count)| *count > 0);
        some.map(|(name, count)| (name.to_owned(), count))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(scaled(&world, &service, 1), counts(1, 0));
    assert_eq!(scaled(&world, &service, 3), counts(1, 2));
    assert_eq!(scaled(&world, &service, 5), counts(1, 4));
    // The base stays, though its task is not the youngest by much.
    assert_eq!(scaled(&world, &service, 2), counts(1, 1));
    assert_eq!(scaled(&world, &service, 1), counts(1, 0));
}

fn newest_event(world: &World, service: &ServiceArn) -> String {
    world.store.read(|state| {
        let newest = state.service_events(service).next();
        newest.map_or_else(String::new, |it| it.message.clone())
    })
}

const NO_CAPACITY: &str = "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. \
    Please try again later or in a different availability zone.";

#[test]
fn fargate_without_room_is_said_in_amazons_words_and_names_no_host() {
    let strategy = vec![item("FARGATE", 0, 1)];
    let (world, service) = world(LaunchType::Fargate, strategy);
    let started: u32 = scaled(&world, &service, 100).values().sum();
    assert!((1..100).contains(&started), "{started}");
    let event = newest_event(&world, &service);
    assert_eq!(
        event.split_once(" 1 host: 1 lacks ").map(|(phrase, _)| phrase),
        Some(NO_CAPACITY),
        "{event}"
    );
    assert!(event.ends_with("MiB needed, free 0 MiB)."), "{event}");
    let action = world.store.read(|state| {
        let newest = state.service_events(&service).next();
        newest.and_then(|it| it.action.clone())
    });
    let action = action.expect("EventBridge is told");
    assert_eq!(action.reason.as_deref(), Some("RESOURCE:FARGATE"));
    assert_eq!(action.container_instances, Vec::<String>::new());
    assert!(
        action.capacity_providers[0].ends_with(":capacity-provider/FARGATE"),
        "{action:?}"
    );
}

#[test]
fn an_empty_capacity_provider_is_said_in_an_event() {
    let (world, service) = world(LaunchType::Ec2, vec![item("machines", 0, 1)]);
    assert_eq!(scaled(&world, &service, 1), BTreeMap::new());
    let event = newest_event(&world, &service);
    assert!(
        event.contains("Reason: No Container Instances were found in your capacity provider."),
        "{event}"
    );
}

#[test]
fn tasks_for_fargate_do_not_go_to_a_host_that_is_draining() {
    let (world, service) = world(LaunchType::Fargate, Vec::new());
    let instances: Vec<_> = world.store.read(|state| {
        let all = state.all::<ContainerInstance>();
        all.map(|it| it.arn.clone()).collect()
    });
    drain(&world, &instances[0], Availability::Draining);
    assert_eq!(scaled(&world, &service, 1).values().sum::<u32>(), 0);
    assert_eq!(
        newest_event(&world, &service),
        format!("{NO_CAPACITY} No host takes FARGATE tasks there.")
    );
    drain(&world, &instances[0], Availability::Active);
    assert_eq!(scaled(&world, &service, 1).values().sum::<u32>(), 1);
}
