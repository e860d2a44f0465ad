//! GetTaskProtection and UpdateTaskProtection.

use std::time::Duration;

use api::ecs;
use domain::{ClusterArn, Scope, TaskArn};
use orchestrator::transitions::{self, Protection, Protections};

use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, invalid_parameter};
use crate::handlers::ecs::{names, render};

#[cfg(test)]
mod tests;

/// Most tasks of one GetTaskProtection.
const READ_MAX: usize = 100;
/// Most tasks of one UpdateTaskProtection.
const UPDATED_MAX: usize = 10;
/// `expiresInMinutes` if it is not given.
const MINUTES_DEFAULT: i32 = 120;
/// Longest `expiresInMinutes`: two days.
const MINUTES_MAX: i32 = 2880;

/// `GetTaskProtection`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for none, too many, or tasks of another cluster.
pub async fn get_task_protection(
    call: Call<ecs::GetTaskProtection>,
) -> Result<ecs::GetTaskProtectionOutput, ecs::Error> {
    let input = call.input();
    let given = input.tasks.as_deref().unwrap_or_default();
    let (cluster, arns) = tasks(call.scope(), &input.cluster, given, READ_MAX)?;
    let found = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        Ok::<_, ecs::Error>(transitions::task_protection(state, &arns, call.now()))
    })?;
    let (protected_tasks, failures) = rendered(found);
    Ok(ecs::GetTaskProtectionOutput {
        protected_tasks: Some(protected_tasks),
        failures: Some(failures),
    })
}

/// `UpdateTaskProtection`: only tasks of services; protection ends by itself.
///
/// # Errors
/// As GetTaskProtection; also for an expiry out of bounds.
pub async fn update_task_protection(
    call: Call<ecs::UpdateTaskProtection>,
) -> Result<ecs::UpdateTaskProtectionOutput, ecs::Error> {
    let input = call.input();
    let (cluster, arns) = tasks(call.scope(), &input.cluster, &input.tasks, UPDATED_MAX)?;
    let minutes = input.expires_in_minutes.unwrap_or(MINUTES_DEFAULT);
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(invalid_parameter(format!(
            "expiresInMinutes must be between 1 and {MINUTES_MAX}, it is {minutes}."
        )));
    }
    let wish = if input.protection_enabled {
        Protection::For(Duration::from_secs(u64::from(minutes.unsigned_abs()) * 60))
    } else {
        Protection::Off
    };
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let updated = store
        .transact(move |tx| transitions::update_task_protection(tx, &arns, wish))
        .await;
    let (protected_tasks, failures) = rendered(updated.map_err(errors::from_store)?);
    Ok(ecs::UpdateTaskProtectionOutput {
        protected_tasks: Some(protected_tasks),
        failures: Some(failures),
    })
}

fn tasks(
    scope: &Scope,
    cluster: &str,
    given: &[String],
    most: usize,
) -> Result<(ClusterArn, Vec<TaskArn>), ecs::Error> {
    if given.is_empty() {
        return Err(invalid_parameter("Tasks cannot be empty."));
    }
    if given.len() > most {
        return Err(invalid_parameter(format!("tasks can have at most {most} items.")));
    }
    let cluster = names::cluster(scope, Some(cluster))?;
    let arns = given.iter().map(|it| names::task(&cluster, it));
    let arns = arns.collect::<Result<Vec<_>, _>>()?;
    Ok((cluster, arns))
}

fn rendered(all: Protections) -> (Vec<ecs::ProtectedTask>, Vec<ecs::Failure>) {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (arn, outcome) in all {
        match outcome {
            Ok(until) => found.push(ecs::ProtectedTask {
                task_arn: Some(arn.to_string()),
                protection_enabled: Some(until.is_some()),
                expiration_date: until,
            }),
            Err(refusal) => failures.push(render::failure(arn.as_str(), refusal.as_str())),
        }
    }
    (found, failures)
}
