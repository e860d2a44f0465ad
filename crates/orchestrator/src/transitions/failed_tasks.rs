//! What failing tasks of a service come to: the next start waits, and their deployment counts them.

use std::time::Duration;

use domain::Timestamp;
use domain::service::Service;
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_load_balancer::TaskTargetState;
use domain::task::{Stop, StopCode, Task};
use store::Tx;

use super::services::record_action;

/// A task that ends sooner than this counts as a failed start: replacing it at once would only burn the machine.
const SHORT_LIFE: Duration = Duration::from_secs(5);
/// Wait after the second failed start in a row; it doubles with each further one.
const THROTTLE_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between starts that fail, as on Amazon.
const THROTTLE_MAX: Duration = Duration::from_secs(15 * 60);

/// So many failed starts in a row are announced.
const IMPAIRED_AFTER: u32 = 3;
/// Amazon's words for it.
const IMPAIRED: &str = "is unable to consistently start tasks successfully. For more information, see the \
                        Troubleshooting section of the Amazon ECS Developer Guide.";

/// Beginnings and contents of reasons that no second try heals: somebody has to change something.
const HOPELESS: [(&str, &[&str]); 4] = [
    (
        "CannotPullContainerError",
        &[
            "not found",
            "manifest unknown",
            "No such image",
            "invalid reference format",
            "does not contain descriptor matching platform",
        ],
    ),
    (
        "ResourceInitializationError",
        &[
            "ResourceNotFoundException",
            "ParameterNotFound",
            "invalid ssm parameters",
            "is not supported by this agent",
        ],
    ),
    (
        "CannotStartContainerError",
        &[
            "executable file not found",
            "no such file or directory",
            "permission denied",
        ],
    ),
    (
        "CannotCreateContainerError",
        &[
            "executable file not found",
            "unable to find user",
            "unable to find group",
        ],
    ),
];

/// Whether starting the like of a task again cannot succeed either.
pub fn is_hopeless(stop: &Stop) -> bool {
    stop.code == StopCode::TaskFailedToStart
        && HOPELESS.iter().any(|(kind, contents)| {
            stop.reason.starts_with(kind) && contents.iter().any(|it| stop.reason.contains(it))
        })
}

/// Counts a task of a deployment that failed. The caller stores the service.
pub fn count_failure(service: &mut Service, task: &Task, now: Timestamp) {
    let mut deployments = service.deployments.iter_mut();
    let Some(it) = deployments.find(|it| task.started_by.as_ref() == Some(&it.id)) else {
        return;
    };
    it.failed_tasks += 1;
    it.updated_at = now;
    if it.first_failed_task.is_none() || task.stop.as_deref().is_some_and(is_hopeless) {
        it.first_failed_task = Some(task.arn.clone());
    }
}

/// Learns from the end of a service's task whether starting more makes sense now.
pub(super) fn record_start(tx: &mut Tx<'_>, task: &Task) {
    let Some(known) = task.service.as_ref().and_then(|arn| tx.get::<Service>(arn)) else {
        return;
    };
    let was_wished = task.stop.as_ref().is_some_and(|it| {
        matches!(
            it.code,
            StopCode::ServiceSchedulerInitiated | StopCode::UserInitiated
        )
    });
    // One that no target group takes is stopped by its service, which has counted it: the next fares no better.
    let is_refused = task.targets.iter().any(|it| it.state == TaskTargetState::Refused);
    if was_wished && !is_refused {
        return;
    }
    let now = tx.now();
    let lived = task
        .times
        .started_at
        .map(|it| Duration::try_from(now.duration_since(it)).unwrap_or_default());
    let mut service = (*known).clone();
    let has_lived = !is_refused && lived.is_some_and(|it| it >= SHORT_LIFE);
    let of_mine = |id: &String| Some(id) == task.started_by.as_ref();
    let mut others = service.deployments.iter_mut().skip(1);
    let failed_starts = if let Some(it) = service.task_sets.iter_mut().find(|it| of_mine(&it.id)) {
        (it.failed_starts, it.throttled_until) = pace(it.failed_starts, has_lived, now);
        it.failed_starts
    } else if let Some(it) = others.find(|it| of_mine(&it.id)) {
        // What fails of an older revision says nothing of the newest.
        (it.starts.failed, it.starts.throttled_until) = pace(it.starts.failed, has_lived, now);
        it.starts.failed
    } else {
        (service.failed_starts, service.throttled_until) = pace(service.failed_starts, has_lived, now);
        service.failed_starts
    };
    if !has_lived {
        if !was_wished {
            count_failure(&mut service, task, now);
        }
        if failed_starts == IMPAIRED_AFTER {
            announce_impaired(tx, &mut service, task);
        }
    }
    if service != *known {
        tx.put(service);
    }
}

/// Said once, until a task has lived or another deployment begins.
fn announce_impaired(tx: &mut Tx<'_>, service: &mut Service, task: &Task) {
    let reason = task.stop.as_ref().map_or("", |it| it.reason.as_str());
    let message = format!(
        "{IMPAIRED} {IMPAIRED_AFTER} starts failed one after the other, the last (task {}): {reason}",
        task.arn.name()
    );
    let action = ServiceAction {
        tasks: vec![task.arn.to_string()],
        ..ServiceAction::of(ServiceActionName::ServiceTaskStartImpaired)
    };
    record_action(tx, service, &message, action);
}

/// How many starts have failed in a row, and until when the next one waits.
fn pace(failed_starts: u32, has_lived: bool, now: Timestamp) -> (u32, Option<Timestamp>) {
    if has_lived {
        return (0, None);
    }
    let failed_starts = failed_starts.saturating_add(1);
    (failed_starts, Some(now + throttle(failed_starts)))
}

/// The first failure is replaced at once.
fn throttle(failed_starts: u32) -> Duration {
    match failed_starts.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => THROTTLE_FIRST
            .saturating_mul(1 << doublings.min(16))
            .min(THROTTLE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_starts_are_throttled_up_to_fifteen_minutes() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 4, 11, 12, 40, u32::MAX]
            .map(|it| throttle(it).as_secs())
            .to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900, 900]);
    }
}
