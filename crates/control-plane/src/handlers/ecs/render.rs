//! Records as ECS shows them. Members that a record does not fill stay absent, lists that Amazon shows empty are `[]`.

mod capacity_provider;
mod cluster;
mod container_instance;
mod deployment_configuration;
mod service;
mod service_deployment;
mod task;
mod task_definition;
mod task_set;
#[cfg(test)]
mod tests;

pub use capacity_provider::{capacity_provider, fargate_capacity_provider};
pub use cluster::cluster;
pub use container_instance::{container_instance, container_instance_on};
pub use service::service;
pub use service_deployment::{service_deployment, service_deployment_brief, service_revision};
pub use task::{container_arn, task};
pub use task_definition::{log_configuration, task_definition};
pub use task_set::task_set;

use api::ecs;
use domain::capacity_provider::CapacityProviderStrategyItem;
use domain::task_definition::LaunchType;

/// A failure of a batch operation.
pub fn failure(arn: impl Into<String>, reason: impl Into<String>) -> ecs::Failure {
    ecs::Failure {
        arn: Some(arn.into()),
        reason: Some(reason.into()),
        detail: None,
    }
}

/// "MISSING", with the ARN that the request amounts to.
pub fn missing(arn: impl Into<String>) -> ecs::Failure {
    failure(arn, "MISSING")
}

/// A count, as the wire has it.
pub fn count(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

fn launch_type(it: LaunchType) -> ecs::LaunchType {
    match it {
        LaunchType::Ec2 => ecs::LaunchType::Ec2,
        LaunchType::Fargate => ecs::LaunchType::Fargate,
        LaunchType::External => ecs::LaunchType::External,
    }
}

/// The platform version of what runs: LATEST is a version by then, as in
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-linux-fargate.html>
fn platform_version(given: Option<&str>) -> Option<String> {
    given.map(|it| if it == "LATEST" { LATEST_PLATFORM } else { it }.to_owned())
}

/// What LATEST stands for.
const LATEST_PLATFORM: &str = "1.4.0";

/// Absent where a capacity provider strategy decides.
fn named_launch_type(it: LaunchType, strategy: &[CapacityProviderStrategyItem]) -> Option<ecs::LaunchType> {
    strategy.is_empty().then(|| launch_type(it))
}
