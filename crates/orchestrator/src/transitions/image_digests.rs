//! Which digests the images of a service revision stand for: settled once, so that all its tasks run the same image
//! even where a tag moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Scope;
use domain::container_definition::ContainerDefinition;
use domain::repository::RepositoryKey;
use domain::service::Service;
use domain::service_deployment::ServiceRevision;
use domain::task::Task;
use domain::task_definition::TaskDefinition;
use store::{State, Tx};

use super::observe_task::ContainerReport;

#[cfg(test)]
mod tests;

/// The tag of a name without one.
const DEFAULT_TAG: &str = "latest";

/// The image of a task's container as its agent is asked for it: `name:tag@digest` once the digest is settled.
pub fn pinned_image(state: &State, task: &Task, container: &ContainerDefinition) -> String {
    let digest = revision_of(state, task)
        .filter(|_| container.keeps_digest())
        .and_then(|it| it.image_digests.get(&container.name));
    match digest {
        Some(digest) => format!("{}@{digest}", container.image),
        None => container.image.clone(),
    }
}

/// Digests that are known before any task asks: those of the account's own registry, by container.
pub(super) fn of_own_registry(
    state: &State,
    scope: &Scope,
    definition: Option<&TaskDefinition>,
) -> BTreeMap<String, String> {
    let containers = definition.into_iter().flat_map(|it| &it.containers);
    let digests = containers.filter(|it| it.keeps_digest()).filter_map(|it| {
        let (repository, tag) = in_own_registry(scope, &it.image)?;
        let image = state.tagged_image(&repository, tag)?;
        Some((it.name.clone(), image.digest.clone()))
    });
    digests.collect()
}

/// Settles what the first task of a revision reports.
pub(super) fn settle(tx: &mut Tx<'_>, task: &Task, definition: &TaskDefinition, reports: &[ContainerReport]) {
    let Some(known) = revision_of(tx.state(), task).cloned() else {
        return;
    };
    let mut digests = known.image_digests.clone();
    for report in reports {
        let keeps = definition
            .container(&report.name)
            .is_some_and(|it| it.keeps_digest());
        if let Some(digest) = report.image_digest.as_ref().filter(|_| keeps) {
            digests
                .entry(report.name.clone())
                .or_insert_with(|| digest.clone());
        }
    }
    if digests != known.image_digests {
        tx.put(ServiceRevision {
            image_digests: digests,
            ..(*known).clone()
        });
    }
}

/// The revision that a task of a service was made of.
fn revision_of<'a>(state: &'a State, task: &Task) -> Option<&'a Arc<ServiceRevision>> {
    let arn = task.service.as_ref()?;
    let id = task.started_by.as_deref()?;
    let service = state.get::<Service>(arn);
    let mut deployments = service.iter().flat_map(|it| &it.deployments);
    match deployments.find(|it| it.id == id) {
        Some(deployment) => state.get::<ServiceRevision>(&deployment.revision),
        // A deployment that is over was that of the revision of its number, unless it was a way back.
        None => state.get::<ServiceRevision>(&arn.part(id.rsplit('/').next()?)),
    }
}

/// Repository and tag of an image under Amazon's name of the account's registry.
fn in_own_registry<'a>(scope: &Scope, image: &'a str) -> Option<(RepositoryKey, &'a str)> {
    let (host, path) = image.split_once('/')?;
    if host != format!("{}.dkr.ecr.{}.amazonaws.com", scope.account, scope.region) {
        return None;
    }
    let (name, tag) = path.rsplit_once(':').unwrap_or((path, DEFAULT_TAG));
    Some((RepositoryKey::new(scope, name), tag))
}
