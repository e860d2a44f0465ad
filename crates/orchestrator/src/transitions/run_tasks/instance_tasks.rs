//! What runs on the container instances in question, as far as the rules of placement ask for it.

use std::collections::BTreeMap;

use domain::task::{Task, TaskStatus};
use placement::{InstanceTasks, Rules};
use store::State;

use super::{Joined, RunTasks};

/// One for each host, in order; none if the rules ask for nothing.
pub fn of(state: &State, run: &RunTasks, rules: &Rules, hosts: &[Joined<'_>]) -> Vec<InstanceTasks> {
    if rules.is_empty() {
        return Vec::new();
    }
    // The tasks of a service are found by themselves; those of other groups, and all groups, only by looking.
    let of_service = run.service.as_ref().filter(|_| rules.counts_the_group());
    let mut by_host: BTreeMap<&str, u32> = BTreeMap::new();
    for task in of_service.into_iter().flat_map(|it| state.tasks_of_service(it)) {
        if task.last_status != TaskStatus::Stopped {
            *by_host.entry(&task.host_id).or_default() += 1;
        }
    }
    let walks = rules.asks_for_groups() || (rules.counts_the_group() && run.service.is_none());
    let tasks = hosts.iter().map(|(host, instance)| {
        let tally = state.container_instance_tally(&instance.arn);
        let mut tasks = InstanceTasks {
            running: tally.running,
            pending: tally.pending,
            of_group: by_host.get(host.id.as_str()).copied().unwrap_or(0),
            ..InstanceTasks::default()
        };
        // The host may also run FARGATE tasks, of this cluster or another.
        let is_here = |it: &&std::sync::Arc<Task>| it.container_instance.as_ref() == Some(&instance.arn);
        for task in state.tasks_of_host(&host.id).filter(is_here).filter(|_| walks) {
            if run.service.is_none() && task.group == run.group {
                tasks.of_group += 1;
            }
            if rules.asks_for_groups() && !tasks.groups.contains(&task.group) {
                tasks.groups.insert(task.group.clone());
            }
        }
        tasks
    });
    tasks.collect()
}
