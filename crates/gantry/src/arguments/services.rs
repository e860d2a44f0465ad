//! Arguments of `gantry service`.

use clap::{Args, Subcommand};

use super::Place;

/// What to ask about services.
#[derive(Subcommand)]
pub enum ServiceCommand {
    /// Say what a service wants and has, and what it waits for.
    ///
    /// The scheduler itself is asked what it would do next: how many tasks of each deployment there are, run and are
    /// healthy, the minimum and the maximum meanwhile, what keeps it from going on, what each container instance says
    /// against the next task, and why the last tasks failed.
    Explain(ExplainService),
}

/// Arguments of `gantry service explain`.
#[derive(Args)]
pub struct ExplainService {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Name of the service, or its ARN.
    pub service: String,
    /// Name or ARN of its cluster; without one, the cluster `default`.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}
