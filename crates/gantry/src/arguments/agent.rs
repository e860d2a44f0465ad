//! Options of `gantry agent`.

use clap::Args;

use super::{HostOptions, Place, region};

/// Options of `gantry agent`.
#[derive(Args)]
pub struct AgentOptions {
    /// Where this agent keeps what it knows.
    #[command(flatten)]
    pub place: Place,
    /// Where the control plane is reached. Plain HTTP: an address of loopback, e.g. the near end of
    /// `ssh -N -L 4566:127.0.0.1:4566 MACHINE`.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    pub endpoint: String,
    /// Region of the control plane.
    #[arg(long, value_name = "REGION", env = "AWS_REGION", default_value = "us-east-1", value_parser = region)]
    pub region: String,
    /// The cluster to join.
    #[arg(long, value_name = "NAME", env = "ECS_CLUSTER", default_value = crate::bootstrap::DEFAULT_CLUSTER)]
    pub cluster: String,
    /// The access key of agents.
    #[arg(long, value_name = "ID", env = "AWS_ACCESS_KEY_ID", hide_env_values = true)]
    pub access_key_id: String,
    /// Its secret, which others on this machine could read on a command line.
    #[arg(skip = std::env::var("AWS_SECRET_ACCESS_KEY").unwrap_or_default())]
    pub secret_access_key: String,
    /// Run no tasks of launch type FARGATE here.
    #[arg(long, env = "GANTRY_NO_FARGATE")]
    pub no_fargate: bool,
    /// This machine as a host of tasks.
    #[command(flatten)]
    pub host: HostOptions,
}
