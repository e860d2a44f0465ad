use std::sync::Arc;
use std::time::Duration;

use domain::task::{
    Concurrency, ContainerStatus, DesiredStatus, NetworkConfiguration, Overrides, QueuePolicy, StopCode,
    Task, TaskStatus,
};
use domain::task_definition::LaunchType;
use domain::vpc::Cidr;
use domain::{ContainerInstanceArn, TaskArn};
use store::Followed;

use super::*;
use crate::fixture::{World, lab, scope};
use crate::transitions::{
    ContainerReport, RunTasks, RunTasksOutcome, TaskReport, Where, ensure_default_network, observe_task,
    run_queued_tasks,
};

const WAIT: Duration = Duration::from_secs(600);
/// Looks in a row that a quiet world never needs.
const LOOKS_MAX: usize = 100;

fn controller() -> QueuedTasks {
    QueuedTasks::new(&Settings::default())
}

fn waits() -> QueuePolicy {
    QueuePolicy {
        wait: Some(WAIT),
        ..QueuePolicy::default()
    }
}

fn run(world: &World, count: u32, policy: QueuePolicy) -> RunTasksOutcome {
    run_in(world, count, policy, None)
}

fn run_in(
    world: &World,
    count: u32,
    policy: QueuePolicy,
    network: Option<NetworkConfiguration>,
) -> RunTasksOutcome {
    let definition = world.definition();
    let run = RunTasks {
        cluster: lab(),
        definition,
        count,
        launch_type: LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        placed: Where::Anywhere,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        group: "family:web".into(),
        started_by: Some("nightly".to_owned()),
        service: None,
        overrides: Overrides::default(),
        network,
        public_addresses: None,
        platform_version: None,
        targets: Vec::new(),
        registration: None,
        endpoints: Vec::new(),
        enable_execute_command: false,
        client_request: None,
        tags: Vec::new(),
    };
    world.write(move |tx| run_queued_tasks(tx, &run, &policy))
}

/// Looks at all queued tasks until none asks for more at once.
fn look(world: &World) {
    for _ in 0..LOOKS_MAX {
        let keys = world.store.read(|state| controller().all_keys(state));
        let before = world.store.last_commit();
        for key in keys {
            world.write(move |tx| Ok::<_, ()>(controller().reconcile(tx, &key)));
        }
        if world.store.last_commit() == before {
            return;
        }
    }
    panic!("it never comes to rest");
}

fn tasks(world: &World) -> Vec<Arc<Task>> {
    world.store.read(|state| state.all::<Task>().cloned().collect())
}

fn one(world: &World) -> Task {
    let all = tasks(world);
    assert_eq!(all.len(), 1, "{all:#?}");
    (*all[0]).clone()
}

fn ends(world: &World, arn: &TaskArn, exit_code: i32) {
    let (arn, report) = (
        arn.clone(),
        TaskReport {
            status: Some(TaskStatus::Stopped),
            containers: vec![ContainerReport {
                name: "web".to_owned(),
                status: Some(ContainerStatus::Stopped),
                exit_code: Some(exit_code),
                ..ContainerReport::default()
            }],
            ..TaskReport::default()
        },
    );
    world.write(move |tx| observe_task(tx, &arn, &report));
}

#[test]
fn without_tags_amazons_failures_come() {
    let world = World::new();
    world.instance(Vec::new());
    let outcome = run(&world, 12, QueuePolicy::default());
    assert_eq!((outcome.tasks.len(), outcome.failures.len()), (10, 1));
    assert!(outcome.tasks.iter().all(|it| it.queued.is_none()));
}

#[test]
fn tasks_that_got_an_address_are_told_though_others_got_none() {
    let world = World::new();
    let cidr = "10.0.0.0/24".parse::<Cidr>().expect("reads");
    let (_, subnets) =
        world.write(move |tx| Ok::<_, std::convert::Infallible>(ensure_default_network(tx, &scope(), cidr)));
    let addresses = subnets[0].assignable().count();
    for _ in 0..=addresses / 10 {
        world.instance(Vec::new());
    }
    let network = NetworkConfiguration {
        subnets: vec![subnets[0].id.clone()],
        security_groups: Vec::new(),
        is_public_ip_assigned: false,
    };
    let count = u32::try_from(addresses).expect("few") + 1;
    let outcome = run_in(&world, count, QueuePolicy::default(), Some(network.clone()));
    assert_eq!(outcome.tasks.len(), addresses);
    assert_eq!(outcome.failures[0].reason, "RESOURCE:ENI");
    assert_eq!(tasks(&world).len(), addresses, "none that nobody knows of");
    let full = run_in(&world, 2, QueuePolicy::default(), Some(network));
    assert!(full.tasks.is_empty());
    assert_eq!(
        full.failures[0].reason, "RESOURCE:ENI",
        "the same if none got one"
    );
}

