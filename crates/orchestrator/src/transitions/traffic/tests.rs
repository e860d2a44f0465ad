//! Traffic between two groups.

use domain::deployment_strategy::DeploymentStrategy;
use domain::task::TaskStatus;

use super::*;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller, Settings};
use crate::fixture::{Balanced, World};
use crate::transitions::{ServiceChange, stop_service_deployment, update_service};
use domain::ServiceArn;
use domain::target::TargetHealthState;

#[test]
fn shares_become_weights_that_a_listener_takes() {
    for (share, expected) in [
        (0, (0, 100)),
        (1000, (100, 0)),
        (50, (5, 95)),
        (1, (1, 999)),
        (999, (999, 1)),
    ] {
        assert_eq!(weights(share), expected, "{share}");
    }
}

fn look(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let settings = Settings {
        healthy_after: std::time::Duration::ZERO,
        ..Settings::default()
    };
    let controller = ServiceDeployments::new(&settings);
    world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    world.follow_targets(service);
}

/// Everything that is wanted happens, until nothing moves any more.
fn go_on(world: &World, behind: &Balanced, service: &ServiceArn, looks: usize) {
    for _ in 0..looks {
        look(world, service);
        let tasks = world.store.read(|state| {
            let tasks = state.tasks_of_service(service);
            tasks.map(|it| (it.arn.clone(), it.wish())).collect::<Vec<_>>()
        });
        for (arn, wish) in tasks {
            let status = match wish {
                domain::task::DesiredStatus::Running => TaskStatus::Running,
                domain::task::DesiredStatus::Stopped => TaskStatus::Stopped,
            };
            world.report(arn, status);
        }
        world.follow_targets(service);
        for group in [&behind.blue, &behind.green] {
            world.report_targets(group, TargetHealthState::Healthy);
            for target in world.targets(group) {
                world.report_idle(&target.key);
            }
        }
        world.follow_targets(service);
    }
}

fn deploy(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let change = ServiceChange {
        task_definition: Some(world.awsvpc_definition()),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn registered(world: &World, group: &TargetGroupArn) -> usize {
    let targets = world.targets(group).into_iter();
    let registered = targets.filter(|it| it.state == domain::target::TargetState::Registered);
    registered.count()
}

fn serving(strategy: DeploymentStrategy) -> (World, Balanced, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, 2, strategy);
    // A first deployment is watched after each step as well.
    for _ in 0..24 {
        go_on(&world, &behind, &service, 1);
        world.clock.advance(std::time::Duration::from_secs(600));
    }
    assert!(world.stored_service(&service).steady_since.is_some());
    (world, behind, service)
}

#[test]
fn groups_take_turns_from_one_revision_to_the_next() {
    let (world, behind, service) = serving(DeploymentStrategy::BlueGreen);
    assert_eq!(
        (
            registered(&world, &behind.blue),
            registered(&world, &behind.green)
        ),
        (2, 0)
    );
    for (with, without) in [(&behind.green, &behind.blue), (&behind.blue, &behind.green)] {
        deploy(&world, &service);
        go_on(&world, &behind, &service, 14);
        assert!(world.stored_service(&service).steady_since.is_some());
        assert_eq!((registered(&world, with), registered(&world, without)), (2, 0));
        for rule in [&behind.production, &behind.test] {
            let weights = world.weights(rule);
            assert!(weights.contains(&(with.clone(), 100)) && weights.contains(&(without.clone(), 0)));
        }
    }
}

#[test]
fn a_canary_gets_its_part_and_a_rollback_takes_it_away() {
    let strategy = DeploymentStrategy::Canary {
        part: 50,
        bake_minutes: 10,
    };
    let (world, behind, service) = serving(strategy);
    deploy(&world, &service);
    assert_eq!(
        world
            .weights(&behind.production)
            .iter()
            .find(|it| it.0 == behind.green)
            .map_or(0, |it| it.1),
        0,
        "nothing before its tasks are healthy"
    );
    go_on(&world, &behind, &service, 12);
    let weights = world.weights(&behind.production);
    assert!(weights.contains(&(behind.green.clone(), 5)) && weights.contains(&(behind.blue.clone(), 95)));
    assert_eq!(
        (
            registered(&world, &behind.blue),
            registered(&world, &behind.green)
        ),
        (2, 2)
    );
    let arn = world.store.read(|state| {
        let deployments = state.deployments_of_service(&service);
        deployments.first().expect("is under way").arn.clone()
    });
    world.write(move |tx| stop_service_deployment(tx, &arn));
    for rule in [&behind.production, &behind.test] {
        let weights = world.weights(rule);
        assert!(
            weights.contains(&(behind.blue.clone(), 100)) && weights.contains(&(behind.green.clone(), 0))
        );
    }
    go_on(&world, &behind, &service, 8);
    assert_eq!(
        (
            registered(&world, &behind.blue),
            registered(&world, &behind.green)
        ),
        (2, 0)
    );
}

#[test]
fn a_deployment_that_is_superseded_leaves_its_part_to_the_old_revision() {
    let strategy = DeploymentStrategy::Linear {
        step: 250,
        bake_minutes: 10,
    };
    let (world, behind, service) = serving(strategy);
    deploy(&world, &service);
    go_on(&world, &behind, &service, 12);
    assert!(
        world
            .weights(&behind.production)
            .contains(&(behind.green.clone(), 25))
    );
    deploy(&world, &service);
    let weights = world.weights(&behind.production);
    assert!(weights.contains(&(behind.blue.clone(), 100)) && weights.contains(&(behind.green.clone(), 0)));
}
