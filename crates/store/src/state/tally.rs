//! Counts of tasks that are kept up to date, so that nobody has to walk over all tasks.

use std::collections::BTreeMap;

use domain::task::{DesiredStatus, Task, TaskStatus};

/// How many tasks are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// On their way to RUNNING.
    pub pending: u32,
    /// RUNNING.
    pub running: u32,
    /// On their way to STOPPED.
    pub stopping: u32,
}

/// A column of a tally.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Pending,
    Running,
    Stopping,
}

impl Column {
    /// By what the task does. `None` for a STOPPED task.
    pub fn by_last_status(task: &Task) -> Option<Self> {
        match task.last_status {
            TaskStatus::Stopped => None,
            TaskStatus::Running => Some(Self::Running),
            status if status.is_pending() => Some(Self::Pending),
            _ => Some(Self::Stopping),
        }
    }

    /// By what is wanted first: a task that shall stop is stopping, whatever it still does.
    pub fn by_wish(task: &Task) -> Option<Self> {
        match (task.last_status, task.desired_status) {
            (TaskStatus::Stopped, _) => None,
            (_, DesiredStatus::Stopped) => Some(Self::Stopping),
            (_, DesiredStatus::Running) => Self::by_last_status(task),
        }
    }
}

impl Tally {
    fn column(&mut self, column: Column) -> &mut u32 {
        match column {
            Column::Pending => &mut self.pending,
            Column::Running => &mut self.running,
            Column::Stopping => &mut self.stopping,
        }
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Tallies by key. Those that count nothing are not kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tallies<K: Ord>(BTreeMap<K, Tally>);

impl<K: Ord> Default for Tallies<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Tallies<K> {
    /// Follows one task from the place where it was counted to the one where it is.
    pub fn update(&mut self, before: Option<(K, Column)>, after: Option<(K, Column)>) {
        if before == after {
            return;
        }
        if let Some((key, column)) = after {
            *self.0.entry(key).or_default().column(column) += 1;
        }
        if let Some((key, column)) = before
            && let Some(tally) = self.0.get_mut(&key)
        {
            *tally.column(column) -= 1;
            if tally.is_zero() {
                self.0.remove(&key);
            }
        }
    }

    pub fn get(&self, key: &K) -> Tally {
        self.0.get(key).copied().unwrap_or_default()
    }

    pub fn range(&self, range: impl std::ops::RangeBounds<K>) -> impl Iterator<Item = (&K, Tally)> {
        self.0.range(range).map(|(key, tally)| (key, *tally))
    }
}
