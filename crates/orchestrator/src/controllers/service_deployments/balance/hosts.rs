//! Which container instance is crowded enough to give a task to an emptier one. Pure.

use domain::host::Resources;

#[cfg(test)]
mod tests;

/// A crowded container instance gives a task away if the other one, with it, still has so much less promised, in
/// thousandths of what can be. Less is not worth a start.
pub const MARGIN: u32 = 100;

/// A container instance, as far as a service may move a task to or from it.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// What can be promised.
    pub total: &'a Resources,
    /// What is, but for tasks that are to stop.
    pub promised: (u32, u32),
    /// Tasks of the service there that may go.
    pub movable: u32,
    /// It takes a task of the service now, and has room.
    pub is_open: bool,
    /// For each value that the service spreads its tasks over: which one it is, and how many tasks have it.
    pub spread: Vec<(usize, u32)>,
}

impl Site<'_> {
    /// The larger of the shares of CPU and memory that are promised, with `more` of them, in thousandths.
    pub fn share(&self, more: (u32, u32)) -> u32 {
        let share = |promised: u32, more: u32, total: u32| {
            let promised = u64::from(promised) + u64::from(more);
            let share = promised * 1000 / u64::from(total.max(1));
            u32::try_from(share).unwrap_or(u32::MAX)
        };
        let cpu = share(self.promised.0, more.0, self.total.cpu);
        cpu.max(share(self.promised.1, more.1, self.total.memory))
    }
}

/// The places of the two sites between which a task of these units of CPU and MiB is to move, the most crowded first.
///
/// After the move, neither has as much promised as the crowded one had before: sorted from the fullest, the shares get
/// less with each move, so moves come to an end. No move makes the service's own spread worse.
pub fn next_move(sites: &[Site<'_>], task: (u32, u32)) -> Option<(usize, usize)> {
    let by_share = |mut indexes: Vec<usize>| {
        indexes.sort_by_key(|it| sites[*it].share((0, 0)));
        indexes
    };
    let indexes = |keep: fn(&Site<'_>) -> bool| (0..sites.len()).filter(|it| keep(&sites[*it])).collect();
    let givers: Vec<usize> = by_share(indexes(|it| it.movable > 0));
    let takers: Vec<usize> = by_share(indexes(|it| it.is_open));
    let most_given = givers.last().map_or(0, |it| sites[*it].share((0, 0)));
    let emptier = takers
        .into_iter()
        .filter(|it| sites[*it].share(task) + MARGIN <= most_given);
    let emptier: Vec<usize> = emptier.collect();
    givers.into_iter().rev().find_map(|from| {
        let share = sites[from].share((0, 0));
        let is_better = |to: &usize| {
            sites[*to].share(task) + MARGIN <= share && keeps_the_spread(&sites[from], &sites[*to])
        };
        emptier
            .iter()
            .copied()
            .find(|it| *it != from && is_better(it))
            .map(|to| (from, to))
    })
}

fn keeps_the_spread(from: &Site<'_>, to: &Site<'_>) -> bool {
    let mut values = from.spread.iter().zip(&to.spread);
    values.all(|((value, tasks), (other, others))| value == other || others < tasks)
}
