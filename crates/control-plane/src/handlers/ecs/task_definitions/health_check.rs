//! Health checks of containers: bounds and defaults.

use api::ecs;
use domain::container_definition::HealthCheck;

use super::containers::{bounded, setting};

/// Checks a health check and fills what it leaves out.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>
///
/// # Errors
/// ClientException.
pub fn parse(container: &str, it: &ecs::HealthCheck) -> Result<HealthCheck, ecs::Error> {
    let words = it.command.iter().filter(|it| !it.is_empty()).count();
    let is_command = match it.command.first().map(String::as_str) {
        Some("CMD" | "CMD-SHELL") => words > 1,
        Some("NONE") => words == 1,
        _ => false,
    };
    if !is_command {
        return Err(setting(
            container,
            "The health check command must begin with CMD or CMD-SHELL and name what to run.",
        ));
    }
    let interval = bounded(container, "healthCheck.interval", it.interval, 5..=300)?;
    let timeout = bounded(container, "healthCheck.timeout", it.timeout, 2..=120)?;
    let retries = bounded(container, "healthCheck.retries", it.retries, 1..=10)?;
    Ok(HealthCheck {
        command: it.command.clone(),
        interval_seconds: interval.unwrap_or(30),
        timeout_seconds: timeout.unwrap_or(5),
        retries: retries.unwrap_or(3),
        start_period_seconds: bounded(container, "healthCheck.startPeriod", it.start_period, 0..=300)?,
    })
}
