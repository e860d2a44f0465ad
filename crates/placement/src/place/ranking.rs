//! Which of the candidates that may take a task is the best, by strategies in their order.
//!
//! Candidates with the same values of all attributes that tasks spread over are one shelf: a placed task changes what
//! a whole shelf is worth at once. On a shelf they lie by what only they themselves have. So all candidates are looked
//! at once; then each task costs the shelves, and those candidates between which only the lot decides.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use domain::host::Host;
use domain::placement::{BinpackField, SpreadField};

use super::{Candidate, Requirements};
use crate::query::attribute;
use crate::rules::Preference;

/// How many kinds of [`Own`] there are.
const OWN_KINDS: usize = 4;

/// What is known of all candidates; follows each placed task.
pub struct Ranking {
    criteria: Vec<Criterion>,
    shelves: Vec<Shelf>,
    /// Of each candidate.
    shelf_of: Vec<usize>,
    /// Of each candidate: tasks of the group.
    of_group: Vec<u64>,
    /// Differs for each task to place.
    draw: u64,
}

enum Criterion {
    /// Of each value of an attribute: tasks of the group.
    Shared(Vec<u64>),
    Own(Own),
}

/// What hangs on the candidate alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    TasksOfGroup,
    Left(BinpackField),
    Tasks,
}

/// By each criterion of its own, in order; the rest is 0.
type OwnRank = [u64; OWN_KINDS];

/// Candidates that share all values.
struct Shelf {
    /// For each criterion that is shared, the value.
    values: Vec<usize>,
    open: BTreeMap<OwnRank, Vec<usize>>,
}

impl Ranking {
    pub fn new(candidates: &[Candidate<'_>], wanted: &Requirements<'_>) -> Self {
        let mut ranking = Self {
            criteria: Vec::new(),
            shelves: vec![Shelf {
                values: Vec::new(),
                open: BTreeMap::new(),
            }],
            shelf_of: vec![0; candidates.len()],
            of_group: candidates.iter().map(of_group).collect(),
            draw: mixed(wanted.seed),
        };
        for preference in wanted.rules.preferences() {
            let own = match preference {
                // No two candidates draw the same lot: what comes after it decides nothing.
                Preference::Random => break,
                Preference::Spread(SpreadField::Attribute(name)) => {
                    ranking.share(candidates, name);
                    continue;
                }
                Preference::Spread(SpreadField::InstanceId) => Own::TasksOfGroup,
                Preference::Binpack(field) => Own::Left(*field),
                Preference::FewestTasks => Own::Tasks,
            };
            let is_known = |it: &Criterion| matches!(it, Criterion::Own(known) if *known == own);
            if !ranking.criteria.iter().any(is_known) {
                ranking.criteria.push(Criterion::Own(own));
            }
        }
        for (index, candidate) in candidates.iter().enumerate() {
            ranking.open(index, candidate.host);
        }
        ranking
    }

    /// Divides each shelf by the values of an attribute. Candidates without it are together, as if they had one value.
    fn share(&mut self, candidates: &[Candidate<'_>], name: &str) {
        let mut values: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        let mut parts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut shelves = Vec::new();
        let mut counts = Vec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let host: &Host = candidate.host;
            let instance = candidate.container_instance;
            let value = instance.and_then(|it| attribute(host, it, name));
            let next = values.len();
            let value = *values.entry(value).or_insert(next);
            if value == next {
                counts.push(0);
            }
            counts[value] += self.of_group[index];
            let whole = self.shelf_of[index];
            self.shelf_of[index] = *parts.entry((whole, value)).or_insert_with(|| {
                let before = self.shelves[whole].values.iter().copied();
                shelves.push(Shelf {
                    values: before.chain([value]).collect(),
                    open: BTreeMap::new(),
                });
                shelves.len() - 1
            });
        }
        self.shelves = shelves;
        self.criteria.push(Criterion::Shared(counts));
    }

    fn open(&mut self, index: usize, host: &Host) {
        let rank = self.own_rank(index, host);
        let shelf = &mut self.shelves[self.shelf_of[index]];
        shelf.open.entry(rank).or_default().push(index);
    }

    fn own_rank(&self, index: usize, host: &Host) -> OwnRank {
        let left = |total: u32, promised: u32| u64::from(total.saturating_sub(promised));
        let own = self.criteria.iter().filter_map(|it| match it {
            Criterion::Own(own) => Some(own),
            Criterion::Shared(_) => None,
        });
        let mut rank = [0; OWN_KINDS];
        for (place, own) in rank.iter_mut().zip(own) {
            *place = match own {
                Own::TasksOfGroup => self.of_group[index],
                Own::Left(BinpackField::Cpu) => left(host.total.cpu, host.promised.cpu),
                Own::Left(BinpackField::Memory) => left(host.total.memory, host.promised.memory),
                Own::Tasks => u64::from(host.task_count),
            };
        }
        rank
    }

    /// Takes the best of the candidates that are still open; equals are drawn by lot.
    pub fn take(&mut self) -> Option<usize> {
        let mut best: Vec<(usize, OwnRank)> = Vec::new();
        for (index, shelf) in self.shelves.iter().enumerate() {
            let Some((rank, _)) = shelf.open.first_key_value() else {
                continue;
            };
            let found = (index, *rank);
            match best.first().map_or(Ordering::Less, |it| self.compare(&found, it)) {
                Ordering::Less => best = vec![found],
                Ordering::Equal => best.push(found),
                Ordering::Greater => {}
            }
        }
        let mut drawn: Option<(u64, usize, usize)> = None;
        for (shelf, rank) in &best {
            let equals = self.shelves[*shelf].open.get(rank).into_iter().flatten();
            let lots = equals
                .enumerate()
                .map(|(place, it)| (self.lot(*it), *shelf, place));
            drawn = lots.chain(drawn).min();
        }
        let (_, shelf, place) = drawn?;
        let (_, rank) = best.into_iter().find(|(index, _)| *index == shelf)?;
        let open = &mut self.shelves[shelf].open;
        let equals = open.get_mut(&rank)?;
        let index = equals.swap_remove(place);
        if equals.is_empty() {
            open.remove(&rank);
        }
        Some(index)
    }

    fn compare(&self, a: &(usize, OwnRank), b: &(usize, OwnRank)) -> Ordering {
        let values = |shelf: usize| self.shelves[shelf].values.iter();
        let mut values = values(a.0).zip(values(b.0));
        let mut own = a.1.iter().zip(&b.1);
        for criterion in &self.criteria {
            let order = match criterion {
                Criterion::Shared(counts) => values.next().map(|(a, b)| counts[*a].cmp(&counts[*b])),
                Criterion::Own(_) => own.next().map(|(a, b)| a.cmp(b)),
            };
            let order = order.unwrap_or(Ordering::Equal);
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    /// A task was placed on the candidate that was taken last: it may take more, as its host is now.
    pub fn placed(&mut self, index: usize, host: &Host) {
        self.draw = mixed(self.draw);
        self.of_group[index] += 1;
        let mut values = self.shelves[self.shelf_of[index]].values.iter();
        for criterion in &mut self.criteria {
            if let Criterion::Shared(counts) = criterion
                && let Some(value) = values.next()
            {
                counts[*value] += 1;
            }
        }
        self.open(index, host);
    }

    fn lot(&self, index: usize) -> u64 {
        mixed(self.draw ^ index as u64)
    }
}

fn of_group(candidate: &Candidate<'_>) -> u64 {
    candidate.tasks.map_or(0, |it| u64::from(it.of_group))
}

/// Splitmix64: each bit of the result hangs on each bit of the input, and no two inputs give the same.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
