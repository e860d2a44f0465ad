//! Task definitions.

mod compatibilities;
mod containers;
mod dependencies;
mod environment;
mod health_check;
mod lifecycle;
mod limits;
mod linux_parameters;
mod log_configuration;
mod network;
mod parse;
mod ports;
mod register;
mod requires;
mod sizes;
mod task;
mod unbuilt;
mod volumes;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use api::ecs;
use domain::task_definition::{TaskDefinition, TaskDefinitionStatus};
use domain::{Scope, TaskDefinitionArn};
use orchestrator::transitions;
use store::State;

use super::errors::{self, client, invalid_parameter};
use super::names::TaskDefinitionName;
use super::{listing, names, render, tags};
use crate::call::Call;

pub use compatibilities::check_fargate_size;
pub use environment::{check_names, environment, files as environment_files};
pub use limits::check_memory;
pub use log_configuration::parse as log_configuration;
pub use register::register_task_definition;
pub use sizes::{cpu_units, memory_mib};
pub use task::{ephemeral_storage, role};

/// Most task definitions of one DeleteTaskDefinitions.
const DELETED_MAX: usize = 10;

/// `DescribeTaskDefinition`: also INACTIVE ones, by number.
///
/// # Errors
/// ClientException "Unable to describe task definition."
pub async fn describe_task_definition(
    call: Call<ecs::DescribeTaskDefinition>,
) -> Result<ecs::DescribeTaskDefinitionOutput, ecs::Error> {
    let input = call.input();
    let found = call
        .access()
        .store()
        .read(|state| find(state, call.scope(), &input.task_definition));
    let definition = found.ok_or_else(|| client("Unable to describe task definition."))?;
    let include = input.include.iter().flatten().map(|it| it.as_str());
    listing::require_word("include", include.clone(), &["TAGS"])?;
    let shows_tags = include.count() > 0;
    Ok(ecs::DescribeTaskDefinitionOutput {
        task_definition: Some(render::task_definition(&definition)),
        tags: shows_tags.then(|| tags::render(&definition.tags)),
    })
}

/// The definition that a text names: by family the latest ACTIVE revision.
pub fn find(state: &State, scope: &Scope, given: &str) -> Option<Arc<TaskDefinition>> {
    match names::task_definition(scope, given).ok()? {
        TaskDefinitionName::Revision(family, revision) => state
            .get::<TaskDefinition>(&TaskDefinitionArn::of(scope, &family, revision))
            .cloned(),
        TaskDefinitionName::Family(family) => {
            let revisions = state.task_definitions_of_family(scope, &family);
            revisions
                .rev()
                .find(|it| it.status == TaskDefinitionStatus::Active)
                .cloned()
        }
    }
}

/// A definition that new tasks may use.
///
/// # Errors
/// ClientException "TaskDefinition not found." or "TaskDefinition is inactive".
pub fn require_active(state: &State, scope: &Scope, given: &str) -> Result<Arc<TaskDefinition>, ecs::Error> {
    match find(state, scope, given) {
        None => Err(client("TaskDefinition not found.")),
        Some(it) if it.status != TaskDefinitionStatus::Active => Err(client("TaskDefinition is inactive")),
        Some(it) => Ok(it),
    }
}

