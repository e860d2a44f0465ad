//! `overrides` of RunTask and StartTask: checked against the definition they change.

use std::collections::BTreeSet;

use api::ecs;
use domain::task::{ContainerOverride, Overrides};
use domain::task_definition::{LaunchType, TaskDefinition};

use crate::handlers::ecs::errors::{client, invalid_parameter, refuse_unbuilt};
use crate::handlers::ecs::task_definitions as definitions;

#[cfg(test)]
mod tests;

/// Most characters of the overrides as JSON.
const LENGTH_MAX: usize = 8192;

/// Checks overrides.
///
/// # Errors
/// InvalidParameterException for a container that the definition does not have and for too much of them,
/// ClientException for bad sizes, UnsupportedFeatureException for what is not built.
pub fn parse(
    definition: &TaskDefinition,
    given: Option<&ecs::TaskOverride>,
) -> Result<Overrides, ecs::Error> {
    let Some(given) = given else {
        return Ok(Overrides::default());
    };
    let length = String::from_utf8_lossy(&wire::json::encode(given))
        .chars()
        .count();
    if length > LENGTH_MAX {
        return Err(invalid_parameter(format!(
            "Container Overrides length must be at most {LENGTH_MAX}"
        )));
    }
    let size = |text: &Option<String>, what: &str, parse: fn(&str) -> Option<u32>| {
        let Some(text) = text else { return Ok(None) };
        let amount = parse(text).filter(|it| *it > 0);
        amount
            .map(Some)
            .ok_or_else(|| client(format!("Invalid '{what}' setting for task.")))
    };
    let cpu = size(&given.cpu, "cpu", definitions::cpu_units)?;
    let memory = size(&given.memory, "memory", definitions::memory_mib)?;
    check_fargate(definition, cpu, memory)?;
    let task_memory = memory.or(definition.memory);
    check_once(given.container_overrides.as_deref().unwrap_or_default())?;
    let containers = given
        .container_overrides
        .iter()
        .flatten()
        .map(|it| container(definition, task_memory, it));
    let containers = containers.collect::<Result<_, _>>()?;
    let scope = definition.arn.scope();
    let task_role_arn = definitions::role(&scope, given.task_role_arn.as_ref())?;
    let execution_role_arn = definitions::role(&scope, given.execution_role_arn.as_ref())?;
    let storage = given.ephemeral_storage.as_ref();
    storage.map(definitions::ephemeral_storage).transpose()?;
    let accelerators = given.inference_accelerator_overrides.as_ref();
    refuse_unbuilt(&[
        ("overrides.ephemeralStorage", storage.is_some()),
        (
            "overrides.inferenceAcceleratorOverrides",
            accelerators.is_some_and(|it| !it.is_empty()),
        ),
    ])?;
    Ok(Overrides {
        cpu,
        memory,
        task_role_arn,
        execution_role_arn,
        containers,
    })
}

/// Of two overrides of one container, nobody could say which holds.
fn check_once(given: &[ecs::ContainerOverride]) -> Result<(), ecs::Error> {
    let mut seen = BTreeSet::new();
    let names = given.iter().filter_map(|it| it.name.as_deref());
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(invalid_parameter(format!(
            "Container overrides cannot name a container more than once: {name} is there twice."
        ))),
        None => Ok(()),
    }
}

/// A definition that is for FARGATE only keeps a size that FARGATE has.
fn check_fargate(
    definition: &TaskDefinition,
    cpu: Option<u32>,
    memory: Option<u32>,
) -> Result<(), ecs::Error> {
    let required = definition.requires_compatibilities.as_deref();
    if required != Some(&[LaunchType::Fargate]) || (cpu.is_none() && memory.is_none()) {
        return Ok(());
    }
    definitions::check_fargate_size(cpu.or(definition.cpu), memory.or(definition.memory))
}

fn container(
    definition: &TaskDefinition,
    task_memory: Option<u32>,
    it: &ecs::ContainerOverride,
) -> Result<ContainerOverride, ecs::Error> {
    let name = it.name.clone().unwrap_or_default();
    let Some(defined) = definition.container(&name) else {
        return Err(invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    };
    let environment = it.environment.as_deref().map(definitions::environment);
    definitions::check_names(
        environment.as_deref().unwrap_or_default(),
        defined.secrets.as_deref().unwrap_or_default(),
    )?;
    let quantity = |value: Option<i32>, what: &str| {
        let value = value.map(u32::try_from).transpose();
        value.map_err(|_| {
            client(format!(
                "Invalid '{what}' override for container '{name}': it must not be negative."
            ))
        })
    };
    let cpu = quantity(it.cpu, "cpu")?;
    let memory = quantity(it.memory, "memory")?;
    let memory_reservation = quantity(it.memory_reservation, "memoryReservation")?;
    definitions::check_memory(
        task_memory,
        &name,
        memory.or(defined.memory),
        memory_reservation.or(defined.memory_reservation),
    )?;
    refuse_unbuilt(&[(
        "containerOverrides.resourceRequirements",
        it.resource_requirements
            .as_ref()
            .is_some_and(|them| !them.is_empty()),
    )])?;
    let files = it.environment_files.as_deref();
    let files = files.map(|them| definitions::environment_files(&name, them));
    Ok(ContainerOverride {
        command: it.command.clone(),
        environment,
        environment_files: files.transpose()?,
        cpu,
        memory,
        memory_reservation,
        name,
    })
}
