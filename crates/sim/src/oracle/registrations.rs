//! Tasks and instances of Cloud Map agree after every commit: what runs and is wanted is one, and nothing else is.

use domain::cloud_map::{CustomHealth, DiscoveryInstance, InstanceKey};
use domain::service_registry::RegistrationState;
use domain::task::{DesiredStatus, HealthStatus, Task, TaskStatus};
use store::{Change, Commit};

use super::Replica;

/// Looks at the tasks and instances of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    for change in &commit.changes {
        match change {
            Change::Task(it) => {
                let task = it.current();
                agree(task, after).map_err(|it| format!("task {}: {it}", task.arn.name()))?;
            }
            Change::DiscoveryInstance(it) => has_task(it.current(), after)?,
            _ => {}
        }
    }
    Ok(())
}

fn key(task: &Task) -> Option<InstanceKey> {
    let registration = task.registration.as_ref()?;
    let service_id = registration.registry.service_id().to_owned();
    Some((service_id, task.arn.name().to_owned()))
}

fn agree(task: &Task, after: &Replica) -> Result<(), String> {
    let (Some(key), Some(registration)) = (key(task), &task.registration) else {
        return Ok(());
    };
    let runs = task.last_status == TaskStatus::Running && task.desired_status == DesiredStatus::Running;
    let instance = after.discovery_instances.get(&key);
    // Tasks of this world have addresses, so that nothing has to be waited for.
    if runs != (registration.state == RegistrationState::Registered) || runs != instance.is_some() {
        let is = task.last_status.as_str();
        return Err(format!("it is {is}, {:?} and {instance:?}", registration.state));
    }
    let definition = after.definitions.get(&task.task_definition);
    let is_checked = definition.is_some_and(|it| it.is_health_checked());
    let is_well = !is_checked || after.health(task) == HealthStatus::Healthy;
    let expected = match is_well {
        true => CustomHealth::Healthy,
        false => CustomHealth::Unhealthy,
    };
    match instance.filter(|it| it.custom_health != expected) {
        None => Ok(()),
        Some(it) => Err(format!(
            "it is {expected:?}, and its instance is {:?}",
            it.custom_health
        )),
    }
}

fn has_task(instance: &DiscoveryInstance, after: &Replica) -> Result<(), String> {
    let place = (instance.service_id.clone(), instance.id.clone());
    if !after.discovery_instances.contains_key(&place) {
        return Ok(());
    }
    let mut tasks = after.tasks.values();
    match tasks.any(|it| it.arn.name() == instance.id && key(it).as_ref() == Some(&place)) {
        true => Ok(()),
        false => Err(format!("instance {} is of no task", instance.id)),
    }
}
