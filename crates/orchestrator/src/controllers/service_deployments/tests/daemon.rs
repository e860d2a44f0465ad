//! DAEMON services, obeyed by the controller.

use domain::ContainerInstanceArn;
use domain::host::Resources;
use domain::placement::PlacementConstraint;
use domain::tags::Pair;

use super::*;
use crate::transitions::{Connection, connect_host, put_attributes};

fn memory(amount: u32) -> Resources {
    Resources {
        cpu: 1000,
        memory: amount,
        ..Resources::default()
    }
}

fn connected(world: &World, instance: &ContainerInstanceArn, connection: Connection) {
    let arn = instance.clone();
    world.write(move |tx| connect_host(tx, &arn, connection, "1", "1"));
}

fn deploy(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let change = ServiceChange {
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn on_each(world: &World, service: &ServiceArn, instances: &[ContainerInstanceArn]) -> Vec<usize> {
    instances.iter().map(|it| tasks_on(world, service, it)).collect()
}

#[test]
fn container_instances_that_come_and_go_are_followed() {
    let world = World::new();
    let service = world.daemon(0, Vec::new());
    settle_down(&world, &service);
    assert!(
        world.stored_service(&service).steady_since.is_some(),
        "nothing to run is steady"
    );
    let instances = [world.instance(Vec::new()), world.instance(Vec::new())];
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [1, 1]);
    assert_eq!(world.stored_service(&service).desired_count, 2);
    drain(&world, &instances[0], Availability::Draining);
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [0, 1]);
    assert_eq!(world.stored_service(&service).desired_count, 1);
    drain(&world, &instances[0], Availability::Active);
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [1, 1]);
    let stored = world.stored_service(&service);
    assert_eq!((stored.deployments.len(), stored.desired_count), (1, 2));
    let arn = service.clone();
    world.write(move |tx| delete_service(tx, &arn, false));
    settle_down(&world, &service);
    assert_eq!(world.stored_service(&service).status, ServiceStatus::Inactive);
}

#[test]
fn constraints_decide_also_for_tasks_that_run() {
    let world = World::new();
    let rack = |name: &str| Pair::new("rack", name);
    let instances = [
        world.instance(vec![rack("one")]),
        world.instance(vec![rack("two")]),
    ];
    let constraint = PlacementConstraint::MemberOf("attribute:rack == one".to_owned());
    let service = world.daemon(0, vec![constraint]);
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [1, 0]);
    let moved = instances.clone();
    world.write(move |tx| {
        put_attributes(
            tx,
            vec![(moved[0].clone(), rack("two")), (moved[1].clone(), rack("one"))],
        )
    });
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [0, 1]);
}

#[test]
fn a_deployment_stops_before_it_starts_within_the_minimum() {
    let world = World::new();
    let instances: Vec<_> = (0..4).map(|_| world.instance(Vec::new())).collect();
    let service = world.daemon(50, Vec::new());
    settle_down(&world, &service);
    deploy(&world, &service);
    for _ in 0..12 {
        reconcile(&world, &service);
        let tasks = world.tasks(&service);
        let running = tasks.iter().filter(|it| it.last_status == TaskStatus::Running);
        assert!(running.count() >= 2, "never below the minimum");
        let state = world.store.read(|state| {
            let of_service = state.tasks_of_service(&service);
            let live = of_service.filter(|it| it.last_status != TaskStatus::Stopped);
            live.map(|it| it.host_id.clone()).collect::<Vec<_>>()
        });
        let hosts: BTreeSet<_> = state.iter().collect();
        assert_eq!(hosts.len(), state.len(), "never two on one container instance");
        world.obey(&service);
    }
    assert_eq!(on_each(&world, &service, &instances), [1, 1, 1, 1]);
    let stored = world.stored_service(&service);
    assert_eq!(
        (stored.deployments.len(), stored.deployments[0].rollout),
        (1, Rollout::Completed)
    );
    let newest = stored.deployments[0].id.clone();
    assert!(
        world
            .tasks(&service)
            .iter()
            .all(|it| it.started_by.as_ref() == Some(&newest))
    );
}

#[test]
fn while_an_instance_drains_daemons_go_last() {
    let world = World::new();
    let instances = [world.instance(Vec::new()), world.instance(Vec::new())];
    let daemon = world.daemon(0, Vec::new());
    let service = world.service(4, 100, 150);
    for it in [&daemon, &service] {
        settle_down(&world, it);
    }
    drain(&world, &instances[0], Availability::Draining);
    settle_down(&world, &daemon);
    assert_eq!(
        on_each(&world, &daemon, &instances),
        [1, 1],
        "others still run there"
    );
    settle_down(&world, &service);
    assert_eq!(tasks_on(&world, &service, &instances[0]), 0);
    settle_down(&world, &daemon);
    assert_eq!(on_each(&world, &daemon, &instances), [0, 1]);
}

