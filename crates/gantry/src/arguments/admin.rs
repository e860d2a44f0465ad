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
}

/// Arguments of `gantry admin resolve`.
#[derive(Args)]
pub struct Resolve {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// For example the DNSName of `aws elbv2 describe-load-balancers`.
    pub name: String,
}
