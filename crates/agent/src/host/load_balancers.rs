//! Load balancers on this host: each one has a network of its own in its VPC, and a balancer in it.

use std::net::Ipv4Addr;

use super::Eni;

/// Where a load balancer is.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerSite {
    /// Last part of its ARN: 16 hexadecimal digits.
    pub id: String,
    /// Its first address.
    pub eni: Eni,
    /// Its addresses in other subnets of the VPC.
    pub others: Vec<Ipv4Addr>,
}

/// A connection to the balancer of a load balancer: lines of JSON, a `ServedLoadBalancer` in, lists of `BalancerNews`
/// out.
pub type BalancerConnection = tokio::net::UnixStream;
