//! What health checks say of the tasks of a service.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::service::Service;
use domain::task::{HealthStatus, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use store::State;

use super::part::Part;
use super::plan::Counts;
use super::{Leaving, is_wanted};

/// Why the scheduler stops a task that is UNHEALTHY.
pub const FAILED: &str = "Task failed container health checks";

/// Tasks of a service whose health is asked for and known to be this.
fn tasks_that_are(state: &State, service: &Service, wanted: HealthStatus) -> Vec<Arc<Task>> {
    let is_checked = |it: &&Arc<TaskDefinition>| {
        let mut containers = it.containers.iter();
        containers.any(|it| it.essential && it.is_health_checked())
    };
    let of_deployments = service.deployments.iter().map(|it| &it.task_definition);
    let of_task_sets = service.task_sets.iter().map(|it| &it.task_definition);
    let definitions = of_deployments
        .chain(of_task_sets)
        .filter_map(|it| state.get::<TaskDefinition>(it))
        .filter(is_checked);
    let definitions: BTreeMap<_, _> = definitions.map(|it| (&it.arn, it)).collect();
    if definitions.is_empty() {
        return Vec::new();
    }
    let has = |it: &&Arc<Task>| {
        let definition = definitions.get(&it.task_definition);
        is_wanted(it) && definition.is_some_and(|definition| it.health(definition) == wanted)
    };
    state
        .tasks_of_service(&service.arn)
        .filter(has)
        .cloned()
        .collect()
}

/// Tasks to be replaced because their health checks fail.
pub fn unhealthy(state: &State, service: &Service) -> Leaving {
    let tasks = tasks_that_are(state, service, HealthStatus::Unhealthy);
    tasks.into_iter().map(|it| (it.arn.clone(), it)).collect()
}

/// Notes what health checks say of the tasks of a part that run: whose checks have not come to anything yet do not
/// count as healthy.
pub fn note(counts: &mut Counts, state: &State, service: &Service, part: &Part, leaving: &Leaving) {
    let runs = |it: &&Arc<Task>| it.last_status == TaskStatus::Running;
    let unhealthy = leaving.values().filter(runs);
    let unhealthy = unhealthy.filter(|it| part.may_stop(service, it) && is_unhealthy(state, it));
    let unproven = tasks_that_are(state, service, HealthStatus::Unknown);
    let unproven = unproven.iter().filter(runs).filter(|it| part.has(it));
    counts.unhealthy = u32::try_from(unhealthy.count()).unwrap_or(u32::MAX);
    counts.unproven = u32::try_from(unproven.count()).unwrap_or(u32::MAX);
}

/// Whether a task is one of them, of which an event tells.
pub fn is_unhealthy(state: &State, task: &Task) -> bool {
    let definition = state.get::<TaskDefinition>(&task.task_definition);
    definition.is_some_and(|it| task.health(it) == HealthStatus::Unhealthy)
}
