//! Options of a machine that runs tasks, whether the control plane is there too or not.

use std::net::SocketAddr;
use std::path::PathBuf;

use agent::RequestRate;
use anyhow::Result;
use clap::Args;

use super::images::{ImageOptions, RegistryOptions};
use crate::data_dir::DataDir;

/// This machine as a host of tasks.
#[derive(Args)]
pub struct HostOptions {
    /// Directory of the EFS file systems, by default `file-systems` in the data directory. Nothing in it is removed but
    /// by DeleteFileSystem.
    #[arg(long, value_name = "DIR", env = "GANTRY_EFS_DIR")]
    pub efs_dir: Option<PathBuf>,
    /// Have internet-facing load balancers listen on all addresses of this machine too, on the ports of their listeners.
    /// A port that is taken is told in the log and by `gantry admin load-balancers`.
    #[arg(long, env = "GANTRY_PUBLISH")]
    pub publish: bool,
    /// Do not lead the AWS SDKs in tasks that have a role to this Gantry (`AWS_ENDPOINT_URL`).
    #[arg(long, env = "GANTRY_NO_TASK_API")]
    pub no_task_api: bool,
    /// How often each task may ask for its metadata: requests a second, and at once.
    #[arg(long, value_name = "RATE,BURST", env = "ECS_TASK_METADATA_RPS_LIMIT", default_value = "40,60", value_parser = request_rate)]
    pub task_metadata_rps_limit: RequestRate,
    /// Address and port of the agent's introspection API. A port that is taken is told in the log.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "GANTRY_INTROSPECTION",
        default_value = "127.0.0.1:51678"
    )]
    pub introspection: SocketAddr,
    /// When images are pulled and removed.
    #[command(flatten)]
    pub images: ImageOptions,
    /// How registries are reached.
    #[command(flatten)]
    pub registries: RegistryOptions,
}

impl HostOptions {
    /// Directory of the EFS file systems.
    pub fn file_systems(&self, data_dir: &DataDir) -> Result<PathBuf> {
        match &self.efs_dir {
            Some(named) => Ok(std::path::absolute(named)?),
            None => Ok(data_dir.file_systems()),
        }
    }
}

/// `40,60`, as Amazon's agent reads it.
fn request_rate(text: &str) -> Result<RequestRate, String> {
    let number = |it: &str| it.trim().parse::<u32>().ok().filter(|it| *it > 0);
    let pair = text.split_once(',');
    let rate = pair.and_then(|(rate, burst)| {
        Some(RequestRate {
            per_second: number(rate)?,
            burst: number(burst)?,
        })
    });
    rate.ok_or_else(|| "write requests a second and requests at once, e.g. 40,60".to_owned())
}
