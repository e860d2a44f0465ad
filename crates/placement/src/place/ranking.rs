//! Which of the candidates that can take a task is the best, by strategies in their order.

use std::collections::BTreeMap;

use domain::host::Host;
use domain::placement::{BinpackField, SpreadField};

use super::{Candidate, Requirements};
use crate::query::attribute;
use crate::rules::Preference;

/// What is known of all candidates; follows each placed task.
pub struct Ranking {
    criteria: Vec<Criterion>,
    /// Differs for each task to place.
    draw: u64,
}

enum Criterion {
    Random,
    Spread {
        /// Of each candidate: the place of its value in `counts`.
        places: Vec<usize>,
        /// Of each value: tasks of the group.
        counts: Vec<u64>,
    },
    Binpack(BinpackField),
    FewestTasks,
}

impl Ranking {
    pub fn new(candidates: &[Candidate<'_>], wanted: &Requirements<'_>) -> Self {
        let criterion = |it: &Preference| match it {
            Preference::Random => Criterion::Random,
            Preference::Binpack(field) => Criterion::Binpack(*field),
            Preference::FewestTasks => Criterion::FewestTasks,
            Preference::Spread(field) => spread(candidates, field),
        };
        Self {
            criteria: wanted.rules.preferences().iter().map(criterion).collect(),
            draw: mixed(wanted.seed),
        }
    }

    /// The best of those that are open; equals are drawn by lot.
    pub fn best<'a>(&self, open: impl Iterator<Item = (usize, &'a Host)>) -> Option<usize> {
        let compare = |a: &(usize, &Host), b: &(usize, &Host)| {
            let mut by_criterion = self
                .criteria
                .iter()
                .map(|it| self.rank(it, *a).cmp(&self.rank(it, *b)));
            let difference = by_criterion.find(|it| it.is_ne());
            difference.unwrap_or_else(|| self.lot(a.0).cmp(&self.lot(b.0)))
        };
        open.min_by(compare).map(|(index, _)| index)
    }

    /// A task was placed there.
    pub fn placed(&mut self, index: usize) {
        self.draw = mixed(self.draw);
        for criterion in &mut self.criteria {
            if let Criterion::Spread { places, counts } = criterion {
                counts[places[index]] += 1;
            }
        }
    }

    fn rank(&self, criterion: &Criterion, (index, host): (usize, &Host)) -> u64 {
        let left = |total: u32, promised: u32| u64::from(total.saturating_sub(promised));
        match criterion {
            Criterion::Random => self.lot(index),
            Criterion::Spread { places, counts } => counts[places[index]],
            Criterion::Binpack(BinpackField::Cpu) => left(host.total.cpu, host.promised.cpu),
            Criterion::Binpack(BinpackField::Memory) => left(host.total.memory, host.promised.memory),
            Criterion::FewestTasks => u64::from(host.task_count),
        }
    }

    fn lot(&self, index: usize) -> u64 {
        mixed(self.draw ^ index as u64)
    }
}

/// Candidates without the attribute are together, as if they had one value.
fn spread<'a>(candidates: &[Candidate<'a>], field: &SpreadField) -> Criterion {
    let mut values: BTreeMap<Option<&'a str>, usize> = BTreeMap::new();
    let place = |(index, it): (usize, &Candidate<'a>)| match field {
        SpreadField::InstanceId => index,
        SpreadField::Attribute(name) => {
            let host: &'a Host = it.host;
            let value = it
                .container_instance
                .and_then(|instance| attribute(host, instance, name));
            let next = values.len();
            *values.entry(value).or_insert(next)
        }
    };
    let places: Vec<usize> = candidates.iter().enumerate().map(place).collect();
    let mut counts = vec![0; places.iter().max().map_or(0, |it| it + 1)];
    for (place, candidate) in places.iter().zip(candidates) {
        counts[*place] += candidate.tasks.map_or(0, |it| u64::from(it.of_group));
    }
    Criterion::Spread { places, counts }
}

/// Splitmix64: each bit of the result hangs on each bit of the input.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