#[test]
fn a_task_that_has_waited_gets_a_public_address_of_its_own() {
    let world = World::new();
    let cidr = "10.0.0.0/24".parse::<Cidr>().expect("reads");
    let (_, subnets) =
        world.write(move |tx| Ok::<_, std::convert::Infallible>(ensure_default_network(tx, &scope(), cidr)));
    let network = NetworkConfiguration {
        subnets: vec![subnets[0].id.clone()],
        security_groups: Vec::new(),
        is_public_ip_assigned: true,
    };
    run_in(&world, 2, waits(), Some(network));
    world.instance(Vec::new());
    look(&world);
    let enis: Vec<_> = tasks(&world).iter().filter_map(|it| it.eni.clone()).collect();
    let given: std::collections::BTreeSet<_> = enis.iter().filter_map(|it| it.public_address).collect();
    assert_eq!(given.len(), 2, "{enis:?}");
    world
        .store
        .read(|state| assert_eq!(*state.public_addresses_in_use(), given));
}

#[test]
fn a_task_waits_visibly_and_takes_the_first_place() {
    let world = World::new();
    let outcome = run(&world, 1, waits());
    assert!(outcome.failures.is_empty());
    look(&world);
    let waiting = one(&world);
    assert_eq!(waiting.arn, outcome.tasks[0].arn);
    assert_eq!(
        (waiting.last_status, waiting.host_id.as_str()),
        (TaskStatus::Provisioning, NO_HOST)
    );
    let refusal = waiting.queued.as_ref().and_then(|it| it.refusal.clone());
    assert_eq!(
        refusal.as_deref(),
        Some("No Container Instances were found in your cluster.")
    );
    let version = waiting.version;

    world.instance(Vec::new());
    look(&world);
    let placed = one(&world);
    assert_eq!(
        (&placed.arn, placed.last_status),
        (&waiting.arn, TaskStatus::Pending)
    );
    assert_eq!((placed.version, &placed.queued), (version + 1, &None));
    assert!(placed.container_instance.is_some());
    assert_eq!(placed.times.created_at, waiting.times.created_at);
    let promised = world
        .store
        .read(|state| state.all::<Host>().map(|it| it.promised.memory).sum::<u32>());
    assert_eq!(promised, 64, "promised once");
}

#[test]
fn what_fits_starts_and_the_rest_waits_for_room() {
    let world = World::new();
    world.instance(Vec::new());
    let outcome = run(&world, 12, waits());
    assert_eq!((outcome.tasks.len(), outcome.failures.len()), (12, 0));
    let waiting = |world: &World| {
        let all = tasks(world);
        all.iter()
            .filter(|it| it.host_id == NO_HOST && it.desired_status == DesiredStatus::Running)
            .count()
    };
    look(&world);
    assert_eq!(waiting(&world), 2);
    let reason = tasks(&world)
        .iter()
        .find_map(|it| it.queued.as_ref()?.refusal.clone());
    assert_eq!(reason.as_deref(), Some("RESOURCE:MEMORY"));
    let ended = outcome.tasks.iter().find(|it| it.host_id != NO_HOST);
    ends(&world, &ended.expect("runs").arn, 0);
    look(&world);
    assert_eq!(waiting(&world), 1);
}

#[test]
fn who_has_waited_for_long_enough_stops_with_amazons_reason() {
    let world = World::new();
    world.instance(Vec::new());
    let outcome = run(&world, 11, waits());
    world.clock.advance(WAIT);
    look(&world);
    let stopped = world.get::<Task>(&outcome.tasks[10].arn);
    let stop = stopped.stop.expect("was stopped");
    assert_eq!(
        (stop.code, stop.reason.as_str(), stopped.last_status),
        (
            StopCode::TaskFailedToStart,
            "RESOURCE:MEMORY",
            TaskStatus::Stopped
        )
    );
}

#[test]
fn a_task_that_waits_can_be_stopped() {
    let world = World::new();
    let outcome = run(&world, 1, waits());
    let arn = outcome.tasks[0].arn.clone();
    world.write(move |tx| {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        };
        stop_task(tx, &arn, stop)
    });
    world.instance(Vec::new());
    look(&world);
    assert_eq!(one(&world).last_status, TaskStatus::Stopped);
}

