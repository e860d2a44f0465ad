//! A deployment whose tasks keep failing is given up.

use domain::service::{Rollout, Service, ServiceStatus};
use domain::task::{HealthStatus, Task, TaskContainer};
use store::Tx;

use super::plan::Counts;
use crate::transitions::{fail_service_deployment, is_hopeless};

/// Last lines of a container that a reason quotes.
const LINES_QUOTED: usize = 5;
/// Longest quotation, in characters.
const QUOTATION_MAX: usize = 500;

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The deployment goes on.
    GoesOn,
    /// It has just been given up; there may be another in front now.
    GivenUp,
    /// It was given up before: nothing is started for it any more.
    WasGivenUp,
}

/// Counts good news, then looks whether too many tasks of the PRIMARY deployment have failed. Amazon stops to count
/// starts that fail once one task runs; here a task that gets healthy sets the count to 0, and counting goes on, so
/// that a deployment of which only a part ever runs does not go on for ever.
pub fn look(tx: &mut Tx<'_>, service: &mut Service, counts: &Counts) -> Verdict {
    let desired_count = service.desired_count;
    let breaker = service.deployment_configuration.circuit_breaker;
    let is_open = service.status == ServiceStatus::Active;
    let Some(primary) = service.deployments.first_mut().filter(|_| is_open) else {
        return Verdict::GoesOn;
    };
    let healthy = counts.primary.running.saturating_sub(counts.unproven);
    if healthy > primary.healthy_tasks && breaker.resets_on_healthy_task() {
        primary.failed_tasks = 0;
        primary.first_failed_task = None;
    }
    primary.healthy_tasks = healthy;
    match primary.rollout {
        Rollout::Failed => return Verdict::WasGivenUp,
        Rollout::InProgress if breaker.enable => {}
        _ => return Verdict::GoesOn,
    }
    let failed = primary.first_failed_task.as_ref();
    let failed = failed.and_then(|it| tx.state().get::<Task>(it)).cloned();
    let hopeless = failed
        .as_ref()
        .and_then(|it| it.stop.as_deref())
        .is_some_and(is_hopeless);
    if primary.failed_tasks < breaker.threshold(desired_count) && !hopeless {
        return Verdict::GoesOn;
    }
    let mut reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    if let Some(task) = failed {
        reason.push_str(" First failed ");
        reason.push_str(&told(&task));
    }
    fail_service_deployment(tx, service, &reason);
    Verdict::GivenUp
}

/// What became of a task that failed.
pub fn told(task: &Task) -> String {
    let stop = task.stop.as_ref().map_or("it stopped", |it| it.reason.as_str());
    let mut told = format!("(task {}): {}", task.arn.name(), stop.trim_end_matches('.'));
    let mut containers = task.containers.iter();
    if let Some(container) = containers.find(|it| it.exit_code.is_some_and(|code| code != 0)) {
        let code = container.exit_code.unwrap_or_default();
        told.push_str(&format!("; container {} exited with code {code}", container.name));
        told.push_str(&quoted(container));
    }
    told.push('.');
    let mut containers = task.containers.iter().filter_map(|it| it.health.as_ref());
    if let Some(health) = containers.find(|it| it.status == HealthStatus::Unhealthy) {
        told.push_str(&format!(" Its health check said: {}", shortened(&health.output)));
    }
    told
}

fn quoted(container: &TaskContainer) -> String {
    let lines = &container.last_lines;
    let last = &lines[lines.len().saturating_sub(LINES_QUOTED)..];
    if last.is_empty() {
        return String::new();
    }
    format!(" after saying: {}", shortened(&last.join(" / ")))
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(QUOTATION_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
