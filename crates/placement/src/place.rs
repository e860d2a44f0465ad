//! Places tasks of one kind by their rules; without any spread over availability zones, then where the fewest tasks
//! are.

mod ranking;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, Resources};
use domain::tags::Pair;

use crate::PlacementRefusal;
use crate::rules::{InstanceTasks, Rules};
use ranking::Ranking;

#[cfg(test)]
mod tests;

/// A host that may take tasks.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its ledger.
    pub host: &'a Host,
    /// Its place in the cluster; `None` on FARGATE, which asks for no attributes and knows no constraints.
    pub container_instance: Option<&'a ContainerInstance>,
    /// What runs there already, as far as the rules ask for it.
    pub tasks: Option<&'a InstanceTasks>,
}

/// What each task needs.
#[derive(Clone, Copy, Debug)]
pub struct Requirements<'a> {
    /// Of the ledger.
    pub resources: &'a Resources,
    /// Of the container instance; one with a value asks for just that value.
    pub attributes: &'a [Pair],
    /// Constraints and strategies.
    pub rules: &'a Rules,
    /// The group that the tasks will belong to.
    pub group: &'a str,
    /// Decides between equals. The same seed decides the same.
    pub seed: u64,
}

/// Where tasks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The candidate of each placed task, by index; a candidate may come more than once.
    pub placed: Vec<usize>,
    /// For each candidate that cannot take the task that found no place: all its reasons. Empty if all found one.
    pub refused: Vec<(usize, PlacementRefusal)>,
}

