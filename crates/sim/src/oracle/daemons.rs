//! DAEMON services: one task on each container instance, and not more of them away at a time than may be.

use std::collections::BTreeMap;

use domain::container_instance::ContainerInstanceStatus;
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use domain::{ServiceArn, Timestamp};
use store::{Change, Commit};

use super::Replica;
use super::bounds::{fewest, stopped};

/// Looks at the daemons that a commit starts and stops.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    let mut stops: BTreeMap<&ServiceArn, Vec<(&Task, Timestamp)>> = BTreeMap::new();
    for change in &commit.changes {
        let Change::Task(it) = change else { continue };
        let task = it.current();
        let Some(service) = daemon_of(task, after) else {
            continue;
        };
        if it.before.is_none() {
            alone(task, service, after)?;
        }
        stops.entry(&service.arn).or_default().extend(stopped(it));
    }
    for (arn, stops) in stops {
        if let Some(service) = after.services.get(arn) {
            enough(service, &stops, after)?;
        }
    }
    Ok(())
}

fn daemon_of<'a>(task: &Task, after: &'a Replica) -> Option<&'a Service> {
    let service = after.services.get(task.service.as_ref()?)?;
    let is_daemon = service.scheduling_strategy == SchedulingStrategy::Daemon;
    is_daemon.then_some(&**service)
}

/// A new task has its container instance for itself, as far as its service goes.
fn alone(task: &Task, service: &Service, after: &Replica) -> Result<(), String> {
    let beside = after.tasks_of(&service.arn).filter(|it| {
        it.container_instance == task.container_instance
            && it.last_status != TaskStatus::Stopped
            && it.arn != task.arn
    });
    match beside.count() {
        0 => Ok(()),
        count => Err(format!(
            "service {}: a daemon is started beside {count} others on host {}",
            service.arn.name(),
            task.host_id
        )),
    }
}

fn is_on_active(task: &Task, after: &Replica) -> bool {
    let instance = task.container_instance.as_ref();
    let instance = instance.and_then(|it| after.instances.get(it));
    instance.is_some_and(|it| it.status == ContainerInstanceStatus::Active)
}

/// Of those on ACTIVE container instances, no healthy one is stopped where fewer than the minimum would be left.
fn enough(service: &Service, stops: &[(&Task, Timestamp)], after: &Replica) -> Result<(), String> {
    let costs = |(task, now): &&(&Task, Timestamp)| is_on_active(task, after) && after.is_healthy(task, *now);
    let Some((_, now)) = stops.iter().find(costs) else {
        return Ok(());
    };
    if service.status != ServiceStatus::Active {
        return Ok(());
    }
    let healthy = after.tasks_of(&service.arn);
    let healthy = healthy.filter(|it| is_on_active(it, after) && after.is_healthy(it, *now));
    let fewest = fewest(service.deployment_configuration, service.desired_count);
    match healthy.count() {
        healthy if healthy < fewest as usize => Err(format!(
            "service {}: {healthy} healthy daemons after healthy ones are stopped, where {fewest} of {} must be",
            service.arn.name(),
            service.desired_count
        )),
        _ => Ok(()),
    }
}
