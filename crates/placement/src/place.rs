//! Places tasks of one kind: spread over availability zones, then where the fewest tasks are, as ECS does by default.

use std::collections::BTreeMap;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, Resources};
use domain::tags::Pair;

use crate::PlacementRefusal;

#[cfg(test)]
mod tests;

/// A host that may take tasks.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its ledger.
    pub host: &'a Host,
    /// Its place in the cluster; `None` on FARGATE, which asks for no attributes.
    pub container_instance: Option<&'a ContainerInstance>,
}

/// What each task needs.
#[derive(Clone, Copy, Debug)]
pub struct Requirements<'a> {
    /// Of the ledger.
    pub resources: &'a Resources,
    /// Of the container instance.
    pub attributes: &'a [Pair],
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
    let mut eligible: Vec<Option<Host>> = candidates
        .iter()
        .map(|it| (standing(it, wanted).is_empty() && fits(it.host, wanted)).then(|| it.host.clone()))
        .collect();
    let mut zones: BTreeMap<&str, u64> = BTreeMap::new();
    for candidate in candidates {
        *zones.entry(&candidate.host.availability_zone).or_default() += u64::from(candidate.host.task_count);
    }
    let mut placed = Vec::new();
    while placed.len() < count as usize {
        let Some(best) = best(candidates, &eligible, &zones) else {
            break;
        };
        let Some(host) = &mut eligible[best] else { break };
        if host.promise(wanted.resources).is_err() {
            break;
        }
        if !fits(host, wanted) {
            // Full now; it still counts in its zone.
            let _ = eligible[best].take();
        }
        *zones.entry(&candidates[best].host.availability_zone).or_default() += 1;
        placed.push(best);
    }
    let refused = if placed.len() == count as usize {
        Vec::new()
    } else {
        refusals(candidates, wanted, &placed)
    };
    Placement { placed, refused }
}

fn best(
    candidates: &[Candidate<'_>],
    eligible: &[Option<Host>],
    zones: &BTreeMap<&str, u64>,
) -> Option<usize> {
    let open = eligible
        .iter()
        .enumerate()
        .filter_map(|(index, host)| Some((index, host.as_ref()?)));
    let rank = |(index, host): &(usize, &Host)| {
        let zone = candidates[*index].host.availability_zone.as_str();
        (zones.get(zone).copied().unwrap_or(0), host.task_count, *index)
    };
    open.min_by_key(rank).map(|(index, _)| index)
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
    if let Some(instance) = instance {
        let has = |name: &str| instance.attributes.iter().any(|it| it.name == name);
        let missing = wanted.attributes.iter().filter(|it| !has(&it.name));
        refusals.extend(missing.map(|it| PlacementRefusal::Attribute(it.name.clone())));
    }
    refusals
}

fn refusals(
    candidates: &[Candidate<'_>],
    wanted: &Requirements<'_>,
    placed: &[usize],
) -> Vec<(usize, PlacementRefusal)> {
    let mut refused = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let mut host = candidate.host.clone();
        for _ in placed.iter().filter(|it| **it == index) {
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
                .map(|it| (index, it)),
        );
    }
    refused
}
