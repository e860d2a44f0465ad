//! Connections to targets.

mod connect;
mod lines;
mod pool;

pub(crate) use connect::{ConnectFault, Source, Stream, client_socket, connect};
pub(crate) use pool::{Lease, Pool, SendFault};
