//! Network Load Balancers: bytes and datagrams.

pub(crate) mod claims;
mod flow;
mod proxy_protocol;
mod splice;
pub(crate) mod tcp;
pub(crate) mod udp;

/// How many targets are tried before a client is reset, or its datagram dropped.
const TRIES: usize = 3;
