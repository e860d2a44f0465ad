//! Load balancers on this host: each one has a network of its own in its VPC, and a balancer in it.

use std::net::Ipv4Addr;

use super::{Eni, PortMapping};

/// Where a load balancer is.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerSite {
    /// Last part of its ARN: 16 hexadecimal digits.
    pub id: String,
    /// Its first address.
    pub eni: Eni,
    /// Its addresses in other subnets of the VPC.
    pub others: Vec<Ipv4Addr>,
    /// A range that is its own in the VPC as a whole, beside these addresses: where it starts, and how long its prefix is.
    pub range: Option<(Ipv4Addr, u8)>,
    /// It connects to targets with the addresses of its clients.
    pub preserves_clients: bool,
    /// Ports of the host that lead to it. One that is taken is told in the log and leaves the others.
    pub published: Vec<PortMapping>,
}

/// A connection to the balancer of a load balancer.
#[derive(Debug)]
pub struct BalancerConnection {
    /// Lines of JSON: a `ServedLoadBalancer` in, lists of `BalancerNews` out.
    pub stream: tokio::net::UnixStream,
    /// Where the balancer finds the ports of this host, published ones of containers too.
    pub host_address: Ipv4Addr,
}
