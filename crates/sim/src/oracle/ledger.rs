//! A host promises what its tasks take, and never more than it has; tasks go only where they are welcome.

use std::collections::BTreeSet;

use domain::container_instance::ContainerInstanceStatus;
use domain::host::{Host, Resources};
use domain::task::{Task, TaskStatus};
use domain::task_definition::LaunchType;
use orchestrator::transitions::NO_HOST;
use store::{Change, Commit};

use super::Replica;

/// Looks at the hosts of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    let mut touched = BTreeSet::new();
    for change in &commit.changes {
        match change {
            Change::Host(it) => drop(touched.insert(it.current().id.clone())),
            Change::Task(it) => {
                let task = it.current();
                let is_placed = it.before.as_ref().is_none_or(|it| it.host_id == NO_HOST);
                if is_placed && task.host_id != NO_HOST && task.last_status != TaskStatus::Stopped {
                    require_welcome(task, after)?;
                }
                touched.insert(task.host_id.clone());
            }
            _ => {}
        }
    }
    let hosts = touched.iter().filter_map(|it| after.hosts.get(it));
    hosts.into_iter().try_for_each(|it| balance(it, after))
}

fn balance(host: &Host, after: &Replica) -> Result<(), String> {
    let mut sum = Resources::default();
    let mut count = 0;
    for task in after.tasks_on(&host.id) {
        sum.cpu += task.promised.cpu;
        sum.memory += task.promised.memory;
        sum.gpus += task.promised.gpus;
        for port in &task.promised.ports {
            if !sum.ports.insert(*port) {
                return Err(format!("host {}: two tasks have port {}", host.id, port.port));
            }
        }
        count += 1;
    }
    if sum != host.promised || count != host.task_count {
        return Err(format!(
            "host {}: its ledger says {} tasks and {:?}, its tasks are {count} and take {sum:?}",
            host.id, host.task_count, host.promised
        ));
    }
    let (promised, total) = (&host.promised, &host.total);
    if promised.cpu > total.cpu || promised.memory > total.memory || promised.gpus > total.gpus {
        return Err(format!(
            "host {}: it promises {promised:?} and has {total:?}",
            host.id
        ));
    }
    Ok(())
}

fn require_welcome(task: &Task, after: &Replica) -> Result<(), String> {
    let host_id = task.host_id.as_str();
    let host = after.hosts.get(host_id);
    if task.launch_type == LaunchType::Fargate && !host.is_some_and(|it| it.is_fargate_capacity) {
        return Err(format!(
            "host {host_id}: it is no FARGATE capacity, and gets a task for that"
        ));
    }
    if !host.is_some_and(|it| it.is_connected) {
        return Err(format!(
            "host {host_id}: a task is placed although its agent is not connected"
        ));
    }
    let mut instances = after.instances.values().filter(|it| it.host_id == host_id);
    if instances.any(|it| it.status != ContainerInstanceStatus::Active) {
        return Err(format!(
            "host {host_id}: a task is placed although it is not ACTIVE"
        ));
    }
    Ok(())
}
