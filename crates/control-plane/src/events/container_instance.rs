//! ECS Container Instance State Change.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::ecs;
use domain::ContainerInstanceArn;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::Host;
use store::{Change, Commit, CommitId, State};

use super::record::{CONTAINER_INSTANCE, Detail, Happening};
use crate::handlers::ecs::render;

/// One for each container instance that has changed, or whose host has: what it has left, whether its agent is
/// connected.
pub fn happenings(state: &State, commit: &Commit) -> Vec<Happening> {
    let mut instances: BTreeMap<ContainerInstanceArn, Arc<ContainerInstance>> = BTreeMap::new();
    let mut hosts: BTreeMap<&str, &Arc<Host>> = BTreeMap::new();
    for change in &commit.changes {
        match change {
            Change::Host(it) => {
                let (Some(before), Some(after)) = (&it.before, &it.after) else {
                    // It comes with its container instance.
                    hosts.extend(it.after.iter().map(|it| (it.id.as_str(), it)));
                    continue;
                };
                hosts.insert(&after.id, after);
                if is_shown(before) != is_shown(after) {
                    let of_host = state.container_instances_of_host(&after.id);
                    let there = of_host.filter(|it| it.status != ContainerInstanceStatus::Inactive);
                    for instance in there {
                        instances
                            .entry(instance.arn.clone())
                            .or_insert_with(|| Arc::clone(instance));
                    }
                }
            }
            Change::ContainerInstance(it) => {
                let untagged = |it: &Arc<ContainerInstance>| ContainerInstance {
                    tags: Vec::new(),
                    ..(**it).clone()
                };
                if let Some(after) = &it.after
                    && it.before.as_ref().map(untagged) != Some(untagged(after))
                {
                    instances.insert(after.arn.clone(), Arc::clone(after));
                }
            }
            _ => {}
        }
    }
    let one = |it: &Arc<ContainerInstance>| {
        let host = hosts.get(it.host_id.as_str()).copied();
        let host = host.or_else(|| state.get::<Host>(&it.host_id));
        happening(it, host.map(AsRef::as_ref), commit.id)
    };
    instances.values().map(one).collect()
}

/// What of a host its container instance shows.
fn is_shown(it: &Host) -> (&domain::host::Resources, &domain::host::Resources, bool) {
    (&it.total, &it.promised, it.is_connected)
}

fn happening(it: &ContainerInstance, host: Option<&Host>, commit: CommitId) -> Happening {
    let detail = ecs::ContainerInstance {
        attachments: None,
        pending_tasks_count: None,
        running_tasks_count: None,
        tags: None,
        // What is left has no version of its own; the number of the commit grows with each change of either.
        version: Some(i64::try_from(commit.0).unwrap_or(i64::MAX)),
        ..render::container_instance_on(it, host)
    };
    Happening {
        detail_type: CONTAINER_INSTANCE,
        resource: it.arn.to_string(),
        scope: it.arn.scope(),
        cluster: it.arn.cluster().to_string(),
        service: None,
        task: None,
        detail: Detail::ContainerInstance(Box::new(detail)),
    }
}
