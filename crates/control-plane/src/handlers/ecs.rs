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
pub(crate) mod network;
mod placement;
pub(crate) mod render;
mod tags;

pub use render::container_arn;
pub use services::{hook_target, platform_version, target_group};

/// The ARN of a service of a cluster, both named as in any call.
///
/// # Errors
/// ClusterNotFoundException, InvalidParameterException.
pub fn service_arn(
    scope: &domain::Scope,
    cluster: &str,
    service: &str,
) -> Result<domain::ServiceArn, api::ecs::Error> {
    let cluster = names::cluster(scope, Some(cluster))?;
    names::service(&cluster, service)
}
