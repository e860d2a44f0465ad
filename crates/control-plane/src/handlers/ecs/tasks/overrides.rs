//! `overrides` of RunTask and StartTask: checked against the definition they change.

use api::ecs;
use domain::task::{ContainerOverride, Overrides};
use domain::task_definition::TaskDefinition;

use crate::handlers::ecs::errors::{client, invalid_parameter, refuse_unbuilt};
use crate::handlers::ecs::task_definitions::{cpu_units, environment, memory_mib};

/// Checks overrides.
///
/// # Errors
/// InvalidParameterException for a container that the definition does not have, ClientException for bad sizes.
pub fn parse(
    definition: &TaskDefinition,
    given: Option<&ecs::TaskOverride>,
) -> Result<Overrides, ecs::Error> {
    let Some(given) = given else {
        return Ok(Overrides::default());
    };
    refuse_unbuilt(&[
        ("overrides.ephemeralStorage", given.ephemeral_storage.is_some()),
        (
            "overrides.inferenceAcceleratorOverrides",
            given
                .inference_accelerator_overrides
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
        ),
    ])?;
    let size = |text: &Option<String>, what: &str, parse: fn(&str) -> Option<u32>| {
        let Some(text) = text else { return Ok(None) };
        let amount = parse(text).filter(|it| *it > 0);
        amount
            .map(Some)
            .ok_or_else(|| client(format!("Invalid '{what}' override for task: {text:?}")))
    };
    let containers = given
        .container_overrides
        .iter()
        .flatten()
        .map(|it| container(definition, it));
    Ok(Overrides {
        cpu: size(&given.cpu, "cpu", cpu_units)?,
        memory: size(&given.memory, "memory", memory_mib)?,
        task_role_arn: given.task_role_arn.clone(),
        execution_role_arn: given.execution_role_arn.clone(),
        containers: containers.collect::<Result<_, _>>()?,
    })
}

fn container(
    definition: &TaskDefinition,
    it: &ecs::ContainerOverride,
) -> Result<ContainerOverride, ecs::Error> {
    let name = it.name.clone().unwrap_or_default();
    if definition.container(&name).is_none() {
        return Err(invalid_parameter(format!(
            "Override for container named {name} is not a container in the TaskDefinition."
        )));
    }
    refuse_unbuilt(&[
        (
            "containerOverrides.environmentFiles",
            it.environment_files.as_ref().is_some_and(|them| !them.is_empty()),
        ),
        (
            "containerOverrides.resourceRequirements",
            it.resource_requirements
                .as_ref()
                .is_some_and(|them| !them.is_empty()),
        ),
    ])?;
    let quantity = |value: Option<i32>, what: &str| {
        let value = value.map(u32::try_from).transpose();
        value.map_err(|_| {
            client(format!(
                "Invalid '{what}' override for container '{name}': it must not be negative."
            ))
        })
    };
    Ok(ContainerOverride {
        command: it.command.clone(),
        environment: it.environment.as_deref().map(environment),
        cpu: quantity(it.cpu, "cpu")?,
        memory: quantity(it.memory, "memory")?,
        memory_reservation: quantity(it.memory_reservation, "memoryReservation")?,
        name,
    })
}
