//! Whether tasks are spread evenly over availability zones, and which zone gives one to which. Pure.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// Tasks of a service in a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneTasks {
    /// All of them.
    pub tasks: u32,
    /// Those that are protected.
    pub protected: u32,
}

/// What the tasks of a service want of the zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneWish {
    /// Nothing: no zone has two more than one that takes tasks.
    Even,
    /// They are uneven, but so many are protected that could move.
    Held(u32),
    /// One is to move.
    Move {
        /// The fullest zone that can give one.
        from: String,
        /// Zones that may take it, the emptiest first.
        to: Vec<String>,
    },
}

/// What these tasks want. Each move that it asks for brings the two zones nearer to each other, so moves come to an end.
pub fn wish(zones: &BTreeMap<String, ZoneTasks>, open: &BTreeSet<String>) -> ZoneWish {
    let tasks = |zone: &String| zones.get(zone).map_or(0, |it| it.tasks);
    let Some(least) = open.iter().map(tasks).min() else {
        return ZoneWish::Even;
    };
    let fuller = zones.iter().filter(|(_, it)| it.tasks >= least + 2);
    let mut fuller: Vec<_> = fuller.collect();
    fuller.sort_by_key(|(_, it)| std::cmp::Reverse(it.tasks));
    let Some((_, fullest)) = fuller.first() else {
        return ZoneWish::Even;
    };
    let Some((from, giving)) = fuller.iter().find(|(_, it)| it.tasks > it.protected) else {
        return ZoneWish::Held(fullest.protected);
    };
    let emptier = open.iter().filter(|it| tasks(it) + 2 <= giving.tasks);
    let mut to: Vec<String> = emptier.cloned().collect();
    to.sort_by_key(tasks);
    ZoneWish::Move {
        from: (*from).clone(),
        to,
    }
}

/// Zones with their tasks as events have it, the fullest first.
pub fn told(zones: &BTreeMap<String, ZoneTasks>, open: &BTreeSet<String>) -> String {
    let mut counts: BTreeMap<&String, u32> = open.iter().map(|it| (it, 0)).collect();
    counts.extend(zones.iter().map(|(zone, it)| (zone, it.tasks)));
    let mut counts: Vec<(&String, u32)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, tasks)| std::cmp::Reverse(*tasks));
    let counts = counts
        .iter()
        .map(|(zone, tasks)| format!("{tasks} tasks in {zone}"));
    counts.collect::<Vec<_>>().join(", ")
}
