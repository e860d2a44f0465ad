//! Tags of any resource that may have them.

use domain::capacity_provider::{CapacityProvider, CapacityProviderStatus};
use domain::cluster::{Cluster, ClusterStatus};
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::service::{Service, ServiceStatus};
use domain::tags::Pair;
use domain::task::{Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{
    CapacityProviderArn, ClusterArn, ContainerInstanceArn, ServiceArn, TaskArn, TaskDefinitionArn, TaskSetArn,
};
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// Most tags of a resource. Those that ECS itself gives do not count.
pub const TAGS_MAX: usize = 50;

/// A resource that may have tags. A new kind of resource is added here: the compiler names the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taggable {
    /// See [`Cluster`].
    Cluster(ClusterArn),
    /// See [`Service`].
    Service(ServiceArn),
    /// See [`domain::task_set::TaskSet`].
    TaskSet(TaskSetArn),
    /// See [`Task`].
    Task(TaskArn),
    /// See [`ContainerInstance`].
    ContainerInstance(ContainerInstanceArn),
    /// See [`TaskDefinition`].
    TaskDefinition(TaskDefinitionArn),
    /// See [`CapacityProvider`].
    CapacityProvider(CapacityProviderArn),
}

/// Why a resource's tags are neither shown nor changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagRefusal {
    /// There is no such cluster, also for what would be in it.
    ClusterNotFound,
    /// There is none, of the kind that is named.
    NotFound(&'static str),
    /// It has ended: the kind of resource.
    Inactive(&'static str),
    /// It would have more than [`TAGS_MAX`].
    TooMany,
}

/// What happens to tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagChange {
    /// Values of keys that are there are replaced.
    Put(Vec<Pair>),
    /// Keys that are not there do not matter.
    Remove(Vec<String>),
}

/// `ListTagsForResource`.
///
/// # Errors
/// The resource is not there or has ended.
pub fn tags_of(state: &State, resource: &Taggable) -> Result<Vec<Pair>, TagRefusal> {
    require_cluster(state, resource)?;
    match resource {
        Taggable::Cluster(arn) => found(state.get::<Cluster>(arn), "cluster", |_| false, |it| &it.tags),
        Taggable::Service(arn) => found(state.get::<Service>(arn), "service", is_inactive, |it| &it.tags),
        Taggable::TaskSet(arn) => {
            let service = state.get::<Service>(&arn.service());
            let found = service.and_then(|it| it.task_set(arn.id()));
            Ok(found.ok_or(TagRefusal::NotFound("task set"))?.tags.clone())
        }
        Taggable::Task(arn) => found(state.get::<Task>(arn), "task", is_stopped, |it| &it.tags),
        Taggable::ContainerInstance(arn) => found(
            state.get::<ContainerInstance>(arn),
            "container instance",
            is_deregistered,
            |it| &it.tags,
        ),
        Taggable::TaskDefinition(arn) => found(
            state.get::<TaskDefinition>(arn),
            "task definition",
            |_| false,
            |it| &it.tags,
        ),
        Taggable::CapacityProvider(arn) => found(
            state.get::<CapacityProvider>(arn),
            "capacity provider",
            |it| it.status == CapacityProviderStatus::Inactive,
            |it| &it.tags,
        ),
    }
}

fn is_inactive(it: &Service) -> bool {
    it.status == ServiceStatus::Inactive
}

fn is_stopped(it: &Task) -> bool {
    it.last_status == TaskStatus::Stopped
}

fn is_deregistered(it: &ContainerInstance) -> bool {
    it.status == ContainerInstanceStatus::Inactive
}

fn found<R>(
    record: Option<&std::sync::Arc<R>>,
    kind: &'static str,
    has_ended: impl Fn(&R) -> bool,
    tags: impl Fn(&R) -> &Vec<Pair>,
) -> Result<Vec<Pair>, TagRefusal> {
    let record = record.ok_or(TagRefusal::NotFound(kind))?;
    if has_ended(record) {
        return Err(TagRefusal::Inactive(kind));
    }
    Ok(tags(record).clone())
}

/// The cluster decides first, as it does in every call that names one.
fn require_cluster(state: &State, resource: &Taggable) -> Result<(), TagRefusal> {
    let cluster = match resource {
        Taggable::Cluster(arn) => arn.clone(),
        Taggable::Service(arn) => arn.cluster(),
        Taggable::TaskSet(arn) => arn.cluster(),
        Taggable::Task(arn) => arn.cluster(),
        Taggable::ContainerInstance(arn) => arn.cluster(),
        Taggable::TaskDefinition(_) | Taggable::CapacityProvider(_) => return Ok(()),
    };
    match state.get::<Cluster>(&cluster) {
        None => Err(TagRefusal::ClusterNotFound),
        Some(it) if it.status != ClusterStatus::Active => Err(TagRefusal::Inactive("cluster")),
        Some(_) => Ok(()),
    }
}

/// `TagResource` and `UntagResource`.
///
/// # Errors
/// As [`tags_of`]; also too many tags: then nothing is changed.
pub fn change_tags(tx: &mut Tx<'_>, resource: &Taggable, change: TagChange) -> Result<(), TagRefusal> {
    let mut tags = tags_of(tx.state(), resource)?;
    match change {
        TagChange::Put(given) => {
            for tag in given {
                match tags.iter_mut().find(|it| it.name == tag.name) {
                    Some(place) => *place = tag,
                    None => tags.push(tag),
                }
            }
            let count = tags.iter().filter(|it| !it.name.starts_with("aws:")).count();
            if count > TAGS_MAX {
                return Err(TagRefusal::TooMany);
            }
        }
        TagChange::Remove(keys) => tags.retain(|it| !keys.contains(&it.name)),
    }
    match resource {
        Taggable::Cluster(arn) => edit::<Cluster>(tx, arn, |it| it.tags = tags),
        Taggable::Service(arn) => edit::<Service>(tx, arn, |it| it.tags = tags),
        Taggable::TaskSet(arn) => edit::<Service>(tx, &arn.service(), |it| {
            if let Some(it) = it.task_set_mut(arn.id()) {
                it.tags = tags;
            }
        }),
        Taggable::Task(arn) => edit::<Task>(tx, arn, |it| it.tags = tags),
        Taggable::ContainerInstance(arn) => edit::<ContainerInstance>(tx, arn, |it| it.tags = tags),
        Taggable::TaskDefinition(arn) => edit::<TaskDefinition>(tx, arn, |it| it.tags = tags),
        Taggable::CapacityProvider(arn) => edit::<CapacityProvider>(tx, arn, |it| it.tags = tags),
    }
    Ok(())
}

fn edit<R: store::Record>(tx: &mut Tx<'_>, key: &R::Key, change: impl FnOnce(&mut R)) {
    if let Some(known) = tx.get::<R>(key) {
        let mut record = (*known).clone();
        change(&mut record);
        tx.put(record);
    }
}
