//! Amazon ECS.

pub mod account_settings;
pub mod agent;
pub mod attributes;
pub mod capacity_providers;
pub mod clusters;
pub mod container_instances;
pub mod services;
pub mod tagging;
pub mod task_definitions;
pub mod tasks;

mod errors;
mod listing;
pub mod names;
mod network;
mod placement;
pub(crate) mod render;
mod tags;

pub use render::{container_arn, private_dns_name};
