//! What is known of the tasks of each service, so that the scheduler need not look at all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::service_load_balancer::TaskTarget;
use domain::task::{DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::{ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};

use super::State;
use super::tally::{Column, Tallies, Tally};

/// Tasks by service. Services without tasks are not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServiceTasks(BTreeMap<ServiceArn, OfService>);

/// Tasks of one service. What counts nothing is not kept.
#[derive(Clone, Debug, Default, PartialEq)]
struct OfService {
    /// STOPPED ones too.
    all: BTreeSet<TaskArn>,
    /// By deployment (`startedBy`).
    tallies: Tallies<String>,
    by_host: BTreeMap<String, OnHost>,
    /// By deployment and capacity provider: how many are wanted.
    by_capacity_provider: BTreeMap<(String, String), u32>,
    /// Wanted and RUNNING: by what they run, by which of their containers are healthy, then by age.
    running: BTreeMap<TaskDefinitionArn, BTreeMap<HealthyContainers, BTreeSet<Aged>>>,
    /// Wanted, with a container or target that is UNHEALTHY.
    unhealthy: BTreeSet<TaskArn>,
    /// To be registered with target groups, to be deregistered, or waiting for what is in flight to end.
    moving_targets: BTreeSet<TaskArn>,
    /// Wanted and protected, now or once.
    protected: BTreeSet<TaskArn>,
}

/// How many tasks of a service a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnHost {
    /// Not STOPPED.
    pub live: u32,
    /// Of these, those that are wanted.
    pub wanted: u32,
}

/// Containers of a task that a health check has found healthy: a bit for each, in their order, and [`TARGETS`]. No task
/// has the last bit, and no container beyond these is known to be healthy.
pub type HealthyContainers = u64;

/// The bit of a task whose targets are all healthy, which those of a task without any are.
pub const TARGETS: HealthyContainers = 1 << CONTAINERS_MAX;
/// Containers with a bit of their own.
const CONTAINERS_MAX: u32 = HealthyContainers::BITS - 2;

/// The second of a start, and who has started: the rest of the time is in the record.
type Aged = (i64, TaskArn);
type Running = (TaskDefinitionArn, HealthyContainers, Aged);

/// Of a task that is wanted and RUNNING. The oldest comes first; one of which nobody knows the age is young.
fn running(task: &Task) -> Option<Running> {
    if !is_wanted(task) || task.last_status != TaskStatus::Running {
        return None;
    }
    let started_at = started_at(task).as_second();
    let definition = task.task_definition.clone();
    Some((
        definition,
        healthy_containers(task),
        (started_at, task.arn.clone()),
    ))
}

fn started_at(task: &Task) -> Timestamp {
    task.times.started_at.unwrap_or(Timestamp::MAX)
}

fn healthy_containers(task: &Task) -> HealthyContainers {
    let containers = task.containers.iter().take(CONTAINERS_MAX as usize);
    let targets = match task.targets.iter().all(TaskTarget::is_healthy) {
        true => TARGETS,
        false => 0,
    };
    containers.enumerate().fold(targets, |healthy, (place, it)| {
        let is_healthy = it
            .health
            .as_ref()
            .is_some_and(|it| it.status == HealthStatus::Healthy);
        healthy | (u64::from(is_healthy) << place)
    })
}

fn is_live(task: &Task) -> bool {
    task.last_status != TaskStatus::Stopped
}

fn is_wanted(task: &Task) -> bool {
    is_live(task) && task.desired_status == DesiredStatus::Running
}

fn is_unhealthy(task: &Task) -> bool {
    let mut health = task.containers.iter().filter_map(|it| it.health.as_ref());
    let mut targets = task.targets.iter();
    is_wanted(task)
        && (health.any(|it| it.status == HealthStatus::Unhealthy) || targets.any(TaskTarget::is_unhealthy))
}

fn is_protected(task: &Task) -> bool {
    is_wanted(task) && task.protected_until.is_some()
}

fn deployment(task: &Task) -> &str {
    task.started_by.as_deref().unwrap_or_default()
}

fn column(task: &Task) -> Option<(&str, Column)> {
    Some((deployment(task), Column::by_wish(task)?))
}

