//! Capacity providers: FARGATE and FARGATE_SPOT, which every account has, and those of Auto Scaling groups.

mod cluster;
mod parse;
mod read;
mod strategy;
mod write;

use api::ecs;
use orchestrator::transitions::CapacityProviderRefusal;

use super::errors::{FromRefusal, client, cluster_not_found, invalid_parameter};

pub use cluster::{associations, put_cluster_capacity_providers};
pub use read::describe_capacity_providers;
pub use strategy::{capacity, changed_capacity, render as render_strategy};
pub use write::{create_capacity_provider, delete_capacity_provider, update_capacity_provider};

#[cfg(test)]
mod tests;

/// <https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/53>
const NOT_FOUND: &str =
    "The specified capacity provider was not found. Specify a valid capacity provider and try again.";
/// <https://github.com/aws/containers-roadmap/issues/631>
const IN_USE: &str = "The specified capacity provider is in use and cannot be removed.";

impl FromRefusal<CapacityProviderRefusal> for ecs::Error {
    fn from_refusal(refusal: CapacityProviderRefusal) -> Self {
        match refusal {
            CapacityProviderRefusal::ClusterNotFound => cluster_not_found(),
            CapacityProviderRefusal::NotFound(name) => {
                invalid_parameter(format!("{NOT_FOUND} There is no {name:?}."))
            }
            // https://github.com/aws/containers-roadmap/issues/688
            CapacityProviderRefusal::Exists => client(
                "The specified capacity provider already exists. To change the configuration of an existing capacity \
                 provider, update the capacity provider.",
            ),
            CapacityProviderRefusal::GroupTaken => client(
                "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a \
                 unique Auto Scaling group ARN and try again.",
            ),
            CapacityProviderRefusal::ProtectionWithoutScaling => client(
                "The managed termination protection setting for the capacity provider is invalid. To enable managed \
                 termination protection for a capacity provider, managed scaling must be enabled.",
            ),
            CapacityProviderRefusal::StepSizes => client(
                "The managed scaling configuration is invalid: minimumScalingStepSize cannot be greater than \
                 maximumScalingStepSize.",
            ),
            CapacityProviderRefusal::InUse(name) => {
                Self::ResourceInUseException(ecs::ResourceInUseException {
                    message: Some(format!("{IN_USE} It is {name}.")),
                })
            }
        }
    }
}
