//! Arguments of `gantry task`.

use clap::{Args, Subcommand};

use super::Place;

/// What to ask about tasks.
#[derive(Subcommand)]
pub enum TaskCommand {
    /// Say why a task stopped, or what it waits for.
    ///
    /// Shows the container that ended first, what its exit code means, the last output of its health check, its last
    /// 20 lines (without a log driver too), who decided that the task stops, and what to try next. Works for as long
    /// as the history of stopped tasks is kept: 30 days, see `gantry up --help`.
    Explain(Explain),
    /// Show as JSON what the host has really made of a task that is there.
    ///
    /// For each container: process, arguments, environment (values from secrets are hidden), user, mounts,
    /// capabilities, limits of its control group, namespaces, addresses, image digest, log driver and restarts.
    Inspect(Inspect),
    /// List tasks that have stopped, the last to stop first: those of the last 30 days.
    #[command(alias = "list")]
    Ls(List),
}

/// Which task is meant.
#[derive(Args)]
pub struct TaskName {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Id of the task, the beginning of one, or its ARN.
    pub task: String,
    /// Name or ARN of its cluster. Without one, all clusters are looked through.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
}

/// Arguments of `gantry task explain`.
#[derive(Args)]
pub struct Explain {
    /// The task.
    #[command(flatten)]
    pub name: TaskName,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `gantry task inspect`.
#[derive(Args)]
pub struct Inspect {
    /// The task.
    #[command(flatten)]
    pub name: TaskName,
}

/// Arguments of `gantry task ls`.
#[derive(Args)]
pub struct List {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Those that have stopped. For the others there is `aws ecs list-tasks`.
    #[arg(long, required = true)]
    pub stopped: bool,
    /// Name or ARN of a cluster; without one, of all.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Of this family of task definitions.
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Of this service; without --cluster, of the cluster `default`.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Show no more than this many.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub most: u32,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}
