//! Arguments of `gantry events`.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use telemetry::history::HistoryOptions;

use super::Place;
use super::images::duration;

/// Arguments of `gantry events`.
#[derive(Args)]
pub struct Events {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Go on with what happens from now on, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// What happened in this time, e.g. 10m.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub since: Duration,
    /// What happened after the event of this number, however long ago.
    #[arg(long, value_name = "NUMBER", conflicts_with = "since")]
    pub after: Option<u64>,
    /// Of this cluster: its name or ARN.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Of this service and its tasks; without --cluster, of the cluster `default`.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Of this task: its id, the beginning of one, or its ARN.
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// Of this kind, e.g. "ECS Task State Change".
    #[arg(long = "type", value_name = "DETAIL-TYPE")]
    pub detail_type: Option<String>,
    /// Print each event as EventBridge has it, one line of JSON each, with its number as `sequence`.
    #[arg(long)]
    pub json: bool,
}

/// How long events are kept.
#[derive(Args, Clone)]
pub struct EventSettings {
    /// How many days `gantry events` knows what happened.
    #[arg(long, value_name = "DAYS", env = "GANTRY_EVENT_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    event_days: u16,
    /// Disk space for events in MiB; beyond it the oldest go early.
    #[arg(long, value_name = "MIB", env = "GANTRY_EVENT_MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    event_mib: u32,
}

impl EventSettings {
    /// As the log of events wants them.
    pub fn options(&self) -> HistoryOptions {
        let kept = SignedDuration::from_hours(i64::from(self.event_days) * 24);
        HistoryOptions::new(kept, u64::from(self.event_mib) * 1024 * 1024)
    }
}
