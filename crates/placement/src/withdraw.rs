//! Which tasks go when a service has too many: [`crate::place`] the other way round.
//!
//! Amazon keeps a service balanced when it scales in: where tasks spread, the fullest value loses one; where they are
//! packed, the emptiest container instance is emptied.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service-options.html>

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::placement::{BinpackField, SpreadField};

use crate::query::attribute;
use crate::rules::{Preference, Rules};

#[cfg(test)]
mod tests;

/// A task that is somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Its host, unless nobody knows it any more.
    pub host: Option<&'a Host>,
    /// The container instance that the host is, likewise.
    pub container_instance: Option<&'a ContainerInstance>,
    /// What its service loses with it.
    pub worth: Worth,
}

/// What a service loses with a task: the least goes first, whatever that does to the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It does not run yet.
    Starting,
    /// It runs and is UNHEALTHY.
    Unhealthy,
    /// It runs.
    Healthy,
}

/// Tasks of a service, some of which go.
#[derive(Debug)]
pub struct Withdrawal<'a> {
    tasks: Vec<Placed<'a>>,
    is_kept: Vec<bool>,
    preferences: &'a [Preference],
    /// For each preference, by index: what the task shares with others. In the order of what it stands for.
    values: Vec<Vec<usize>>,
    /// By host: tasks that go.
    gone: BTreeMap<&'a str, u64>,
}

/// Tasks that share a value, by index.
#[derive(Default)]
struct Shelf {
    kept: Vec<usize>,
    open: u32,
    weight: u64,
}

impl<'a> Withdrawal<'a> {
    /// Of tasks that the rules of their service have placed. Of equals, the one that comes first goes first.
    pub fn new(tasks: Vec<Placed<'a>>, rules: &'a Rules) -> Self {
        let preferences = rules.preferences();
        Self {
            is_kept: vec![true; tasks.len()],
            preferences,
            values: preferences.iter().map(|it| values(&tasks, it)).collect(),
            gone: BTreeMap::new(),
            tasks,
        }
    }

    /// Takes `count` tasks of those that may go, or all of these: by index, and not again by a later call. The others
    /// count for the balance.
    pub fn take(&mut self, may_go: impl Fn(usize) -> bool, count: u32) -> Vec<usize> {
        let mut taken = Vec::new();
        let mut left = count;
        for worth in [Worth::Starting, Worth::Unhealthy, Worth::Healthy] {
            let is_open = |index: usize| self.tasks[index].worth == worth && may_go(index);
            let kept: Vec<usize> = (0..self.tasks.len()).filter(|it| self.is_kept[*it]).collect();
            if !kept.iter().any(|it| is_open(*it)) {
                continue;
            }
            let chosen = self.level(kept, &is_open, 0, left);
            for index in &chosen {
                self.is_kept[*index] = false;
                if let Some(host) = self.tasks[*index].host {
                    *self.gone.entry(&host.id).or_default() += 1;
                }
            }
            left = left.saturating_sub(u32::try_from(chosen.len()).unwrap_or(u32::MAX));
            taken.extend(chosen);
            if left == 0 {
                break;
            }
        }
        taken
    }

    /// `count` of the open ones among those that are kept, by the preferences from this one on, in their order.
    fn level(
        &self,
        kept: Vec<usize>,
        is_open: &impl Fn(usize) -> bool,
        preference: usize,
        count: u32,
    ) -> Vec<usize> {
        let Some(first) = self.preferences.get(preference) else {
            let open = kept.into_iter().filter(|it| is_open(*it));
            return open.take(count as usize).collect();
        };
        if *first == Preference::Random {
            return self.level(kept, is_open, preference + 1, count);
        }
        let shelves = self.shelves(kept, is_open, preference);
        let quotas = match first {
            Preference::Binpack(_) => emptiest_first(&shelves, count),
            _ => fullest_first(&shelves, count),
        };
        let shares = shelves.into_iter().zip(quotas).filter(|(_, quota)| *quota > 0);
        shares
            .flat_map(|(shelf, quota)| self.level(shelf.kept, is_open, preference + 1, quota))
            .collect()
    }

    fn shelves(&self, kept: Vec<usize>, is_open: &impl Fn(usize) -> bool, preference: usize) -> Vec<Shelf> {
        let values = &self.values[preference];
        let mut shelves: BTreeMap<usize, Shelf> = BTreeMap::new();
        for index in kept {
            let task = &self.tasks[index];
            let shelf = shelves.entry(values[index]).or_default();
            shelf.weight = match &self.preferences[preference] {
                Preference::Binpack(field) => task.host.map_or(u64::MAX, |it| left(it, *field)),
                Preference::FewestTasks => task.host.map_or(0, |it| self.tasks_on(it)),
                Preference::Spread(_) | Preference::Random => shelf.weight + 1,
            };
            shelf.open += u32::from(is_open(index));
            shelf.kept.push(index);
        }
        shelves.into_values().collect()
    }

    fn tasks_on(&self, host: &Host) -> u64 {
        let gone = self.gone.get(host.id.as_str()).copied().unwrap_or(0);
        u64::from(host.task_count).saturating_sub(gone)
    }
}

/// For each task, the place of its value among all values, so that no text is compared again.
fn values(tasks: &[Placed<'_>], preference: &Preference) -> Vec<usize> {
    let all: BTreeSet<Option<&str>> = tasks.iter().map(|it| value(it, preference)).collect();
    let places: BTreeMap<Option<&str>, usize> = all.into_iter().zip(0..).collect();
    let place = |it: &Placed<'_>| places.get(&value(it, preference)).copied().unwrap_or_default();
    tasks.iter().map(place).collect()
}

/// What tasks have in common that go together for a preference.
fn value<'a>(task: &Placed<'a>, preference: &Preference) -> Option<&'a str> {
    match preference {
        Preference::Spread(SpreadField::Attribute(name)) => {
            attribute(task.host?, task.container_instance?, name)
        }
        _ => task.host.map(|it| it.id.as_str()),
    }
}

fn left(host: &Host, field: BinpackField) -> u64 {
    let left = match field {
        BinpackField::Cpu => host.total.cpu.saturating_sub(host.promised.cpu),
        BinpackField::Memory => host.total.memory.saturating_sub(host.promised.memory),
    };
    u64::from(left)
}

/// One after the other from the shelf that weighs most at the time.
fn fullest_first(shelves: &[Shelf], count: u32) -> Vec<u32> {
    let mut quotas = vec![0_u32; shelves.len()];
    let open = shelves.iter().enumerate().filter(|(_, it)| it.open > 0);
    let mut heap: BinaryHeap<(u64, Reverse<usize>)> =
        open.map(|(index, it)| (it.weight, Reverse(index))).collect();
    for _ in 0..count {
        let Some((weight, Reverse(index))) = heap.pop() else {
            break;
        };
        quotas[index] += 1;
        if quotas[index] < shelves[index].open {
            heap.push((weight.saturating_sub(1), Reverse(index)));
        }
    }
    quotas
}

/// All from the shelf where the most is left, then from the next.
fn emptiest_first(shelves: &[Shelf], count: u32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..shelves.len()).collect();
    order.sort_by_key(|index| (Reverse(shelves[*index].weight), *index));
    let (mut quotas, mut left) = (vec![0_u32; shelves.len()], count);
    for index in order {
        quotas[index] = shelves[index].open.min(left);
        left -= quotas[index];
    }
    quotas
}
