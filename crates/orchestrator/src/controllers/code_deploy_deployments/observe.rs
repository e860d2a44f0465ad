//! How the task sets of a deployment are.

use domain::code_deploy::deployment::{CodeDeployDeployment, Creator};
use domain::service::{Service, ServiceStatus};
use domain::target::{TargetHealthState, TargetState};
use domain::task_set::{Stability, TaskSet};
use store::State;

use super::step::Observed;
use crate::transitions::is_target_group_in_use;

/// Looks at the service and at the targets of the replacement.
pub fn observe(state: &State, deployment: &CodeDeployDeployment) -> Observed {
    let service = state.get::<Service>(&deployment.service);
    let Some(service) = service.filter(|it| it.status == ServiceStatus::Active) else {
        return Observed {
            is_service_active: false,
            is_installed: false,
            failed_starts: 0,
            is_terminated: true,
        };
    };
    let find = |id: &Option<String>| id.as_deref().and_then(|id| service.task_set(id));
    let replacement = find(&deployment.replacement_task_set);
    let leaving = match deployment.creator {
        Creator::User => find(&deployment.original_task_set),
        Creator::Rollback => replacement,
    };
    let is_served = is_target_group_in_use(state, &deployment.route.replacement_group);
    let is_steady = replacement.is_some_and(|it| match is_served {
        true => it.stability == Stability::SteadyState,
        false => is_running(state, service, it),
    });
    Observed {
        is_service_active: true,
        is_installed: is_steady && are_targets_healthy(state, deployment),
        failed_starts: replacement.map_or(0, |it| it.failed_starts),
        is_terminated: leaving.is_none(),
    }
}

/// Whether all tasks of a task set run. Behind a network load balancer without a listener of test traffic nothing
/// forwards to the replacement yet, so that nobody checks it.
fn is_running(state: &State, service: &Service, task_set: &TaskSet) -> bool {
    let tallies = state.service_tally(&service.arn);
    let mine = tallies.iter().find(|(id, _)| *id == task_set.id);
    let running = mine.map_or(0, |(_, it)| it.running);
    running == task_set.computed_desired_count(service.desired_count)
}

/// Whether all targets of the replacement's group are healthy, as far as they are checked.
fn are_targets_healthy(state: &State, deployment: &CodeDeployDeployment) -> bool {
    let targets = state.targets_of(&deployment.route.replacement_group);
    let mut registered = targets.filter(|it| !matches!(it.state, TargetState::Draining { .. }));
    registered.all(|it| {
        matches!(
            it.health.state,
            TargetHealthState::Healthy | TargetHealthState::Unused
        )
    })
}
