//! What a task takes of its host.

use domain::container_definition::ResourceType;
use domain::host::Resources;
use domain::task::Overrides;
use domain::task_definition::TaskDefinition;

/// Task-level sizes where they are given, else the sum of the containers'.
pub fn reservation(definition: &TaskDefinition, overrides: &Overrides) -> Resources {
    let containers = definition.containers.iter().map(|it| {
        let changes = overrides.container(&it.name).cloned().unwrap_or_default();
        let memory = changes
            .memory_reservation
            .or(changes.memory)
            .unwrap_or_else(|| it.reserved_memory());
        (changes.cpu.unwrap_or(it.cpu), memory)
    });
    let (cpu, memory) = containers.fold((0_u32, 0_u32), |sum, (cpu, memory)| {
        (sum.0.saturating_add(cpu), sum.1.saturating_add(memory))
    });
    Resources {
        cpu: overrides.cpu.or(definition.cpu).unwrap_or(cpu),
        memory: overrides.memory.or(definition.memory).unwrap_or(memory),
        ports: definition.host_ports().into_iter().collect(),
        gpus: gpus(definition),
    }
}

fn gpus(definition: &TaskDefinition) -> u32 {
    let required = definition
        .containers
        .iter()
        .flat_map(|it| it.resource_requirements.iter().flatten());
    required
        .filter(|it| it.kind == ResourceType::Gpu)
        .filter_map(|it| it.value.parse::<u32>().ok())
        .fold(0, u32::saturating_add)
}
