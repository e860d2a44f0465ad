//! Timeouts, restarts and versions of one container.

use api::ecs;
use domain::container_definition::{Dependency, DependencyCondition, RestartPolicy};

use super::containers::{bounded, setting};
use crate::handlers::ecs::errors::client;

/// Most exit codes that a restart policy ignores.
const IGNORED_EXIT_CODES_MAX: usize = 50;

/// Checks a restart policy.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html>
///
/// # Errors
/// ClientException.
pub fn restart_policy(
    container: &str,
    it: &ecs::ContainerRestartPolicy,
) -> Result<RestartPolicy, ecs::Error> {
    if it.ignored_exit_codes.as_ref().map_or(0, Vec::len) > IGNORED_EXIT_CODES_MAX {
        return Err(setting(
            container,
            &format!("'ignoredExitCodes' must have at most {IGNORED_EXIT_CODES_MAX} items."),
        ));
    }
    let period = it.restart_attempt_period;
    if period.is_some_and(|it| !(60..=1800).contains(&it)) {
        return Err(client(format!(
            "the 'restartAttemptPeriod' setting for container '{container}' must be between 60 and 1800"
        )));
    }
    Ok(RestartPolicy {
        enabled: it.enabled,
        ignored_exit_codes: it.ignored_exit_codes.clone(),
        restart_attempt_period_seconds: period.and_then(|it| u32::try_from(it).ok()),
    })
}

/// What a container waits for.
///
/// # Errors
/// ClientException.
pub fn dependency(container: &str, it: &ecs::ContainerDependency) -> Result<Dependency, ecs::Error> {
    let condition = match &it.condition {
        ecs::ContainerCondition::Start => DependencyCondition::Start,
        ecs::ContainerCondition::Complete => DependencyCondition::Complete,
        ecs::ContainerCondition::Success => DependencyCondition::Success,
        ecs::ContainerCondition::Healthy => DependencyCondition::Healthy,
        ecs::ContainerCondition::Unmodelled(other) => {
            return Err(setting(
                container,
                &format!(
                    "The condition of a dependency must be START, COMPLETE, SUCCESS or HEALTHY, not {other:?}."
                ),
            ));
        }
    };
    Ok(Dependency {
        container_name: it.container_name.clone(),
        condition,
    })
}

/// Seconds of a timeout.
///
/// # Errors
/// ClientException.
pub fn timeout(container: &str, member: &str, value: Option<i32>) -> Result<Option<u32>, ecs::Error> {
    bounded(container, member, value, 0..=i32::MAX)
}

/// `versionConsistency`
///
/// # Errors
/// ClientException.
pub fn is_version_consistent(
    container: &str,
    it: Option<&ecs::VersionConsistency>,
) -> Result<Option<bool>, ecs::Error> {
    match it {
        None => Ok(None),
        Some(ecs::VersionConsistency::Enabled) => Ok(Some(true)),
        Some(ecs::VersionConsistency::Disabled) => Ok(Some(false)),
        Some(ecs::VersionConsistency::Unmodelled(_)) => Err(setting(
            container,
            "'versionConsistency' must be 'enabled' or 'disabled'.",
        )),
    }
}
