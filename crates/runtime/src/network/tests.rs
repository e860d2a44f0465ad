//! The network on real kernel namespaces. Each test has a host of its own: a thread with its own network and mounts.

mod abuse;
mod awsvpc;
mod bridge;
mod connections;
mod filters;
pub(super) mod lab;
mod lifecycle;
pub(super) mod networks;
mod overlay;
mod preserving;
mod publishing;
mod readdressing;