impl ServiceTasks {
    /// Follows one task.
    pub fn update(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let service = |it: Option<&Arc<Task>>| it.and_then(|it| it.service.clone());
        let (old, new) = (service(before), service(after));
        if old == new {
            self.update_one(old, before, after);
        } else {
            self.update_one(old, before, None);
            self.update_one(new, None, after);
        }
    }

    fn update_one(
        &mut self,
        service: Option<ServiceArn>,
        before: Option<&Arc<Task>>,
        after: Option<&Arc<Task>>,
    ) {
        let Some(service) = service else { return };
        if let Some(known) = self.0.get_mut(&service) {
            known.update(before, after);
            if known.all.is_empty() {
                self.0.remove(&service);
            }
            return;
        }
        let mut new = OfService::default();
        new.update(before, after);
        if !new.all.is_empty() {
            self.0.insert(service, new);
        }
    }
}

impl OfService {
    fn update(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        match (before, after) {
            (None, Some(task)) => drop(self.all.insert(task.arn.clone())),
            (Some(task), None) => drop(self.all.remove(&task.arn)),
            (Some(_), Some(_)) => {}
            (None, None) => return,
        }
        let (old, new) = (before.and_then(|it| column(it)), after.and_then(|it| column(it)));
        if old != new {
            let owned = |(deployment, column): (&str, Column)| (deployment.to_owned(), column);
            self.tallies.update(old.map(owned), new.map(owned));
        }
        self.update_hosts(before, after);
        let provider = |it: &Arc<Task>| {
            let provider = it.capacity_provider.clone().filter(|_| is_wanted(it))?;
            Some((deployment(it).to_owned(), provider))
        };
        count(
            &mut self.by_capacity_provider,
            before.and_then(provider),
            after.and_then(provider),
        );
        self.update_running(before, after);
        for (set, is_in) in [
            (&mut self.unhealthy, is_unhealthy as fn(&Task) -> bool),
            (&mut self.protected, is_protected),
            (&mut self.moving_targets, Task::has_moving_targets),
        ] {
            match (before.filter(|it| is_in(it)), after.filter(|it| is_in(it))) {
                (None, Some(task)) => drop(set.insert(task.arn.clone())),
                (Some(task), None) => drop(set.remove(&task.arn)),
                _ => {}
            }
        }
    }

    fn update_hosts(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let place = |it: &'_ Arc<Task>| (is_live(it), is_wanted(it));
        let is_same =
            |(old, new): (&Arc<Task>, &Arc<Task>)| place(old) == place(new) && old.host_id == new.host_id;
        if before.zip(after).is_some_and(is_same) {
            return;
        }
        if let Some(task) = after.filter(|it| is_live(it)) {
            let known = self.by_host.entry(task.host_id.clone()).or_default();
            known.live += 1;
            known.wanted += u32::from(is_wanted(task));
        }
        if let Some(task) = before.filter(|it| is_live(it))
            && let Some(known) = self.by_host.get_mut(&task.host_id)
        {
            known.live -= 1;
            known.wanted -= u32::from(is_wanted(task));
            if known.live == 0 {
                self.by_host.remove(&task.host_id);
            }
        }
    }

    fn update_running(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let (old, new) = (
            before.and_then(|it| running(it)),
            after.and_then(|it| running(it)),
        );
        if old == new {
            return;
        }
        if let Some((definition, healthy, place)) = new {
            let running = self.running.entry(definition).or_default();
            running.entry(healthy).or_default().insert(place);
        }
        if let Some((definition, healthy, place)) = old
            && let Some(running) = self.running.get_mut(&definition)
            && let Some(places) = running.get_mut(&healthy)
        {
            places.remove(&place);
            if places.is_empty() {
                running.remove(&healthy);
            }
            if running.is_empty() {
                self.running.remove(&definition);
            }
        }
    }
}