/// Finds places for `count` tasks, each after the ones before it. The same input gives the same places.
pub fn place(candidates: &[Candidate<'_>], wanted: &Requirements<'_>, count: u32) -> Placement {
    let count = count as usize;
    let placed = if wanted.rules.preferences().is_empty() {
        by_zone(candidates, wanted, count)
    } else {
        by_strategies(candidates, wanted, count)
    };
    let refused = if placed.len() == count {
        Vec::new()
    } else {
        refusals(candidates, wanted, &placed)
    };
    Placement { placed, refused }
}

/// A zone's tasks, and its candidates that may still take some: the one with the fewest tasks first.
#[derive(Default)]
struct Zone {
    tasks: u64,
    open: BinaryHeap<Reverse<(u32, usize)>>,
}

/// Without strategies: the zone with the fewest tasks, then the host. Whether a host takes the task is asked only when
/// it is the best: of many hosts, most are not even looked at.
fn by_zone(candidates: &[Candidate<'_>], wanted: &Requirements<'_>, count: usize) -> Vec<usize> {
    let mut zones: BTreeMap<&str, Zone> = BTreeMap::new();
    for (index, Candidate { host, .. }) in candidates.iter().enumerate() {
        let zone = zones.entry(&host.availability_zone).or_default();
        zone.tasks += u64::from(host.task_count);
        zone.open.push(Reverse((host.task_count, index)));
    }
    // Only the ledgers that change are copied.
    let mut ledgers: BTreeMap<usize, Host> = BTreeMap::new();
    let mut placed = Vec::new();
    while placed.len() < count {
        let best_of = |it: &Zone| it.open.peek().map(|Reverse(best)| (it.tasks, *best));
        let open = zones.values_mut().filter(|it| !it.open.is_empty());
        let Some(zone) = open.min_by_key(|it| best_of(it)) else {
            break;
        };
        let Some(Reverse((tasks, index))) = zone.open.pop() else {
            break;
        };
        let candidate = &candidates[index];
        let before = times(&placed, index);
        let is_eligible = standing(candidate, wanted).is_empty()
            && fits(ledgers.get(&index).unwrap_or(candidate.host), wanted)
            && unsatisfied(candidate, wanted.rules, wanted.group, before).is_empty();
        if !is_eligible {
            // Not asked again; it still counts where tasks spread.
            continue;
        }
        let ledger = ledgers.entry(index).or_insert_with(|| candidate.host.clone());
        // It has just been seen to fit.
        let _ = ledger.promise(wanted.resources);
        placed.push(index);
        zone.tasks += 1;
        zone.open.push(Reverse((tasks + 1, index)));
    }
    placed
}

/// With strategies, which compare all candidates. Here too, whether one takes the task is asked only when it is the best.
fn by_strategies(candidates: &[Candidate<'_>], wanted: &Requirements<'_>, count: usize) -> Vec<usize> {
    let mut ranking = Ranking::new(candidates, wanted);
    // Only the ledgers that change are copied; with each, how many tasks it has got.
    let mut ledgers: BTreeMap<usize, (Host, u32)> = BTreeMap::new();
    let mut placed = Vec::new();
    while placed.len() < count {
        let Some(best) = ranking.take() else {
            break;
        };
        let candidate = &candidates[best];
        let (host, before) = ledgers
            .get(&best)
            .map_or((candidate.host, 0), |(host, before)| (host, *before));
        let is_eligible = fits(host, wanted)
            && standing(candidate, wanted).is_empty()
            && unsatisfied(candidate, wanted.rules, wanted.group, before).is_empty();
        if !is_eligible {
            // Not asked again; it still counts where tasks spread.
            continue;
        }
        let (ledger, before) = ledgers.entry(best).or_insert_with(|| (candidate.host.clone(), 0));
        // It has just been seen to fit.
        let _ = ledger.promise(wanted.resources);
        *before += 1;
        placed.push(best);
        ranking.placed(best, ledger);
    }
    placed
}

/// What of a host itself speaks against such tasks: attributes that it lacks and constraints that it does not satisfy.
/// Whether it takes tasks now and has room for them is not asked.
pub fn unmet(candidate: &Candidate<'_>, attributes: &[Pair], rules: &Rules) -> Vec<PlacementRefusal> {
    let mut refusals = lacking(candidate, attributes);
    refusals.extend(unsatisfied(candidate, rules, "", 0));
    refusals
}

/// How often a candidate was chosen.
fn times(placed: &[usize], index: usize) -> u32 {
    placed.iter().fold(0, |sum, it| sum + u32::from(*it == index))
}

/// Constraints that do not hold once so many more tasks are placed there.
fn unsatisfied(candidate: &Candidate<'_>, rules: &Rules, group: &str, placed: u32) -> Vec<PlacementRefusal> {
    let instance = candidate.container_instance.filter(|_| rules.has_constraints());
    let Some(instance) = instance else {
        return Vec::new();
    };
    let mut tasks = candidate.tasks.map_or_else(Cow::default, Cow::Borrowed);
    if placed > 0 {
        let tasks = tasks.to_mut();
        tasks.pending = tasks.pending.saturating_add(placed);
        tasks.of_group = tasks.of_group.saturating_add(placed);
        tasks.groups.insert(group.to_owned());
    }
    rules.unsatisfied(candidate.host, instance, &tasks)
}

fn fits(host: &Host, wanted: &Requirements<'_>) -> bool {
    host.shortages(wanted.resources).is_empty()
}

/// Reasons that have nothing to do with the ledger.
fn standing(candidate: &Candidate<'_>, wanted: &Requirements<'_>) -> Vec<PlacementRefusal> {
    let mut refusals = Vec::new();
    let instance = candidate.container_instance;
    if instance.is_some_and(|it| it.status != ContainerInstanceStatus::Active) {
        refusals.push(PlacementRefusal::Inactive);
    }
    if !candidate.host.is_connected {
        refusals.push(PlacementRefusal::Agent);
    }
    refusals.extend(lacking(candidate, wanted.attributes));
    refusals
}

/// Attributes that are required and not there.
fn lacking(candidate: &Candidate<'_>, attributes: &[Pair]) -> Vec<PlacementRefusal> {
    let Some(instance) = candidate.container_instance else {
        return Vec::new();
    };
    let has = |wanted: &Pair| {
        let mut named = instance.attributes.iter().filter(|it| it.name == wanted.name);
        named.any(|it| wanted.value.is_none() || it.value == wanted.value)
    };
    let missing = attributes.iter().filter(|it| !has(it));
    missing
        .map(|it| PlacementRefusal::Attribute(it.name.clone()))
        .collect()
}

fn refusals(
    candidates: &[Candidate<'_>],
    wanted: &Requirements<'_>,
    placed: &[usize],
) -> Vec<(usize, PlacementRefusal)> {
    let mut refused = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let mut host = candidate.host.clone();
        let times = times(placed, index);
        for _ in 0..times {
            // Promised before, so it fits.
            let _ = host.promise(wanted.resources);
        }
        let short = host
            .shortages(wanted.resources)
            .into_iter()
            .map(PlacementRefusal::Resource);
        refused.extend(
            standing(candidate, wanted)
                .into_iter()
                .chain(short)
                .chain(unsatisfied(candidate, wanted.rules, wanted.group, times))
                .map(|it| (index, it)),
        );
    }
    refused
}
