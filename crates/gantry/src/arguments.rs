//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use domain::vpc::Cidr;

use crate::data_dir::{self, DataDir};

mod admin;
mod agent;
mod events;
mod history;
mod host;
mod images;
mod services;
mod tasks;

pub use admin::{AdminCommand, Resolve, ServiceConnect};
pub use agent::AgentOptions;
pub use events::{EventSettings, Events};
pub use history::HistorySettings;
pub use host::HostOptions;
pub use images::RegistryOptions;
pub use services::{ExplainService, ServiceCommand};
pub use tasks::{Copy, Explain, Inspect, List, PortForward, Ports, TaskCommand};

/// Amazon ECS on your own machines: the same API, real containers.
#[derive(Parser)]
#[command(name = "gantry", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run ECS on this machine: control plane, agent and container runtime in one process.
    ///
    /// Ctrl-C stops the control plane and leaves the tasks running, as losing a control plane does on ECS; the next
    /// `gantry up` finds them again. `gantry down` stops the tasks too.
    Up(Box<Up>),
    /// Stop a running Gantry and all its tasks. Services are made whole again by the next `gantry up`.
    Down(Down),
    /// Run tasks on this machine for a Gantry on another one: agent and container runtime, without a control plane.
    ///
    /// The key is read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `gantry env --agent` prints it there. Ctrl-C leaves
    /// the tasks running; `gantry down` stops them too.
    Agent(Box<AgentOptions>),
    /// Print `export` lines for the AWS tools: eval "$(gantry env)".
    Env(Env),
    /// Load, list and remove container images.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Ask what a service waits for.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Ask why a task stopped, what its host made of it, which tasks have stopped; reach its ports and files.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Show what happened to tasks, container instances, deployments and services, in order.
    ///
    /// Events are those that Amazon ECS sends to EventBridge. None is lost by a crash and none comes twice; each has a
    /// number, and `--after` goes on from one.
    Events(Events),
    /// Ask this Gantry about itself.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Serve one load balancer: the agent starts this in the network of each.
    #[command(hide = true)]
    Balancer(BalancerOptions),
    /// Answer names in all VPCs: the agent starts this.
    #[command(hide = true)]
    Dns,
}

/// `gantry down`.
#[derive(Args)]
pub struct Down {
    #[command(flatten)]
    pub place: Place,
    /// Say that what Gantry made of networks on this host is gone: bridge, VPCs and rules. They go in any case.
    #[arg(long)]
    pub network: bool,
}

/// `gantry env`.
#[derive(Args)]
pub struct Env {
    #[command(flatten)]
    pub place: Place,
    /// With the key of agents, which may do nothing else, for `gantry agent` or Amazon's own agent on another machine.
    #[arg(long)]
    pub agent: bool,
}

/// Which Gantry is meant.
#[derive(Args, Clone)]
pub struct Place {
    /// Folder that holds everything this Gantry knows.
    #[arg(long, value_name = "DIR", env = "GANTRY_DATA_DIR", default_value = data_dir::DEFAULT)]
    data_dir: PathBuf,
}

impl Place {
    /// The folder.
    pub fn data_dir(&self) -> Result<DataDir> {
        DataDir::new(&self.data_dir)
    }
}

/// Options of `gantry balancer`.
#[derive(Args)]
pub struct BalancerOptions {
    /// Begin with the sockets of another one.
    #[arg(long)]
    pub take_over: bool,
}

