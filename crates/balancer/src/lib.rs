//! The data plane of load balancers: opens sockets, takes requests and connections, checks targets.
//!
//! ```text
//!  records ─► snapshot ─► Plan ─► Balancer::apply ─┬─► Site per address and port ─► l7 or l4 ─► Group ─► Target
//!                                                  └─► health::checker ─► Group
//!  reports ◄─ Reporter ◄─ sockets, health, targets that have drained
//! ```
//!
//! It follows: what it knows is the last plan it was given, and it goes on with that while nobody gives it another.

pub mod access_log;
mod anomaly;
mod balancer;
mod choice;
mod counters;
mod dice;
mod group;
pub mod health;
mod l4;
mod l7;
mod listener;
mod outlier;
pub mod plan;
mod pump;
pub mod report;
mod shared;
mod site;
pub mod snapshot;
pub mod sockets;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod upstream;

pub use balancer::{Balancer, BalancerError, Surroundings};
