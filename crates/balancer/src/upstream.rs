//! Connections to targets.

mod connect;
mod lines;
mod pool;

pub(crate) use connect::{ConnectFault, Stream, connect};
pub(crate) use pool::{Lease, Pool, SendFault};
