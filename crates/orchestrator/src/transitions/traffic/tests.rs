//! Traffic between two groups.

use domain::deployment_strategy::DeploymentStrategy;
use domain::task::TaskStatus;

use super::*;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller, Settings};
use crate::fixture::{Balanced, World};
use crate::transitions::{
    ServiceChange, delete_listener, modify_rule, stop_service_deployment, update_service,
};
use domain::listener_rule::{FixedResponse, Forward};
use domain::service_deployment::{ServiceDeployment, ServiceDeploymentStatus};
use domain::target::TargetHealthState;
use domain::{ListenerRuleArn, ServiceArn};

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

fn newest(world: &World, service: &ServiceArn) -> ServiceDeployment {
    world
        .store
        .read(|state| (**state.deployments_of_service(service)[0]).clone())
}

/// Somebody has a rule do something else, or takes it away with its listener.
fn change(world: &World, rule: &ListenerRuleArn, action: Option<Action>) {
    let before = world.get::<ListenerRule>(rule);
    world.write(move |tx| {
        match action {
            None => delete_listener(tx, &before.listener),
            Some(action) => {
                let after = ListenerRule {
                    action,
                    ..before.clone()
                };
                modify_rule(tx, &before, after);
            }
        }
        Ok::<_, ()>(())
    });
}

fn forward(groups: &[&TargetGroupArn]) -> Action {
    let weighted = groups.iter().map(|it| WeightedTargetGroup {
        arn: (*it).clone(),
        weight: 1,
    });
    Action::Forward(Forward {
        target_groups: weighted.collect(),
        stickiness_seconds: None,
    })
}

fn elsewhere() -> Action {
    Action::FixedResponse(FixedResponse {
        status_code: 503,
        content_type: None,
        body: None,
    })
}

#[test]
fn a_deployment_fails_whose_rules_somebody_has_other_plans_with() {
    let other = TargetGroupArn::of(&crate::fixture::scope(), "other", "0123456789abcdef");
    for (is_test, third, expected) in [
        (true, None, "does not exist any more. Make one"),
        (false, None, "does not exist any more. Make one"),
        (
            true,
            Some(elsewhere()),
            "does not forward to the target groups blue and green any more.",
        ),
        (
            false,
            Some(elsewhere()),
            "does not forward to the target groups blue and green any more.",
        ),
        (
            false,
            Some(forward(&[&other])),
            "does not forward to the target groups blue and green any more.",
        ),
    ] {
        let (world, behind, service) = serving(DeploymentStrategy::BlueGreen);
        deploy(&world, &service);
        // Its tasks start, and are not healthy yet.
        for _ in 0..4 {
            look(&world, &service);
        }
        let (rule, kind) = match is_test {
            true => (&behind.test, "test"),
            false => (&behind.production, "production"),
        };
        change(&world, rule, third.clone());
        look(&world, &service);
        let failed = newest(&world, &service);
        assert_eq!(
            failed.status,
            ServiceDeploymentStatus::RollbackInProgress,
            "{kind}"
        );
        let reason = failed.status_reason.unwrap_or_default();
        let begin = format!("Service deployment failed because the {kind} listener rule {rule} {expected}");
        assert!(reason.starts_with(&begin), "{reason}");
        let events = world.store.read(|state| {
            let events = state.service_events(&service);
            events.map(|it| it.message.clone()).collect::<Vec<_>>()
        });
        assert!(events.iter().any(|it| it.ends_with(&reason)), "{events:?}");
        go_on(&world, &behind, &service, 12);
        assert_eq!(
            (
                registered(&world, &behind.blue),
                registered(&world, &behind.green)
            ),
            (2, 0),
            "{kind}"
        );
        if let Some(third) = third {
            assert_eq!(world.get::<ListenerRule>(rule).action, third, "stays as it is");
        }
    }
}

#[test]
fn a_rule_with_a_third_group_is_not_overwritten_by_a_deployment() {
    let other = TargetGroupArn::of(&crate::fixture::scope(), "other", "0123456789abcdef");
    let (world, behind, service) = serving(DeploymentStrategy::BlueGreen);
    let third = forward(&[&behind.blue, &other]);
    change(&world, &behind.production, Some(third.clone()));
    deploy(&world, &service);
    assert_eq!(world.get::<ListenerRule>(&behind.production).action, third);
    look(&world, &service);
    let reason = newest(&world, &service).status_reason.unwrap_or_default();
    assert!(
        reason.contains(
            "forwards to the target group other too. Have it forward to no others than blue and green"
        ),
        "{reason}"
    );
    go_on(&world, &behind, &service, 12);
    assert_eq!(world.get::<ListenerRule>(&behind.production).action, third);

    // What a revision that goes has of such a rule, the other one gets.
    let shared = forward(&[&behind.blue, &behind.green, &other]);
    change(&world, &behind.production, Some(shared));
    let rule = world.get::<ListenerRule>(&behind.production);
    let (green, blue) = (behind.green.clone(), behind.blue.clone());
    world.write(move |tx| {
        take_back(tx, &rule, &green, &blue);
        Ok::<_, ()>(())
    });
    let Action::Forward(left) = world.get::<ListenerRule>(&behind.production).action else {
        panic!("it forwards");
    };
    let weights: Vec<u16> = left.target_groups.iter().map(|it| it.weight).collect();
    assert_eq!(weights, [2, 0, 1]);

    // Put right, the next one goes through.
    change(&world, &behind.production, Some(forward(&[&behind.blue])));
    deploy(&world, &service);
    go_on(&world, &behind, &service, 14);
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::Successful
    );
}

#[test]
fn a_rule_that_changes_wakes_the_service_that_takes_turns_at_it() {
    let (world, behind, service) = serving(DeploymentStrategy::BlueGreen);
    let rule = std::sync::Arc::new(world.get::<ListenerRule>(&behind.production));
    let woken = || {
        let change = store::Change::ListenerRule(store::Changed {
            before: Some(rule.clone()),
            after: None,
        });
        let controller = ServiceDeployments::new(&Settings::default());
        world.store.read(|state| controller.keys(state, &change))
    };
    assert!(woken().is_empty(), "it has nothing to shift");
    deploy(&world, &service);
    assert_eq!(woken(), [service]);
}
