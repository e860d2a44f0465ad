//! Members of Create- and UpdateCapacityProvider.

use api::ecs;
use domain::capacity_provider::{AutoScalingGroupProvider, ManagedScaling, Toggle};
use orchestrator::transitions::{CapacityProviderChange, ManagedScalingChange};

use crate::handlers::ecs::errors::{client, invalid_parameter};
use crate::handlers::ecs::names;

/// Longest ARN or name of an Auto Scaling group that the API of Auto Scaling knows.
const GROUP_LENGTH_MAX: usize = 1600;
/// Bounds of `targetCapacity`, in percent.
const TARGET_CAPACITY: std::ops::RangeInclusive<i32> = 1..=100;
/// Bounds of both step sizes, in container instances.
const STEP_SIZE: std::ops::RangeInclusive<i32> = 1..=10_000;
/// Bounds of `instanceWarmupPeriod`, in seconds.
const WARMUP: std::ops::RangeInclusive<i32> = 0..=10_000;

/// The name of a new capacity provider.
///
/// # Errors
/// ClientException for characters, length and the prefixes that are Amazon's own.
pub fn name(given: &str) -> Result<(), ecs::Error> {
    let lower = given.to_ascii_lowercase();
    let is_reserved = ["aws", "ecs", "fargate"].iter().any(|it| lower.starts_with(it));
    if names::is_name(given) && !is_reserved {
        return Ok(());
    }
    Err(client(
        "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper \
         and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \
         \"fargate\". Specify a valid name and try again.",
    ))
}

/// `autoScalingGroupProvider` of CreateCapacityProvider, with Amazon's defaults. Managed scaling and termination
/// protection are off unless asked for, draining is on.
///
/// # Errors
/// ClientException for the group; those of the members.
pub fn group(given: &ecs::AutoScalingGroupProvider) -> Result<AutoScalingGroupProvider, ecs::Error> {
    let group = &given.auto_scaling_group_arn;
    if !is_group(group) {
        return Err(client(
            "The specified Auto Scaling group ARN is invalid. Specify a valid Auto Scaling group ARN and try again.",
        ));
    }
    let scaling = scaling(given.managed_scaling.as_ref())?;
    let protection = given.managed_termination_protection.as_ref();
    let protection = toggle("managedTerminationProtection", protection.map(|it| it.as_str()))?;
    let draining = given.managed_draining.as_ref();
    let draining = toggle("managedDraining", draining.map(|it| it.as_str()))?;
    Ok(AutoScalingGroupProvider {
        auto_scaling_group: group.clone(),
        managed_scaling: scaling.of(ManagedScaling::default()),
        managed_termination_protection: protection.unwrap_or(Toggle::Disabled),
        managed_draining: draining.unwrap_or(Toggle::Enabled),
    })
}

/// An ARN (`arn:…:autoscaling:<region>:<account>:autoScalingGroup:<uuid>:autoScalingGroupName/<name>`) or a name.
fn is_group(given: &str) -> bool {
    let is_fit = (1..=GROUP_LENGTH_MAX).contains(&given.len()) && !given.contains(char::is_control);
    if !given.starts_with("arn:") {
        return is_fit && !given.contains(':');
    }
    let parts: Vec<&str> = given.splitn(8, ':').collect();
    let name = parts
        .get(7)
        .and_then(|it| it.strip_prefix("autoScalingGroupName/"));
    let is_of_autoscaling = parts.get(2) == Some(&"autoscaling") && parts.get(5) == Some(&"autoScalingGroup");
    is_fit && is_of_autoscaling && name.is_some_and(|it| !it.is_empty())
}

/// `autoScalingGroupProvider` of UpdateCapacityProvider.
///
/// # Errors
/// As [`group`].
pub fn change(given: &ecs::AutoScalingGroupProviderUpdate) -> Result<CapacityProviderChange, ecs::Error> {
    let protection = given.managed_termination_protection.as_ref();
    let draining = given.managed_draining.as_ref();
    Ok(CapacityProviderChange {
        managed_scaling: scaling(given.managed_scaling.as_ref())?,
        managed_termination_protection: toggle(
            "managedTerminationProtection",
            protection.map(|it| it.as_str()),
        )?,
        managed_draining: toggle("managedDraining", draining.map(|it| it.as_str()))?,
    })
}

fn scaling(given: Option<&ecs::ManagedScaling>) -> Result<ManagedScalingChange, ecs::Error> {
    let Some(given) = given else {
        return Ok(ManagedScalingChange::default());
    };
    let status = given.status.as_ref().map(|it| it.as_str());
    Ok(ManagedScalingChange {
        status: toggle("managedScaling.status", status)?,
        target_capacity: bounded("targetCapacity", given.target_capacity, TARGET_CAPACITY)?,
        minimum_scaling_step_size: bounded(
            "minimumScalingStepSize",
            given.minimum_scaling_step_size,
            STEP_SIZE,
        )?,
        maximum_scaling_step_size: bounded(
            "maximumScalingStepSize",
            given.maximum_scaling_step_size,
            STEP_SIZE,
        )?,
        instance_warmup_period: bounded("instanceWarmupPeriod", given.instance_warmup_period, WARMUP)?,
    })
}

fn bounded(
    member: &str,
    given: Option<i32>,
    bounds: std::ops::RangeInclusive<i32>,
) -> Result<Option<u32>, ecs::Error> {
    match given {
        None => Ok(None),
        Some(given) if bounds.contains(&given) => Ok(Some(given.unsigned_abs())),
        Some(given) => Err(client(format!(
            "The managed scaling configuration is invalid: {member} must be between {} and {}, not {given}.",
            bounds.start(),
            bounds.end()
        ))),
    }
}

fn toggle(member: &str, given: Option<&str>) -> Result<Option<Toggle>, ecs::Error> {
    match given {
        None => Ok(None),
        Some("ENABLED") => Ok(Some(Toggle::Enabled)),
        Some("DISABLED") => Ok(Some(Toggle::Disabled)),
        Some(other) => Err(invalid_parameter(format!(
            "Invalid {member}: {other:?}; it must be ENABLED or DISABLED."
        ))),
    }
}
