//! What CreateService and UpdateService say, checked member by member.

use api::ecs;
use domain::circuit_breaker::{CircuitBreaker, Threshold};
use domain::service::{DeploymentAlarms, DeploymentConfiguration, PropagateTags};
use domain::service_scheduling::SchedulingStrategy;
use domain::task_definition::{LaunchType, TaskDefinition};

use super::strategy;
use crate::handlers::ecs::errors::{invalid_parameter, refuse_unbuilt, unsupported};

/// Most tasks of a service.
const DESIRED_COUNT_MAX: u32 = 5000;

/// A desired count.
///
/// # Errors
/// InvalidParameterException without one, or out of bounds.
pub fn desired_count(given: Option<i32>) -> Result<u32, ecs::Error> {
    let Some(given) = given else {
        return Err(invalid_parameter(
            "Desired count cannot be null for a service with the REPLICA scheduling strategy: give desiredCount.",
        ));
    };
    let count = u32::try_from(given).ok().filter(|it| *it <= DESIRED_COUNT_MAX);
    count.ok_or_else(|| {
        invalid_parameter(format!(
            "Desired count cannot be negative or above {DESIRED_COUNT_MAX}, it is {given}."
        ))
    })
}

/// How many tasks a service keeps.
pub fn scheduling_strategy(given: Option<&ecs::SchedulingStrategy>) -> SchedulingStrategy {
    match given.map(|it| it.as_str()) {
        Some("DAEMON") => SchedulingStrategy::Daemon,
        _ => SchedulingStrategy::Replica,
    }
}

/// Bounds of a new service that says nothing of them. One of the DAEMON strategy stops before it starts.
pub fn default_bounds(scheduling: SchedulingStrategy) -> DeploymentConfiguration {
    match scheduling {
        SchedulingStrategy::Replica => DeploymentConfiguration::default(),
        SchedulingStrategy::Daemon => DeploymentConfiguration {
            maximum_percent: 100,
            minimum_healthy_percent: 0,
            ..DeploymentConfiguration::default()
        },
    }
}