#[test]
fn what_fails_is_tried_again_after_a_while_and_not_for_ever() {
    let world = World::new();
    world.instance(Vec::new());
    let policy = QueuePolicy {
        retries: 2,
        ..QueuePolicy::default()
    };
    run(&world, 1, policy);
    for attempt in 1..=3_usize {
        let live: Vec<_> = tasks(&world)
            .into_iter()
            .filter(|it| it.last_status != TaskStatus::Stopped)
            .collect();
        assert_eq!(live.len(), 1, "attempt {attempt}");
        assert_ne!(live[0].host_id, NO_HOST, "attempt {attempt}");
        ends(&world, &live[0].arn, 3);
        look(&world);
        let next = tasks(&world)
            .into_iter()
            .find(|it| it.last_status != TaskStatus::Stopped);
        if let Some(next) = next {
            assert_eq!(next.host_id, NO_HOST, "it backs off");
        }
        world.clock.advance(Duration::from_secs(300));
        look(&world);
    }
    let all = tasks(&world);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|it| it.last_status == TaskStatus::Stopped));
}

#[test]
fn success_and_a_stop_by_a_user_are_not_tried_again() {
    let world = World::new();
    world.instance(Vec::new());
    let policy = QueuePolicy {
        retries: 2,
        ..QueuePolicy::default()
    };
    let outcome = run(&world, 2, policy);
    ends(&world, &outcome.tasks[0].arn, 0);
    let second = outcome.tasks[1].arn.clone();
    world.write(move |tx| {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        };
        stop_task(tx, &second, stop)
    });
    ends(&world, &outcome.tasks[1].arn, 137);
    look(&world);
    assert_eq!(tasks(&world).len(), 2);
}

#[test]
fn others_of_the_like_forbid_or_are_replaced() {
    let world = World::new();
    world.instance(Vec::new());
    let first = run(&world, 1, QueuePolicy::default()).tasks[0].arn.clone();
    let policy = |concurrency| QueuePolicy {
        concurrency,
        ..QueuePolicy::default()
    };
    let forbidden = run(&world, 1, policy(Concurrency::Forbid));
    assert!(forbidden.tasks.is_empty());
    assert_eq!(forbidden.failures[0].arn, Some(first.to_string()));
    assert_eq!(forbidden.failures[0].reason, "CONCURRENCY");
    let replacing = run(&world, 1, policy(Concurrency::Replace));
    assert_eq!(replacing.tasks.len(), 1);
    assert_eq!(world.get::<Task>(&first).desired_status, DesiredStatus::Stopped);
    ends(&world, &first, 137);
    let third = run(&world, 1, policy(Concurrency::Forbid));
    assert_eq!(third.failures[0].arn, Some(replacing.tasks[0].arn.to_string()));
}

#[test]
fn what_is_tried_again_is_there_even_between_two_attempts() {
    let world = World::new();
    world.instance(Vec::new());
    let policy = |concurrency| QueuePolicy {
        retries: 1,
        concurrency,
        ..QueuePolicy::default()
    };
    let first = run(&world, 1, policy(Concurrency::Forbid)).tasks[0].arn.clone();
    ends(&world, &first, 3);
    let forbidden = run(&world, 1, policy(Concurrency::Forbid));
    assert!(forbidden.tasks.is_empty(), "its next attempt comes");
    let replacing = run(&world, 1, policy(Concurrency::Replace));
    look(&world);
    let live = tasks(&world)
        .into_iter()
        .filter(|it| it.last_status != TaskStatus::Stopped);
    let live: Vec<_> = live.map(|it| it.arn.clone()).collect();
    assert_eq!(
        live,
        [replacing.tasks[0].arn.clone()],
        "nothing is tried again beside it"
    );
}

#[tokio::test]
async fn room_and_new_tasks_wake_it() {
    let world = World::new();
    let mut feed = world.store.follow();
    let outcome = run(&world, 1, waits());
    let arn = outcome.tasks[0].arn.clone();
    let woken = async |feed: &mut store::Feed| {
        let mut keys = Vec::new();
        let until = world.store.last_commit();
        loop {
            let Followed::Commit(commit) = feed.next().await else {
                panic!("lagged");
            };
            world.store.read(|state| {
                keys.extend(commit.changes.iter().flat_map(|it| controller().keys(state, it)));
            });
            if commit.id == until {
                return keys;
            }
        }
    };
    assert!(woken(&mut feed).await.contains(&arn), "it is new");
    let _instance: ContainerInstanceArn = world.instance(Vec::new());
    assert!(woken(&mut feed).await.contains(&arn), "there is room");
}
