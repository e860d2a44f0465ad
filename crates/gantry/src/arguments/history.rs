//! Options about tasks that have stopped.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use telemetry::history::HistoryOptions;

use super::images::duration;

/// How long tasks are shown and remembered after they have stopped.
#[derive(Args, Clone)]
pub struct HistorySettings {
    /// How long DescribeTasks and ListTasks show tasks that have stopped, e.g. 1h, as Amazon does it.
    #[arg(long, value_name = "TIME", env = "GANTRY_STOPPED_TASKS_SHOWN", default_value = "1h", value_parser = duration)]
    pub stopped_tasks_shown: Duration,
    /// How many days `gantry task explain` and `gantry task ls --stopped` know them.
    #[arg(long, value_name = "DAYS", env = "GANTRY_TASK_HISTORY_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    task_history_days: u16,
    /// Disk space for them in MiB; beyond it the oldest go early.
    #[arg(long, value_name = "MIB", env = "GANTRY_TASK_HISTORY_MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    task_history_mib: u32,
}

impl HistorySettings {
    /// As the history wants them.
    pub fn options(&self) -> HistoryOptions {
        let kept = SignedDuration::from_hours(i64::from(self.task_history_days) * 24);
        HistoryOptions::new(kept, u64::from(self.task_history_mib) * 1024 * 1024)
    }
}