/// Options of `gantry up`.
#[derive(Args)]
pub struct Up {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Address and port to serve the AWS APIs on. Plain HTTP: loopback only.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "GANTRY_LISTEN",
        default_value = "127.0.0.1:4566"
    )]
    pub listen: SocketAddr,
    /// Account that everything belongs to, twelve digits.
    #[arg(long, value_name = "ID", env = "GANTRY_ACCOUNT_ID", default_value = "123456789012", value_parser = account_id)]
    pub account_id: String,
    /// Region that is served.
    #[arg(long, value_name = "REGION", env = "GANTRY_REGION", default_value = "us-east-1", value_parser = region)]
    pub region: String,
    /// Addresses of the default VPC, in which awsvpc tasks live. Holds for a new data directory.
    #[arg(
        long,
        value_name = "CIDR",
        env = "GANTRY_VPC_CIDR",
        default_value = "172.31.0.0/16"
    )]
    pub vpc_cidr: Cidr,
    /// Addresses that AllocateAddress and tasks with assignPublicIp=ENABLED get. The default is a range kept for
    /// examples; nothing is routed there.
    #[arg(
        long,
        value_name = "CIDR",
        env = "GANTRY_ELASTIC_ADDRESSES",
        default_value_t = orchestrator::PUBLIC_ADDRESSES
    )]
    pub elastic_addresses: ipnet::Ipv4Net,
    /// Directory of the buckets of S3, by default `buckets` in the data directory: a directory for each, with the objects
    /// as plain files. Nothing in it is removed but through S3.
    #[arg(long, value_name = "DIR", env = "GANTRY_BUCKETS_DIR")]
    pub buckets_dir: Option<PathBuf>,
    /// Limit requests as Amazon does, answering ThrottlingException beyond: to see how clients bear it.
    #[arg(long, env = "GANTRY_API_RATE_LIMITS")]
    pub api_rate_limits: bool,
    /// Seconds that a service's task without health checks has to run before it counts as healthy; Amazon waits 40.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GANTRY_HEALTHY_AFTER",
        default_value_t = 5
    )]
    pub healthy_after: u16,
    /// Seconds between two moves of tasks that balance the container instances of a cluster (its setting
    /// `instanceRebalancing`), and before a move that found no room is tried again.
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GANTRY_REBALANCE_PAUSE",
        default_value_t = 5
    )]
    pub rebalance_pause: u16,
    /// End sessions of `aws ecs execute-command` after so long without a byte in either direction, e.g. 20m.
    #[arg(
        long,
        value_name = "TIME",
        env = "GANTRY_EXECUTE_COMMAND_IDLE",
        default_value = "20m",
        value_parser = images::duration
    )]
    pub execute_command_idle: Duration,
    /// This machine as a host of tasks.
    #[command(flatten)]
    pub host: HostOptions,
    /// How long tasks are remembered.
    #[command(flatten)]
    pub history: HistorySettings,
    /// Events.
    #[command(flatten)]
    pub events: EventSettings,
    /// Leave the AWS configuration files alone, instead of writing the profile `gantry` to them.
    #[arg(long)]
    pub no_profile: bool,
}

impl Up {
    /// Directory of the buckets of S3.
    pub fn buckets(&self, data_dir: &DataDir) -> Result<PathBuf> {
        match &self.buckets_dir {
            Some(named) => Ok(std::path::absolute(named)?),
            None => Ok(data_dir.buckets()),
        }
    }
}

/// What to do with images.
#[derive(Subcommand)]
pub enum ImageCommand {
    /// Load images from a docker-archive (`docker save`) or an OCI layout (folder or tar).
    Load {
        /// Which Gantry is meant.
        #[command(flatten)]
        place: Place,
        /// The archive or folder.
        file: PathBuf,
        /// Reference to give the image, e.g. web:1; needed if the file names none.
        #[arg(long, value_name = "REF")]
        name: Option<String>,
    },
    /// Pull an image from its registry, and show how far it is.
    Pull(Pull),
    /// List the images.
    Ls {
        /// Which Gantry is meant.
        #[command(flatten)]
        place: Place,
    },
    /// Remove images by reference.
    Rm {
        /// Which Gantry is meant.
        #[command(flatten)]
        place: Place,
        /// References, e.g. web:1.
        #[arg(required = true)]
        references: Vec<String>,
    },
}

/// Options of `gantry image pull`.
#[derive(Args)]
pub struct Pull {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// How registries are reached.
    #[command(flatten)]
    pub registries: RegistryOptions,
    /// User of the registry.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Read the password from the standard input.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// The image, e.g. busybox:1.37.
    pub reference: String,
}

fn account_id(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account id has twelve digits, e.g. 123456789012".to_owned())
}

fn region(text: &str) -> Result<String, String> {
    let is_letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    if !text.is_empty() && text.bytes().all(is_letter) {
        return Ok(text.to_owned());
    }
    Err("a region has lower-case letters, digits and hyphens, e.g. us-east-1".to_owned())
}
