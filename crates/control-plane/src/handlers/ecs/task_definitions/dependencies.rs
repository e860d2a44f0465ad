//! How containers refer to each other: dependsOn, links and volumesFrom.

use api::ecs;
use domain::container_definition::{ContainerDefinition, DependencyCondition};

use super::containers::setting;
use crate::handlers::ecs::errors::client;

/// Checks that what is named exists and that nothing waits for itself.
///
/// # Errors
/// ClientException.
pub fn check(containers: &[ContainerDefinition]) -> Result<(), ecs::Error> {
    for container in containers {
        check_names(containers, container)?;
    }
    match cycle(containers) {
        Some(names) => Err(client(format!(
            "Container dependencies must not form a cycle: {}.",
            names.join(" -> ")
        ))),
        None => Ok(()),
    }
}

fn check_names(containers: &[ContainerDefinition], it: &ContainerDefinition) -> Result<(), ecs::Error> {
    let find = |name: &str| containers.iter().find(|it| it.name == name);
    for dependency in it.depends_on.iter().flatten() {
        let name = &dependency.container_name;
        let target = find(name).ok_or_else(|| {
            client(format!(
                "Cannot depend on container {name} because it does not exist."
            ))
        })?;
        if target.name == it.name {
            return Err(setting(&it.name, "A container cannot depend on itself."));
        }
        match dependency.condition {
            DependencyCondition::Healthy if target.health_check.is_none() => {
                return Err(client(
                    "A dependency container with HEALTHY condition must have health check configured.",
                ));
            }
            DependencyCondition::Complete | DependencyCondition::Success if target.essential => {
                return Err(client(
                    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container.",
                ));
            }
            _ => {}
        }
    }
    for link in it.links.iter().flatten() {
        let name = link_target(link);
        if find(name).is_none() {
            return Err(client(format!(
                "Invalid 'links' setting. Unknown container: '{name}'"
            )));
        }
    }
    for source in it.volumes_from.iter().map(|it| &it.source_container) {
        if find(source).is_none() {
            return Err(client(format!(
                "Invalid 'volumesFrom' setting. Unknown container: '{source}'"
            )));
        }
    }
    Ok(())
}

/// `name` of `name:alias`.
fn link_target(link: &str) -> &str {
    link.split(':').next().unwrap_or_default()
}

/// Containers that start before this one.
fn predecessors(it: &ContainerDefinition) -> impl Iterator<Item = &str> {
    let dependencies = it
        .depends_on
        .iter()
        .flatten()
        .map(|it| it.container_name.as_str());
    let links = it.links.iter().flatten().map(|it| link_target(it));
    let volumes = it.volumes_from.iter().map(|it| it.source_container.as_str());
    dependencies.chain(links).chain(volumes)
}

/// A path that comes back to its first name, if there is one.
fn cycle(containers: &[ContainerDefinition]) -> Option<Vec<&str>> {
    let mut done = Vec::new();
    containers
        .iter()
        .find_map(|it| walk(containers, it, &mut Vec::new(), &mut done))
}

/// At most as deep as there are containers.
fn walk<'a>(
    containers: &'a [ContainerDefinition],
    it: &'a ContainerDefinition,
    path: &mut Vec<&'a str>,
    done: &mut Vec<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(first) = path.iter().position(|name| *name == it.name) {
        let mut cycle = path.split_off(first);
        cycle.push(&it.name);
        return Some(cycle);
    }
    if done.contains(&it.name.as_str()) {
        return None;
    }
    path.push(&it.name);
    let before = predecessors(it).filter_map(|name| containers.iter().find(|it| it.name == name));
    for next in before {
        if let Some(cycle) = walk(containers, next, path, done) {
            return Some(cycle);
        }
    }
    path.pop();
    done.push(&it.name);
    None
}
