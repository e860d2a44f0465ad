//! The data plane of load balancers.
mod choice;
mod dice;
mod health;
mod l7;
pub mod plan;