#[test]
fn room_for_a_daemon_is_not_given_away() {
    let world = World::new();
    // Room for three tasks.
    world.instance_of(memory(192), Vec::new());
    let daemon = world.daemon(0, Vec::new());
    let service = world.service(3, 100, 200);
    settle_down(&world, &service);
    assert_eq!(world.tasks(&service).len(), 2, "the third place is the daemon's");
    settle_down(&world, &daemon);
    assert_eq!(world.tasks(&daemon).len(), 1);
    settle_down(&world, &service);
    assert_eq!(world.tasks(&service).len(), 2);
}

#[test]
fn an_instance_whose_agent_is_away_counts_only_with_a_task() {
    let world = World::new();
    let instances = [world.instance(Vec::new()), world.instance(Vec::new())];
    let service = world.daemon(0, Vec::new());
    connected(&world, &instances[1], Connection::Lost);
    settle_down(&world, &service);
    assert_eq!(world.stored_service(&service).desired_count, 1);
    connected(&world, &instances[1], Connection::Connected);
    settle_down(&world, &service);
    connected(&world, &instances[1], Connection::Lost);
    settle_down(&world, &service);
    assert_eq!(on_each(&world, &service, &instances), [1, 1]);
    assert_eq!(world.stored_service(&service).desired_count, 2);
}

#[test]
fn daemons_wake_for_instances_agents_and_the_last_task_on_a_draining_instance() {
    let world = World::new();
    let daemon = world.daemon(0, Vec::new());
    let instance = world.instance(Vec::new());
    let service = world.service(1, 0, 200);
    settle_down(&world, &service);
    let woken = |change: Change| world.store.read(|state| controller().keys(state, &change));
    let current = Arc::new(world.get::<ContainerInstance>(&instance));
    let registered = store::Changed {
        before: None,
        after: Some(Arc::clone(&current)),
    };
    assert!(woken(Change::ContainerInstance(registered)).contains(&daemon));
    let host = Arc::new(world.get::<domain::host::Host>(&current.host_id));
    let away = domain::host::Host {
        is_connected: false,
        ..(*host).clone()
    };
    let connects = store::Changed {
        before: Some(Arc::new(away)),
        after: Some(Arc::clone(&host)),
    };
    assert_eq!(woken(Change::Host(connects)), std::slice::from_ref(&daemon));
    let stays = store::Changed {
        before: Some(Arc::clone(&host)),
        after: Some(host),
    };
    assert!(
        woken(Change::Host(stays)).is_empty(),
        "a ledger that changes wakes nobody"
    );
    let task = Arc::new(world.tasks(&service).remove(0));
    let mut stopped = (*task).clone();
    stopped.last_status = TaskStatus::Stopped;
    let stops = || {
        Change::Task(store::Changed {
            before: Some(Arc::clone(&task)),
            after: Some(Arc::new(stopped.clone())),
        })
    };
    assert_eq!(woken(stops()), std::slice::from_ref(&service));
    drain(&world, &instance, Availability::Draining);
    assert_eq!(woken(stops()), [service, daemon]);
}

#[test]
fn daemons_of_an_older_deployment_that_have_not_proven_themselves_cost_no_healthy_one() {
    let world = World::new();
    for _ in 0..4 {
        world.instance(Vec::new());
    }
    let service = world.daemon(75, Vec::new());
    settle_down(&world, &service);
    world.clock.advance(Duration::from_secs(100));
    let mut tasks = world.tasks(&service);
    tasks.sort_by_key(|it| it.container_instance.clone());
    let last = tasks.pop().expect("there are four");
    world.report(last.arn.clone(), TaskStatus::Stopped);
    let look = |times: u32| {
        for _ in 0..times {
            let key = service.clone();
            let controller = ServiceDeployments {
                healthy_after: Duration::from_secs(60),
                ..controller()
            };
            world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &key)));
        }
    };
    look(1);
    world.obey(&service);
    deploy(&world, &service);
    look(3);
    for task in tasks {
        let task = world.get::<Task>(&task.arn);
        assert_eq!(
            task.desired_status,
            DesiredStatus::Running,
            "three are the minimum"
        );
    }
}

#[test]
fn daemons_whose_health_checks_fail_trip_the_breaker() {
    let world = World::new();
    for _ in 0..5 {
        world.instance(Vec::new());
    }
    let service = world.daemon(0, Vec::new());
    settle_down(&world, &service);
    let change = ServiceChange {
        task_definition: Some(world.checked_definition().arn.clone()),
        deployment_configuration: Some(DeploymentConfiguration {
            circuit_breaker: domain::circuit_breaker::CircuitBreaker {
                enable: true,
                ..Default::default()
            },
            ..world.stored_service(&service).deployment_configuration
        }),
        ..ServiceChange::default()
    };
    let arn = service.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
    for _ in 0..10 {
        settle_down(&world, &service);
        let primary = world.stored_service(&service).deployments[0].clone();
        if primary.rollout == Rollout::Failed {
            return;
        }
        for task in world.tasks(&service) {
            if task.started_by.as_ref() == Some(&primary.id) {
                world.report_health(&task, domain::task::HealthStatus::Unhealthy);
                // Once as it fails, and once when it has been stopped.
                reconcile(&world, &service);
                reconcile(&world, &service);
            }
        }
        world.clock.advance(Duration::from_secs(1000));
    }
    panic!("it goes on for ever");
}
