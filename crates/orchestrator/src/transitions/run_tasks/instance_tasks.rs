//! What runs on the container instances in question, as far as the rules of placement ask for it.

use std::iter::Peekable;
use std::sync::Arc;

use domain::ServiceArn;
use domain::task::Task;
use placement::{InstanceTasks, Rules};
use store::{OnHost, State};

use super::{Joined, RunTasks};

/// One for each host, in order; none if the rules ask for nothing.
pub fn of(state: &State, run: &RunTasks, rules: &Rules, hosts: &[Joined<'_>]) -> Vec<InstanceTasks> {
    if rules.is_empty() {
        return Vec::new();
    }
    // The tasks of a service are counted by themselves; those of other groups, and all groups, only by looking.
    let mut of_service = OfService::new(
        state,
        run.service.as_ref().filter(|_| rules.counts_the_group()),
        hosts,
    );
    let walks = rules.asks_for_groups() || (rules.counts_the_group() && run.service.is_none());
    let tasks = hosts.iter().map(|(host, instance)| {
        let mut tasks = InstanceTasks {
            of_group: of_service.count(&host.id),
            ..InstanceTasks::default()
        };
        if rules.counts_tasks() {
            let tally = state.container_instance_tally(&instance.arn);
            (tasks.running, tasks.pending) = (tally.running, tally.pending);
        }
        if walks {
            walk(state, run, rules, (host, instance), &mut tasks);
        }
        tasks
    });
    tasks.collect()
}

/// Looks at each task of a host.
fn walk(
    state: &State,
    run: &RunTasks,
    rules: &Rules,
    (host, instance): Joined<'_>,
    tasks: &mut InstanceTasks,
) {
    // The host may also run FARGATE tasks, of this cluster or another.
    let is_here = |it: &&Arc<Task>| it.container_instance.as_ref() == Some(&instance.arn);
    for task in state.tasks_of_host(&host.id).filter(is_here) {
        if run.service.is_none() && task.group == run.group {
            tasks.of_group += 1;
        }
        if rules.asks_for_groups() && !tasks.groups.contains(&task.group) {
            tasks.groups.insert(task.group.clone());
        }
    }
}

/// How many tasks of a service each host has, asked for one host after the other.
enum OfService<'a> {
    None,
    /// The hosts come by id, as mostly they do: so one walk finds them all.
    InOrder(Peekable<Box<dyn Iterator<Item = (&'a str, OnHost)> + 'a>>),
    Any(&'a State, &'a ServiceArn),
}

impl<'a> OfService<'a> {
    fn new(state: &'a State, service: Option<&'a ServiceArn>, hosts: &[Joined<'_>]) -> Self {
        let Some(service) = service else {
            return Self::None;
        };
        if !hosts.is_sorted_by(|(a, _), (b, _)| a.id < b.id) {
            return Self::Any(state, service);
        }
        let known: Box<dyn Iterator<Item = _>> = Box::new(state.hosts_of_service(service));
        Self::InOrder(known.peekable())
    }

    fn count(&mut self, host_id: &str) -> u32 {
        match self {
            Self::None => 0,
            Self::Any(state, service) => state.tasks_of_service_on_host(service, host_id).live,
            Self::InOrder(known) => {
                while known.next_if(|(id, _)| *id < host_id).is_some() {}
                known
                    .next_if(|(id, _)| *id == host_id)
                    .map_or(0, |(_, it)| it.live)
            }
        }
    }
}
