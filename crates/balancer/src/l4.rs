//! Network Load Balancers: bytes and datagrams.

mod flow;
mod proxy_protocol;
mod splice;
pub(crate) mod tcp;
pub(crate) mod udp;
