//! Linux execution: images on disk, namespaces, cgroups, root file systems, networks, the shim.
//!
//! ```text
//!  agent::host::Host
//!        │
//!   linux_host ──► images          layers on disk
//!        ├──────► network          namespaces, links, rules
//!        ├──────► cgroups          limits
//!        ├──────► containers       root, files, config.json
//!        ├──────► load_balancers   a balancer process for each, in its network
//!        └──────► shim_process, shim_client ──► one gantry-shim for each task
//! ```

mod cgroups;
mod containers;
pub mod copying;
mod file_systems;
pub mod hand_over;
pub mod images;
mod linux_host;
mod load_balancers;
mod logs;
pub mod network;
pub mod published;
pub mod resolver;
mod shim_client;
mod shim_process;
mod task_directory;
mod volumes;

pub use linux_host::{LinuxHost, LinuxHostConfig, OpenError};
