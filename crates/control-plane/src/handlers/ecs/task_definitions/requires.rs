//! `requiresAttributes`: what a container instance must be able to do for a task definition.

use domain::tags::Pair;
use domain::task_definition::NetworkMode;

use super::parse::Draft;

/// In the order that they are found; names as Amazon's agent sends them.
pub fn attributes(draft: &Draft) -> Vec<Pair> {
    let mut names: Vec<String> = Vec::new();
    let mut needs = |name: &str| {
        if !names.iter().any(|it| it == name) {
            names.push(name.to_owned());
        }
    };
    for container in &draft.containers {
        if let Some(log) = &container.log_configuration {
            needs(&format!(
                "com.amazonaws.ecs.capability.logging-driver.{}",
                log.log_driver
            ));
            if log.log_driver == "awslogs" && draft.execution_role_arn.is_some() {
                needs("ecs.capability.execution-role-awslogs");
            }
        }
        if container.privileged == Some(true) {
            needs("com.amazonaws.ecs.capability.privileged-container");
        }
        if container.memory_reservation.is_some() {
            needs("com.amazonaws.ecs.capability.docker-remote-api.1.21");
        }
    }
    if draft.cpu.is_some() || draft.memory.is_some() {
        needs("ecs.capability.task-cpu-mem-limit");
    }
    if draft.network_mode == Some(NetworkMode::Awsvpc) {
        needs("ecs.capability.task-eni");
    }
    needs("com.amazonaws.ecs.capability.docker-remote-api.1.18");
    names.into_iter().map(|name| Pair { name, value: None }).collect()
}
