//! The processor that a task definition is made for.

use domain::container_instance::ContainerInstance;
use domain::tags::Pair;
use domain::task_definition::{LaunchType, TaskDefinition};

use super::{Joined, PlacementFailure, RunTasks, failure};

/// Attribute in which container instances name theirs.
const ARCHITECTURE: &str = "ecs.cpu-architecture";

/// What the definition requires of a container instance, its `cpuArchitecture` included. ECS does not show that
/// among `requiresAttributes`.
pub fn attributes(definition: &TaskDefinition) -> Vec<Pair> {
    let mut attributes = definition.requires_attributes.clone();
    attributes.extend(architecture(definition).map(|it| Pair::new(ARCHITECTURE, it)));
    attributes
}

/// On FARGATE, which asks for no attributes, hosts of another architecture are refused here.
pub fn matching<'a>(run: &RunTasks, hosts: Vec<Joined<'a>>) -> (Vec<Joined<'a>>, Vec<PlacementFailure>) {
    let wanted = architecture(&run.definition).filter(|_| run.launch_type == LaunchType::Fargate);
    let Some(wanted) = wanted else {
        return (hosts, Vec::new());
    };
    let (matching, others): (Vec<_>, Vec<_>) = hosts
        .into_iter()
        .partition(|(_, instance)| architecture_of(instance).is_none_or(|it| it == wanted));
    if !matching.is_empty() {
        return (matching, Vec::new());
    }
    let refused = others.iter().map(|(_, instance)| {
        let detail = Some(ARCHITECTURE.to_owned());
        failure(
            instance.arn.to_string(),
            "ATTRIBUTE",
            detail,
            "is missing an attribute required by your task",
        )
    });
    (matching, refused.collect())
}

/// In the word of the attribute.
fn architecture(definition: &TaskDefinition) -> Option<&'static str> {
    let platform = definition.runtime_platform.as_ref()?;
    match platform.cpu_architecture.as_deref()? {
        "X86_64" => Some("x86_64"),
        "ARM64" => Some("arm64"),
        _ => None,
    }
}

fn architecture_of(instance: &ContainerInstance) -> Option<&str> {
    let found = instance.attributes.iter().find(|it| it.name == ARCHITECTURE)?;
    found.value.as_deref()
}
