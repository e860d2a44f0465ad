//! Amazon ECS.

pub mod agent;
pub mod clusters;
pub mod container_instances;
pub mod services;
pub mod task_definitions;
pub mod tasks;

mod errors;
mod listing;
mod names;
mod network;
mod placement;
mod render;
mod tags;

pub use render::container_arn;
