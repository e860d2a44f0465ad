//! TagResource, UntagResource and ListTagsForResource.

use api::ecs;
use domain::capacity_provider::is_fargate;
use domain::{
    CapacityProviderArn, ClusterArn, ContainerInstanceArn, Scope, ServiceArn, TaskArn, TaskDefinitionArn,
    TaskSetArn,
};
use orchestrator::transitions::{self, TAGS_MAX, TagChange, TagRefusal, Taggable};

use super::errors::{self, FromRefusal, cluster_not_found, invalid_parameter};
use super::tags;
use crate::call::{Authorized, Call};

#[cfg(test)]
mod tests;

impl FromRefusal<TagRefusal> for ecs::Error {
    fn from_refusal(refusal: TagRefusal) -> Self {
        match refusal {
            TagRefusal::ClusterNotFound => cluster_not_found(),
            TagRefusal::NotFound(kind) => not_found(kind),
            TagRefusal::Inactive(kind) => invalid_parameter(format!(
                "The specified {kind} is inactive. Specify an active {kind} and try again."
            )),
            TagRefusal::TooMany => Self::LimitExceededException(ecs::LimitExceededException {
                message: Some(format!("The number of tags exceeds the limit of {TAGS_MAX}.")),
            }),
        }
    }
}

fn not_found(kind: &str) -> ecs::Error {
    ecs::Error::ResourceNotFoundException(ecs::ResourceNotFoundException {
        message: Some(format!("The specified {kind} was not found.")),
    })
}

/// `TagResource`: values of keys that are there are replaced.
///
/// # Errors
/// InvalidParameterException for tags or an ARN that cannot be, or a resource that has ended;
/// ResourceNotFoundException, ClusterNotFoundException; LimitExceededException above fifty tags.
pub async fn tag_resource(call: Call<ecs::TagResource>) -> Result<ecs::TagResourceOutput, ecs::Error> {
    let input = call.input();
    let resource = resource(call.scope(), &input.resource_arn)?;
    let given = tags::parse(Some(&input.tags))?;
    change(call.access(), resource, TagChange::Put(given)).await?;
    Ok(ecs::TagResourceOutput {})
}

/// `UntagResource`: keys that are not there do not matter.
///
/// # Errors
/// As TagResource.
pub async fn untag_resource(call: Call<ecs::UntagResource>) -> Result<ecs::UntagResourceOutput, ecs::Error> {
    let input = call.input();
    let resource = resource(call.scope(), &input.resource_arn)?;
    for key in &input.tag_keys {
        tags::require_key(key)?;
    }
    change(call.access(), resource, TagChange::Remove(input.tag_keys.clone())).await?;
    Ok(ecs::UntagResourceOutput {})
}

async fn change(access: &Authorized, resource: Taggable, change: TagChange) -> Result<(), ecs::Error> {
    let changed = access
        .store()
        .transact(move |tx| transitions::change_tags(tx, &resource, change))
        .await;
    changed.map_err(errors::from_store)
}

/// `ListTagsForResource`. It models no ResourceNotFoundException.
///
/// # Errors
/// InvalidParameterException for what can name nothing, is not there or has ended; ClusterNotFoundException.
pub async fn list_tags_for_resource(
    call: Call<ecs::ListTagsForResource>,
) -> Result<ecs::ListTagsForResourceOutput, ecs::Error> {
    let resource = resource(call.scope(), &call.input().resource_arn).map_err(as_invalid_parameter)?;
    let store = call.access().store();
    let found = store.read(|state| transitions::tags_of(state, &resource));
    let tags = found.map_err(|it| as_invalid_parameter(ecs::Error::from_refusal(it)))?;
    Ok(ecs::ListTagsForResourceOutput {
        tags: Some(tags::render(&tags)),
    })
}

fn as_invalid_parameter(error: ecs::Error) -> ecs::Error {
    match error {
        ecs::Error::ResourceNotFoundException(it) => invalid_parameter(it.message.unwrap_or_default()),
        other => other,
    }
}

/// What an ARN names. A kind of resource that gets tags one day is added here and in [`Taggable`].
fn resource(scope: &Scope, given: &str) -> Result<Taggable, ecs::Error> {
    let invalid = || invalid_parameter(format!("Invalid ARN: {given:?} names no resource that has tags."));
    let path = given.splitn(6, ':').nth(5).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let (of, found) = match parts.as_slice() {
        ["cluster", ..] => {
            let arn = ClusterArn::parse(given).map_err(|_| invalid())?;
            (arn.scope(), Taggable::Cluster(arn))
        }
        ["task-definition", ..] => {
            let arn = TaskDefinitionArn::parse(given).map_err(|_| invalid())?;
            arn.family_and_revision().ok_or_else(invalid)?;
            (arn.scope(), Taggable::TaskDefinition(arn))
        }
        ["capacity-provider", ..] => {
            let arn = CapacityProviderArn::parse(given).map_err(|_| invalid())?;
            if is_fargate(arn.name()) {
                return Err(invalid_parameter(
                    "The FARGATE and FARGATE_SPOT capacity providers are reserved and have no tags.",
                ));
            }
            (arn.scope(), Taggable::CapacityProvider(arn))
        }
        ["service" | "task" | "container-instance", _] => {
            return Err(invalid_parameter(
                "Long arn format must be used for tagging operations",
            ));
        }
        ["service", ..] => {
            let arn = ServiceArn::parse(given).map_err(|_| invalid())?;
            (arn.scope(), Taggable::Service(arn))
        }
        ["task-set", ..] => {
            let arn = TaskSetArn::parse(given).map_err(|_| invalid())?;
            (arn.scope(), Taggable::TaskSet(arn))
        }
        ["task", ..] => {
            let arn = TaskArn::parse(given).map_err(|_| invalid())?;
            (arn.scope(), Taggable::Task(arn))
        }
        ["container-instance", ..] => {
            let arn = ContainerInstanceArn::parse(given).map_err(|_| invalid())?;
            (arn.scope(), Taggable::ContainerInstance(arn))
        }
        _ => return Err(invalid()),
    };
    // What belongs to another account or region is not here.
    match found {
        found if of == *scope => Ok(found),
        Taggable::TaskDefinition(_) => Err(not_found("task definition")),
        Taggable::CapacityProvider(_) => Err(not_found("capacity provider")),
        _ => Err(cluster_not_found()),
    }
}
