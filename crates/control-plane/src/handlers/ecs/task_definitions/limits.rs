//! Memory, CPU and devices of containers, alone and against the task's.

use api::ecs;
use domain::container_definition::{ContainerDefinition, ResourceRequirement, ResourceType};

use super::containers::{bounded, setting};
use crate::handlers::ecs::errors::{client, unbuilt};

/// Least memory of a container in MiB, as Docker's.
const MEMORY_MIB_MIN: i32 = 6;

/// Hard and soft limit of a container in MiB; 0 counts as unset.
///
/// # Errors
/// ClientException.
pub fn memory(
    task_memory: Option<u32>,
    container: &str,
    it: &ecs::ContainerDefinition,
) -> Result<(Option<u32>, Option<u32>), ecs::Error> {
    let hard = it.memory.filter(|it| *it != 0);
    let soft = it.memory_reservation.filter(|it| *it != 0);
    if hard.is_none() && soft.is_none() && task_memory.is_none() {
        return Err(setting(
            container,
            "At least one of 'memory' or 'memoryReservation' must be specified.",
        ));
    }
    let range = MEMORY_MIB_MIN..=i32::MAX;
    let hard = bounded(container, "memory", hard, range.clone())?;
    let soft = bounded(container, "memoryReservation", soft, range)?;
    check_memory(task_memory, container, hard, soft)?;
    Ok((hard, soft))
}

/// Limits of a container against each other and against the task's.
///
/// # Errors
/// ClientException.
pub fn check_memory(
    task_memory: Option<u32>,
    container: &str,
    hard: Option<u32>,
    soft: Option<u32>,
) -> Result<(), ecs::Error> {
    if hard.zip(soft).is_some_and(|(hard, soft)| soft > hard) {
        return Err(setting(
            container,
            "'memory' must be greater than or equal to 'memoryReservation'.",
        ));
    }
    if hard.zip(task_memory).is_some_and(|(hard, task)| hard > task) {
        return Err(client(format!(
            "The 'memory' setting for container '{container}' is greater than for the task."
        )));
    }
    Ok(())
}

/// The containers together fit into the task.
///
/// # Errors
/// ClientException.
pub fn check_together(
    cpu: Option<u32>,
    memory: Option<u32>,
    containers: &[ContainerDefinition],
) -> Result<(), ecs::Error> {
    let total_cpu: u64 = containers.iter().map(|it| u64::from(it.cpu)).sum();
    if cpu.is_some_and(|task| total_cpu > u64::from(task)) {
        return Err(client(
            "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value.",
        ));
    }
    let total_memory: u64 = containers.iter().map(|it| u64::from(it.reserved_memory())).sum();
    if memory.is_some_and(|task| total_memory > u64::from(task)) {
        return Err(client(
            "The sum of all container 'memoryReservation' values cannot be greater than the task-level 'memory' value.",
        ));
    }
    Ok(())
}

/// A device that a container needs.
///
/// # Errors
/// ClientException.
pub fn resource_requirement(
    container: &str,
    it: &ecs::ResourceRequirement,
) -> Result<ResourceRequirement, ecs::Error> {
    let kind = match it.r#type {
        ecs::ResourceType::Gpu => ResourceType::Gpu,
        ecs::ResourceType::InferenceAccelerator => {
            return Err(client("Unsupported field 'inferenceAccelerators'."));
        }
        ecs::ResourceType::NeuronDevice => {
            return Err(unbuilt("resourceRequirements of type NeuronDevice"));
        }
        ecs::ResourceType::Unmodelled(_) => {
            return Err(setting(
                container,
                "The type of a resource requirement must be 'GPU'.",
            ));
        }
    };
    if it.value.parse::<u32>().ok().filter(|it| *it > 0).is_none() {
        return Err(setting(
            container,
            &format!(
                "The number of GPUs must be a whole number above 0, not {:?}.",
                it.value
            ),
        ));
    }
    Ok(ResourceRequirement {
        kind,
        value: it.value.clone(),
    })
}
