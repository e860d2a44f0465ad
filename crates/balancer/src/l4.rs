//! Network Load Balancers: bytes and datagrams.

pub(crate) mod tcp;
pub(crate) mod udp;