/// Follows one task from the place where it was counted to the one where it is.
fn count<K: Ord>(counts: &mut BTreeMap<K, u32>, before: Option<K>, after: Option<K>) {
    if before == after {
        return;
    }
    if let Some(key) = after {
        *counts.entry(key).or_default() += 1;
    }
    if let Some(key) = before
        && let Some(count) = counts.get_mut(&key)
    {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl State {
    fn of_service(&self, service: &ServiceArn) -> Option<&OfService> {
        self.indexes.service_tasks.0.get(service)
    }

    /// Tasks of a service, STOPPED ones too, by ARN.
    pub fn tasks_of_service(
        &self,
        service: &ServiceArn,
    ) -> impl DoubleEndedIterator<Item = &Arc<Task>> + use<'_> {
        let known = self.of_service(service).into_iter();
        known.flat_map(|it| &it.all).filter_map(|it| self.tasks.get(it))
    }

    /// Tasks of a service by deployment (`startedBy`). Pending and running ones are wanted; those that shall stop,
    /// or stop by themselves, are stopping.
    pub fn service_tally(&self, service: &ServiceArn) -> Vec<(String, Tally)> {
        let known = self.of_service(service).into_iter();
        known
            .flat_map(|it| it.tallies.range(..))
            .map(|(deployment, tally)| (deployment.clone(), tally))
            .collect()
    }

    /// Hosts with tasks of a service that are not STOPPED, by id, and how many these are.
    pub fn hosts_of_service(&self, service: &ServiceArn) -> impl Iterator<Item = (&str, OnHost)> + use<'_> {
        let known = self.of_service(service).into_iter();
        known.flat_map(|it| it.by_host.iter().map(|(host, count)| (host.as_str(), *count)))
    }

    /// How many tasks of a service a host has.
    pub fn tasks_of_service_on_host(&self, service: &ServiceArn, host_id: &str) -> OnHost {
        let known = self.of_service(service);
        known
            .and_then(|it| it.by_host.get(host_id))
            .copied()
            .unwrap_or_default()
    }

    /// How many tasks of a deployment of a service are wanted that a capacity provider of its strategy has.
    pub fn tasks_of_capacity_provider_count(
        &self,
        service: &ServiceArn,
        deployment: &str,
        capacity_provider: &str,
    ) -> u32 {
        let key = (deployment.to_owned(), capacity_provider.to_owned());
        let known = self.of_service(service);
        known
            .and_then(|it| it.by_capacity_provider.get(&key))
            .copied()
            .unwrap_or(0)
    }

    /// What the tasks of a service run that are wanted and RUNNING.
    pub fn definitions_running_in_service(
        &self,
        service: &ServiceArn,
    ) -> impl Iterator<Item = &TaskDefinitionArn> + use<'_> {
        let known = self.of_service(service).into_iter();
        known.flat_map(|it| it.running.keys())
    }

    /// Tasks of a service and a task definition that are wanted and RUNNING: those of which one of these containers, or
    /// [`TARGETS`], is not healthy, and those that have started after a time, if that is known at all.
    pub fn unsettled_tasks(
        &self,
        service: &ServiceArn,
        definition: &TaskDefinitionArn,
        containers: HealthyContainers,
        after: Timestamp,
    ) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        let known = self.of_service(service);
        let running = known.and_then(|it| it.running.get(definition));
        running.into_iter().flat_map(move |running| {
            running.iter().flat_map(move |(healthy, places)| {
                let is_lacking = containers & !healthy != 0;
                let may_be_meant = move |it: &&Aged| is_lacking || it.0 >= after.as_second();
                let tasks = places.iter().rev().take_while(may_be_meant);
                let tasks = tasks.filter_map(|(_, arn)| self.tasks.get(arn));
                tasks.filter(move |it| is_lacking || started_at(it) > after)
            })
        })
    }

    /// Tasks of a service that are to be registered with target groups, to be deregistered, or wait for what is in flight
    /// to end, by ARN.
    pub fn tasks_with_moving_targets(
        &self,
        service: &ServiceArn,
    ) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        let known = self.of_service(service).into_iter();
        known
            .flat_map(|it| &it.moving_targets)
            .filter_map(|it| self.tasks.get(it))
    }

    /// Tasks of a service that are wanted and have a container or target that is UNHEALTHY, by ARN.
    pub fn unhealthy_tasks_of_service(
        &self,
        service: &ServiceArn,
    ) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        let known = self.of_service(service).into_iter();
        known
            .flat_map(|it| &it.unhealthy)
            .filter_map(|it| self.tasks.get(it))
    }

    /// Tasks of a service that are wanted and were protected once, maybe still, by ARN.
    pub fn protected_tasks_of_service(
        &self,
        service: &ServiceArn,
    ) -> impl Iterator<Item = &Arc<Task>> + use<'_> {
        let known = self.of_service(service).into_iter();
        known
            .flat_map(|it| &it.protected)
            .filter_map(|it| self.tasks.get(it))
    }
}