/// `ListTaskDefinitions`: by family, then by revision number.
///
/// # Errors
/// InvalidParameterException for a bad token or page size.
pub async fn list_task_definitions(
    call: Call<ecs::ListTaskDefinitions>,
) -> Result<ecs::ListTaskDefinitionsOutput, ecs::Error> {
    let input = call.input();
    let status = input.status.as_ref().map_or("ACTIVE", |it| it.as_str());
    listing::require_word("status", [status], &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"])?;
    let sort = input.sort.as_ref().map(|it| it.as_str());
    listing::require_word("sort", sort, &["ASC", "DESC"])?;
    let goes_down = sort == Some("DESC");
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let scope = call.scope();
    let listing_name = format!(
        "task-definitions {scope:?} {:?} {status} {goes_down}",
        input.family_prefix
    );
    let key = call.access().page_key();
    let (arns, next_token) = call.access().store().read(|state| {
        let is_asked_for = |family: &str| input.family_prefix.as_deref().is_none_or(|it| it == family);
        let families = state.families(scope).filter(|it| is_asked_for(&it.name));
        let mut found: Vec<(String, String)> = families
            .flat_map(|family| state.task_definitions_of_family(scope, &family.name))
            .filter(|it| it.status.as_str() == status)
            .map(|it| (order(&it.family, it.revision), it.arn.to_string()))
            .collect();
        found.sort();
        if goes_down {
            found.reverse();
        }
        listing::list(key, listing::HUNDRED, &wanted, &listing_name, found.into_iter())
    })?;
    Ok(ecs::ListTaskDefinitionsOutput {
        task_definition_arns: Some(arns),
        next_token,
    })
}

/// Sorts by family, then by number. The space comes before all that a family's name may have, so that no name that goes on
/// stands between the revisions of a shorter one.
fn order(family: &str, revision: u32) -> String {
    format!("{family} {revision:010}")
}

/// `ListTaskDefinitionFamilies`: a family is ACTIVE if one of its revisions is. One whose revisions are all deleted is gone,
/// though its numbers go on.
///
/// # Errors
/// InvalidParameterException for a bad token or page size.
pub async fn list_task_definition_families(
    call: Call<ecs::ListTaskDefinitionFamilies>,
) -> Result<ecs::ListTaskDefinitionFamiliesOutput, ecs::Error> {
    let input = call.input();
    let status = input.status.as_ref().map_or("ALL", |it| it.as_str()).to_owned();
    listing::require_word("status", [status.as_str()], &["ACTIVE", "INACTIVE", "ALL"])?;
    let prefix = input.family_prefix.clone().unwrap_or_default();
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let scope = call.scope();
    let key = call.access().page_key();
    let (families, next_token) = call.access().store().read(|state| {
        let is_active = |family: &str| {
            state
                .task_definitions_of_family(scope, family)
                .any(|it| it.status == TaskDefinitionStatus::Active)
        };
        let has_revisions = |family: &str| state.task_definitions_of_family(scope, family).next().is_some();
        let has_status = |family: &str| match status.as_str() {
            "ACTIVE" => is_active(family),
            "INACTIVE" => has_revisions(family) && !is_active(family),
            _ => has_revisions(family),
        };
        let families = state
            .families(scope)
            .filter(|it| it.name.starts_with(&prefix) && has_status(&it.name));
        let items = families.map(|it| (it.name.clone(), it.name.clone()));
        listing::list(
            key,
            listing::HUNDRED,
            &wanted,
            &format!("families {scope:?} {prefix} {status}"),
            items,
        )
    })?;
    Ok(ecs::ListTaskDefinitionFamiliesOutput {
        families: Some(families),
        next_token,
    })
}

/// `DeregisterTaskDefinition`: ACTIVE becomes INACTIVE; what uses it goes on.
///
/// # Errors
/// ClientException for a family without revision, or one that does not exist.
pub async fn deregister_task_definition(
    call: Call<ecs::DeregisterTaskDefinition>,
) -> Result<ecs::DeregisterTaskDefinitionOutput, ecs::Error> {
    let given = call.input().task_definition.as_str();
    let arn = match names::task_definition(call.scope(), given) {
        Ok(TaskDefinitionName::Revision(family, revision)) => {
            TaskDefinitionArn::of(call.scope(), &family, revision)
        }
        Ok(TaskDefinitionName::Family(_)) => {
            return Err(client(format!(
                "Invalid revision number. Number: {given} (name it as family:revision)"
            )));
        }
        Err(_) => return Err(client("The specified task definition does not exist.")),
    };
    let deregistered = call
        .access()
        .store()
        .transact(move |tx| transitions::deregister_task_definition(tx, &arn))
        .await;
    let deregistered = deregistered.map_err(errors::from_store)?;
    Ok(ecs::DeregisterTaskDefinitionOutput {
        task_definition: Some(render::task_definition(&deregistered)),
    })
}

/// `DeleteTaskDefinitions`: INACTIVE ones only; they vanish once nothing uses them.
///
/// # Errors
/// InvalidParameterException for none or too many.
pub async fn delete_task_definitions(
    call: Call<ecs::DeleteTaskDefinitions>,
) -> Result<ecs::DeleteTaskDefinitionsOutput, ecs::Error> {
    let given = call.input().task_definitions.clone();
    if given.is_empty() || given.len() > DELETED_MAX {
        return Err(invalid_parameter(format!(
            "taskDefinitions must have 1 to {DELETED_MAX} items."
        )));
    }
    let scope = call.scope();
    let mut arns = Vec::new();
    let mut failures = Vec::new();
    for name in given {
        match names::task_definition(scope, &name) {
            Ok(TaskDefinitionName::Revision(family, revision)) => {
                arns.push(TaskDefinitionArn::of(scope, &family, revision));
            }
            _ => failures.push(render::failure(
                name,
                "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.",
            )),
        }
    }
    let deleted = call
        .access()
        .store()
        .transact(move |tx| transitions::delete_task_definitions(tx, &arns))
        .await;
    let deleted = deleted.map_err(errors::from_store)?;
    failures.extend(
        deleted
            .refused
            .into_iter()
            .map(|(arn, refusal)| render::failure(arn.as_str(), refusal.to_string())),
    );
    let definitions = deleted
        .deleted
        .iter()
        .map(|it| render::task_definition(it))
        .collect();
    Ok(ecs::DeleteTaskDefinitionsOutput {
        task_definitions: Some(definitions),
        failures: Some(failures),
    })
}
