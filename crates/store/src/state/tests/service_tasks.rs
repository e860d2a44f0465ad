//! What is known of the tasks of a service, against what a walk over them finds.

use std::collections::{BTreeMap, BTreeSet};

use domain::service_load_balancer::{Behind, TaskTarget, TaskTargetState};
use domain::target::TargetHealthState;
use domain::task::{ContainerHealth, ContainerStatus, HealthStatus, Queued, TaskContainer};

use super::*;
use crate::TARGETS;

/// A container with any health.
pub fn container(health: u8) -> TaskContainer {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let health = [None, Some(Unknown), Some(Healthy), Some(Unhealthy)][usize::from(health % 4)];
    let health = health.map(|status| ContainerHealth {
        status,
        since: None,
        output: String::new(),
    });
    TaskContainer {
        name: "web".into(),
        id: "id".into(),
        last_status: ContainerStatus::Running,
        exit_code: None,
        reason: None,
        runtime_id: None,
        image_digest: None,
        network_bindings: Vec::new(),
        health: health.map(Box::new),
        last_lines: Vec::new(),
        end: None,
    }
}

/// Places in target groups, of any health.
pub fn targets(health: u8) -> Box<[TaskTarget]> {
    let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
    let waiting = || {
        let group = domain::TargetGroupArn::parse(group).expect("an ARN");
        TaskTarget::waiting(Behind::TargetGroup(group), "web".to_owned(), 80)
    };
    let registered = |health| TaskTarget {
        state: TaskTargetState::Registered {
            id: "10.0.0.9".to_owned(),
            port: 80,
            health,
        },
        ..waiting()
    };
    match health / 4 % 5 {
        0 => Box::default(),
        1 => [registered(TargetHealthState::Healthy)].into(),
        2 => [registered(TargetHealthState::Healthy), waiting()].into(),
        3 => [registered(TargetHealthState::Unhealthy)].into(),
        _ => [TaskTarget {
            state: TaskTargetState::Refused,
            ..waiting()
        }]
        .into(),
    }
}

pub fn queued() -> Box<Queued> {
    let queued = serde_json::json!({
        "wait_seconds": 1, "until": "2020-01-01T00:00:00Z", "attempt": 1, "retries_left": 1,
    });
    Box::new(serde_json::from_value(queued).expect("a stored place in the queue"))
}

pub fn compare_with_a_walk(state: &State, service: &ServiceArn, all: &[Arc<Task>]) {
    let tasks: Vec<&Arc<Task>> = all
        .iter()
        .filter(|it| it.service.as_ref() == Some(service))
        .collect();
    let wanted = |it: &Task| live(it) && it.desired_status == DesiredStatus::Running;
    let mut hosts = BTreeMap::<&str, OnHost>::new();
    for task in tasks.iter().filter(|it| live(it)) {
        let known = hosts.entry(&task.host_id).or_default();
        known.live += 1;
        known.wanted += u32::from(wanted(task));
    }
    assert!(state.hosts_of_service(service).eq(hosts.clone()));
    for host in ["host-0", "host-3"] {
        let known = hosts.get(host).copied().unwrap_or_default();
        assert_eq!(state.tasks_of_service_on_host(service, host), known);
    }
    let has = |it: &Task, status: HealthStatus| {
        let mut health = it.containers.iter().filter_map(|it| it.health.as_ref());
        health.any(|it| it.status == status)
    };
    let mut unhealthy = tasks.iter().copied();
    let mut unhealthy = unhealthy.by_ref().filter(|it| {
        wanted(it) && (has(it, HealthStatus::Unhealthy) || it.targets.iter().any(TaskTarget::is_unhealthy))
    });
    assert!(state.unhealthy_tasks_of_service(service).eq(unhealthy.by_ref()));
    let moving = tasks.iter().copied().filter(|it| {
        it.is_to_be_registered() || it.is_to_be_deregistered() || it.last_status == TaskStatus::Deactivating
    });
    assert!(state.tasks_with_moving_targets(service).eq(moving));
    let protected = tasks
        .iter()
        .copied()
        .filter(|it| wanted(it) && it.protected_until.is_some());
    assert!(state.protected_tasks_of_service(service).eq(protected));
    for (deployment, provider) in [("ecs-svc/0", "provider-1"), ("ecs-svc/1", "provider-0")] {
        let is_meant = |it: &&&Arc<Task>| {
            wanted(it)
                && it.started_by.as_deref() == Some(deployment)
                && it.capacity_provider.as_deref() == Some(provider)
        };
        let count = state.tasks_of_capacity_provider_count(service, deployment, provider);
        assert_eq!(count as usize, tasks.iter().filter(is_meant).count());
    }
    compare_running(state, service, &tasks);
}

fn compare_running(state: &State, service: &ServiceArn, tasks: &[&Arc<Task>]) {
    let runs = |it: &&&Arc<Task>| {
        it.last_status == TaskStatus::Running && it.desired_status == DesiredStatus::Running
    };
    let running: Vec<_> = tasks.iter().filter(runs).collect();
    let definitions: BTreeSet<_> = running.iter().map(|it| &it.task_definition).collect();
    assert!(state.definitions_running_in_service(service).eq(definitions));
    for revision in 0..3 {
        let definition = definition(revision).arn;
        for (containers, after) in [
            (0, time(2)),
            (0b1, Timestamp::MAX),
            (0b11, time(3)),
            (0b100, time(0)),
            (TARGETS, time(2)),
            (TARGETS | 0b1, Timestamp::MAX),
        ] {
            let is_meant = |it: &&&&Arc<Task>| {
                let is_healthy = |place: usize| {
                    let health = it.containers.get(place).and_then(|it| it.health.as_ref());
                    health.is_some_and(|it| it.status == HealthStatus::Healthy)
                };
                let lacks_targets =
                    containers & TARGETS != 0 && !it.targets.iter().all(TaskTarget::is_healthy);
                let is_lacking =
                    lacks_targets || (0..3).any(|place| containers >> place & 1 == 1 && !is_healthy(place));
                let is_young = it.times.started_at.is_none_or(|at| at > after) && after < Timestamp::MAX;
                it.task_definition == definition && (is_lacking || is_young)
            };
            let expected: BTreeSet<_> = running.iter().filter(is_meant).map(|it| &it.arn).collect();
            let found = state.unsettled_tasks(service, &definition, containers, after);
            let found: Vec<_> = found.map(|it| &it.arn).collect();
            assert_eq!(found.len(), expected.len(), "each once");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}