/// Bounds of a deployment: what is not given stays as it was.
///
/// # Errors
/// InvalidParameterException out of bounds.
pub fn bounds(
    given: Option<&ecs::DeploymentConfiguration>,
    before: DeploymentConfiguration,
) -> Result<DeploymentConfiguration, ecs::Error> {
    let Some(given) = given else { return Ok(before) };
    let percent = |value: Option<i32>, before: u32| match value {
        None => Ok(before),
        Some(value) => u32::try_from(value)
            .map_err(|_| invalid_parameter("maximumPercent and minimumHealthyPercent cannot be negative.")),
    };
    let maximum_percent = percent(given.maximum_percent, before.maximum_percent)?;
    let minimum_healthy_percent = percent(given.minimum_healthy_percent, before.minimum_healthy_percent)?;
    if minimum_healthy_percent > 100 {
        return Err(invalid_parameter("minimumHealthyPercent cannot be above 100."));
    }
    if maximum_percent < 100 {
        return Err(invalid_parameter("maximumPercent must be at least 100."));
    }
    if maximum_percent == 100 && minimum_healthy_percent == 100 {
        return Err(invalid_parameter(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    Ok(DeploymentConfiguration {
        maximum_percent,
        minimum_healthy_percent,
        circuit_breaker: match &given.deployment_circuit_breaker {
            Some(given) => circuit_breaker(given)?,
            None => before.circuit_breaker,
        },
        strategy: strategy::strategy(given, before)?,
        bake_minutes: match given.bake_time_in_minutes {
            Some(minutes) => strategy::minutes("bakeTimeInMinutes", minutes)?,
            None => before.bake_minutes,
        },
    })
}

/// Alarms, which are kept as long as they are not enabled; `None` if nothing is said of them.
///
/// # Errors
/// UnsupportedFeatureException for those that are to be watched.
pub fn alarms(given: Option<&ecs::DeploymentConfiguration>) -> Result<Option<DeploymentAlarms>, ecs::Error> {
    let Some(given) = given.and_then(|it| it.alarms.as_ref()) else {
        return Ok(None);
    };
    refuse_unbuilt(&[("alarms", given.enable)])?;
    Ok(Some(DeploymentAlarms {
        names: given.alarm_names.clone(),
        rollback: given.rollback,
    }))
}

/// A circuit breaker.
///
/// # Errors
/// InvalidParameterException for a threshold that nothing or everything reaches.
fn circuit_breaker(given: &ecs::DeploymentCircuitBreaker) -> Result<CircuitBreaker, ecs::Error> {
    let threshold = given
        .threshold_configuration
        .as_ref()
        .map(threshold)
        .transpose()?;
    Ok(CircuitBreaker {
        enable: given.enable,
        rollback: given.rollback,
        reset_on_healthy_task: given.reset_on_healthy_task,
        threshold,
    })
}

fn threshold(given: &ecs::ThresholdConfiguration) -> Result<Threshold, ecs::Error> {
    let value = u32::try_from(given.value).ok().filter(|it| *it > 0);
    let value = value.ok_or_else(|| {
        invalid_parameter(format!(
            "The value of thresholdConfiguration must be above 0, it is {}.",
            given.value
        ))
    })?;
    let percent = |of: fn(u32) -> Threshold| match value {
        1..=100 => Ok(of(value)),
        _ => Err(invalid_parameter(format!(
            "The value of thresholdConfiguration is a percentage and cannot be above 100, it is {value}."
        ))),
    };
    match &given.r#type {
        ecs::ThresholdType::Count => Ok(Threshold::Count(value)),
        ecs::ThresholdType::BoundedPercent => percent(Threshold::BoundedPercent),
        ecs::ThresholdType::UnboundedPercent => percent(Threshold::UnboundedPercent),
        ecs::ThresholdType::Unmodelled(other) => Err(invalid_parameter(format!(
            "The type of thresholdConfiguration must be COUNT, BOUNDED_PERCENT or UNBOUNDED_PERCENT, not {other:?}."
        ))),
    }
}

/// The launch type: EC2 if none is given.
///
/// # Errors
/// InvalidParameterException for one that the definition does not support.
pub fn launch_type(
    given: Option<&ecs::LaunchType>,
    definition: &TaskDefinition,
) -> Result<LaunchType, ecs::Error> {
    let launch_type = match given.map(ecs::LaunchType::as_str) {
        None | Some("EC2") => LaunchType::Ec2,
        Some("FARGATE") => LaunchType::Fargate,
        Some("EXTERNAL") => LaunchType::External,
        Some("MANAGED_INSTANCES") => return Err(unsupported("launchType MANAGED_INSTANCES")),
        Some(other) => return Err(invalid_parameter(format!("Invalid launch type: {other:?}."))),
    };
    if !definition.compatibilities.contains(&launch_type) {
        return Err(invalid_parameter(format!(
            "Task definition does not support launch_type {}.",
            launch_type.as_str()
        )));
    }
    Ok(launch_type)
}

/// Version of FARGATE's platform, as it reads back. Amazon has retired those before 1.4.0:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-versions-retired.html>
///
/// # Errors
/// InvalidParameterException elsewhere than on FARGATE; PlatformUnknownException.
pub fn platform_version(given: Option<&str>, launch_type: LaunchType) -> Result<Option<String>, ecs::Error> {
    match (launch_type, given) {
        (LaunchType::Fargate, None | Some("LATEST" | "1.4.0")) => {
            Ok(Some(given.unwrap_or("LATEST").to_owned()))
        }
        (LaunchType::Fargate, Some(other)) => Err(ecs::Error::PlatformUnknownException(
            ecs::PlatformUnknownException {
                message: Some(format!(
                    "The specified platform does not exist. Use the platform version LATEST or 1.4.0, not {other}."
                )),
            },
        )),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(invalid_parameter(
            "The platform version must be null when specifying an EC2 or EXTERNAL launch type.",
        )),
    }
}

/// Whose tags the tasks get; NONE if nothing is given.
///
/// # Errors
/// InvalidParameterException for another word.
pub fn propagate_tags(given: Option<&ecs::PropagateTags>) -> Result<PropagateTags, ecs::Error> {
    match given.map(ecs::PropagateTags::as_str) {
        None | Some("NONE") => Ok(PropagateTags::None),
        Some("SERVICE") => Ok(PropagateTags::Service),
        Some("TASK_DEFINITION") => Ok(PropagateTags::TaskDefinition),
        Some(other) => Err(invalid_parameter(format!("Invalid propagateTags: {other:?}."))),
    }
}
