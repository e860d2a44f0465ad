//! Tasks move from crowded container instances to empty ones, where their cluster is set so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::cluster::Cluster;
use domain::container_instance::ContainerInstance;
use domain::host::{Host, Resources};
use domain::placement::{AVAILABILITY_ZONE_ATTRIBUTE, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::MovedFrom;
use domain::task::{DesiredStatus, Task};
use domain::task_definition::LaunchType;
use store::{State, Tx};

use super::super::part::Part;
use super::super::start::{Launched, names};
use super::super::{Next, ServiceDeployments, is_wanted};
use super::hosts::{Site, next_move};
use super::{begin, open_hosts};
use crate::transitions::{Where, record_event};

/// How often a steady service looks whether its container instances have become crowded: what other services do there
/// does not wake it.
const CHECK: Duration = Duration::from_secs(60);

impl ServiceDeployments {
    /// One move at a time in the cluster, with a pause after each has begun.
    pub(super) fn rebalance_instances(&self, tx: &mut Tx<'_>, service: &mut Service, part: &Part) -> Next {
        let cluster = tx.get::<Cluster>(&service.cluster);
        let is_on = cluster.is_some_and(|it| it.rebalances_instances());
        let packs = |it: &PlacementStrategy| matches!(it, PlacementStrategy::Binpack(_));
        if !is_on || part.launch_type == LaunchType::Fargate || service.placement_strategy.iter().any(packs) {
            return Next::AwaitChange;
        }
        let Some(found) = found(tx, service, part) else {
            return Next::After(CHECK);
        };
        if let Some(wait) = self.pause(tx, service) {
            return Next::After(wait);
        }
        match self.launch(tx, service, part, 1, Where::On(vec![found.to.arn.clone()])) {
            Launched::Waits(wait) => Next::After(wait),
            Launched::Started(tasks) if !tasks.is_empty() => {
                let (from, to) = (found.from.arn.name(), found.to.arn.name());
                let text = format!(
                    "has started {} tasks on (container-instance {to}) to rebalance instances, because \
                     (container-instance {from}) has {} % of its CPU or memory reserved and this one {} %: {}.",
                    tasks.len(),
                    found.shares.0 / 10,
                    found.shares.1 / 10,
                    names(&tasks)
                );
                record_event(tx, service, text);
                begin(service, &tasks, MovedFrom::Host(found.from.host_id.clone()), tx);
                Next::AwaitChange
            }
            Launched::Started(_) | Launched::Refused { .. } => Next::After(self.rebalance_pause),
        }
    }

    /// How long to wait for the moves of other services of the cluster.
    fn pause(&self, tx: &Tx<'_>, service: &Service) -> Option<Duration> {
        let now = tx.now();
        let left = |it: &Service| {
            let since = now.duration_since(it.balance.moved_at?);
            let left = self
                .rebalance_pause
                .saturating_sub(Duration::try_from(since).unwrap_or_default());
            let is_moving =
                it.balance.moving.is_some() && it.status == ServiceStatus::Active && it.arn != service.arn;
            let left = if is_moving { self.rebalance_pause } else { left };
            Some(left).filter(|it| !it.is_zero())
        };
        let services = tx.state().services_of_cluster(&service.cluster);
        services.filter_map(|it| left(it)).max()
    }
}

struct Found {
    from: Arc<ContainerInstance>,
    to: Arc<ContainerInstance>,
    /// What each has promised, in thousandths.
    shares: (u32, u32),
}

fn found(tx: &Tx<'_>, service: &Service, part: &Part) -> Option<Found> {
    let state = tx.state();
    let of_service = state
        .hosts_of_service(&service.arn)
        .filter(|(_, it)| it.wanted > 0);
    let by_host: BTreeMap<&str, u32> = of_service.map(|(id, it)| (id, it.wanted)).collect();
    let (first, _) = by_host.first_key_value()?;
    let is_own = |it: &&Arc<Task>| it.service.as_ref() == Some(&service.arn) && is_wanted(it);
    let wanted = state.tasks_of_host(first).find(is_own)?.promised.clone();
    let mut protected: BTreeMap<&str, u32> = BTreeMap::new();
    for task in state.protected_tasks_of_service(&service.arn) {
        let is_protected = task.protection(tx.now()).is_some();
        *protected.entry(&task.host_id).or_default() += u32::from(is_protected);
    }
    let mut hosts: BTreeMap<&str, (&Arc<Host>, bool)> = BTreeMap::new();
    for id in by_host.keys() {
        hosts.extend(
            state
                .get::<Host>(&(*id).to_owned())
                .map(|it| (it.id.as_str(), (it, false))),
        );
    }
    let is_distinct = is_distinct(state, service, part);
    for host in open_hosts(state, service, part) {
        let is_free = !(is_distinct && by_host.contains_key(host.id.as_str()));
        hosts.insert(&host.id, (host, is_free && host.shortages(&wanted).is_empty()));
    }
    let spread = spread(state, service, &hosts, &by_host);
    let site = |(host, is_open): &(&'_ Arc<Host>, bool), spread: Vec<(usize, u32)>| {
        let of = |counts: &BTreeMap<&str, u32>| counts.get(host.id.as_str()).copied().unwrap_or(0);
        let movable = of(&by_host) - of(&protected);
        (movable, *is_open, spread, lasting(state, host))
    };
    let parts: Vec<_> = hosts
        .values()
        .zip(spread)
        .map(|(it, spread)| site(it, spread))
        .collect();
    let sites = hosts
        .values()
        .zip(parts)
        .map(|((host, _), (movable, is_open, spread, promised))| Site {
            total: &host.total,
            promised,
            movable,
            is_open,
            spread,
        });
    let sites: Vec<Site<'_>> = sites.collect();
    let (from, to) = next_move(&sites, (wanted.cpu, wanted.memory))?;
    let shares = (sites[from].share((0, 0)), sites[to].share((0, 0)));
    let instance = |index: usize| {
        let (host, _) = hosts.values().nth(index)?;
        let mut instances = state.container_instances_of_host(&host.id);
        instances.find(|it| it.arn.cluster() == service.cluster).cloned()
    };
    Some(Found {
        from: instance(from)?,
        to: instance(to)?,
        shares,
    })
}

/// What a host has promised but for tasks that are to stop.
fn lasting(state: &State, host: &Host) -> (u32, u32) {
    let stopping = state.tasks_of_host(&host.id);
    let stopping = stopping.filter(|it| it.desired_status == DesiredStatus::Stopped);
    let Resources { cpu, memory, .. } = host.promised;
    stopping.fold((cpu, memory), |(cpu, memory), it| {
        (
            cpu.saturating_sub(it.promised.cpu),
            memory.saturating_sub(it.promised.memory),
        )
    })
}

fn is_distinct(state: &State, service: &Service, part: &Part) -> bool {
    let definition = state.get::<domain::task_definition::TaskDefinition>(&part.task_definition);
    let mut constraints = definition
        .into_iter()
        .flat_map(|it| &it.placement_constraints)
        .chain(&service.placement_constraints);
    constraints.any(|it| *it == PlacementConstraint::DistinctInstance)
}

/// For each host: the values that the service spreads over, and how many of its tasks have each.
fn spread(
    state: &State,
    service: &Service,
    hosts: &BTreeMap<&str, (&Arc<Host>, bool)>,
    by_host: &BTreeMap<&str, u32>,
) -> Vec<Vec<(usize, u32)>> {
    let zone = SpreadField::Attribute(AVAILABILITY_ZONE_ATTRIBUTE.to_owned());
    let given = service.placement_strategy.iter().filter_map(|it| match it {
        PlacementStrategy::Spread(field) => Some(field.clone()),
        PlacementStrategy::Random | PlacementStrategy::Binpack(_) => None,
    });
    // The spread over zones is kept in any case.
    let fields: Vec<SpreadField> = given.chain([zone, SpreadField::InstanceId]).collect();
    let mut spread: Vec<Vec<(usize, u32)>> = vec![Vec::new(); hosts.len()];
    for field in fields {
        let mut values: BTreeMap<Option<String>, (usize, u32)> = BTreeMap::new();
        let mut places = Vec::new();
        for (id, (host, _)) in hosts {
            let value = value(state, service, host, &field);
            let next = values.len();
            let counted = values.entry(value.clone()).or_insert((next, 0));
            counted.1 += by_host.get(id).copied().unwrap_or(0);
            places.push(value);
        }
        for (of_host, value) in spread.iter_mut().zip(places) {
            of_host.extend(values.get(&value).copied());
        }
    }
    spread
}

fn value(state: &State, service: &Service, host: &Host, field: &SpreadField) -> Option<String> {
    match field {
        SpreadField::InstanceId => Some(host.id.clone()),
        SpreadField::Attribute(name) => {
            let mut instances = state.container_instances_of_host(&host.id);
            let instance = instances.find(|it| it.arn.cluster() == service.cluster)?;
            placement::query::attribute(host, instance, name).map(str::to_owned)
        }
    }
}
