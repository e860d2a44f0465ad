//! Arguments of `gantry admin`.

use clap::{Args, Subcommand};

use super::Place;

/// What to ask about the Gantry itself.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Print the addresses that a name stands for, one a line: the DNSName of a load balancer, or a name of
    /// Cloud Map.
    Resolve(Resolve),
    /// List load balancers with the URLs at which this host reaches them.
    LoadBalancers(Place),
    /// Show what the proxies of Service Connect have counted of each client alias.
    ///
    /// Counters are those that Amazon has of Service Connect. They grow from when a proxy began: it goes on counting
    /// without a control plane, and begins anew after an update of Gantry or a restart of its host.
    ServiceConnect(ServiceConnect),
}

/// Arguments of `gantry admin service-connect`.
#[derive(Args)]
pub struct ServiceConnect {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Only services of this cluster, by its name or ARN.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Only this service, by its name or ARN; without --cluster one of the cluster `default`.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `gantry admin resolve`.
#[derive(Args)]
pub struct Resolve {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Print what tasks of this VPC are told: names of its private namespaces, and of no other VPC's. Without it, the
    /// first that any VPC has of that name.
    #[arg(long, value_name = "VPC_ID")]
    pub vpc: Option<String>,
    /// For example the DNSName of `aws elbv2 describe-load-balancers`.
    pub name: String,
}
