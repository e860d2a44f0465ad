//! What a deployment waits for, or where it goes next. Pure.

use std::time::Duration;

use domain::Timestamp;
use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DeploymentError, DeploymentStatus, ErrorCode,
};
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::{HookRun, HookStatus};

use crate::controllers::Next;

#[cfg(test)]
mod tests;

/// How long the replacement task set may take to get its tasks, as on Amazon:
/// <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html>
pub const INSTALL_DEADLINE: Duration = Duration::from_secs(60 * 60);
/// How long the end of a task set that is deleted is waited for.
pub const TERMINATE_DEADLINE: Duration = Duration::from_secs(60 * 60);
/// Starts of the replacement's tasks that fail one after the other until the deployment is given up.
pub const FAILED_STARTS_MAX: u32 = 10;

/// How the task sets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The service can be deployed to.
    pub is_service_active: bool,
    /// The replacement has all its tasks, and they are healthy.
    pub is_installed: bool,
    /// Starts of its tasks that failed one after the other.
    pub failed_starts: u32,
    /// The task set that is deleted at the end has no tasks any more.
    pub is_terminated: bool,
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays where it is.
    Wait(Next),
    /// It enters a stage.
    Enter(Stage),
    /// More production traffic is shifted.
    Shift,
    /// It is given up.
    Fail(DeploymentError),
    /// Nobody has continued it.
    Stop(DeploymentError),
    /// All is done.
    Succeed,
}

/// Looks at a deployment that has not ended, and whose hook has been asked.
pub fn step(deployment: &CodeDeployDeployment, observed: Observed, now: Timestamp) -> Step {
    if deployment.status == DeploymentStatus::Created {
        return Step::Enter(deployment.stage);
    }
    if !observed.is_service_active {
        return fail(
            ErrorCode::EcsUpdateError,
            "The Amazon ECS service is not ACTIVE any more.".to_owned(),
        );
    }
    if let Some(hook) = deployment.event().and_then(|it| it.hook.as_ref()) {
        match of_hook(hook, deployment.stage, now) {
            Some(step) => return step,
            None => return onward(deployment),
        }
    }
    let since = deployment.stage_since;
    let rest = |minutes: u32| until(since + Duration::from_secs(60 * u64::from(minutes)), now);
    match deployment.stage {
        Stage::Install => install(observed, until(since + INSTALL_DEADLINE, now)),
        Stage::ReadyWait if deployment.is_continued => None,
        Stage::ReadyWait => Some(match rest(deployment.blue_green.ready_minutes.unwrap_or(0)) {
            Duration::ZERO => Step::Stop(not_continued(deployment)),
            rest => Step::Wait(Next::After(rest)),
        }),
        Stage::AllowTraffic if deployment.creator == Creator::User && !deployment.has_all_traffic() => {
            Some(match rest(deployment.routing.interval()) {
                Duration::ZERO => Step::Shift,
                rest => Step::Wait(Next::After(rest)),
            })
        }
        Stage::TerminationWait if !deployment.is_continued => {
            match rest(deployment.blue_green.termination_minutes.unwrap_or(0)) {
                Duration::ZERO => None,
                rest => Some(Step::Wait(Next::After(rest))),
            }
        }
        Stage::Terminate if !observed.is_terminated => match until(since + TERMINATE_DEADLINE, now) {
            // The traffic is where it belongs: the service goes on stopping tasks.
            Duration::ZERO => None,
            rest => Some(Step::Wait(Next::After(rest))),
        },
        _ => None,
    }
    .unwrap_or_else(|| onward(deployment))
}

/// `None`: on to the next stage.
fn install(observed: Observed, rest: Duration) -> Option<Step> {
    if observed.is_installed {
        return None;
    }
    if observed.failed_starts >= FAILED_STARTS_MAX {
        let message = format!(
            "The deployment failed because tasks of the replacement task set failed to start: {} one after the other.",
            observed.failed_starts
        );
        return Some(fail(ErrorCode::EcsUpdateError, message));
    }
    if rest.is_zero() {
        let message = "The deployment timed out while waiting for the replacement task set to become healthy. This \
                       time out period is 60 minutes.";
        return Some(fail(ErrorCode::Timeout, message.to_owned()));
    }
    Some(Step::Wait(Next::After(rest)))
}

fn onward(deployment: &CodeDeployDeployment) -> Step {
    deployment.next_stage().map_or(Step::Succeed, Step::Enter)
}

/// `None`: the hook agrees.
fn of_hook(hook: &HookRun, stage: Stage, now: Timestamp) -> Option<Step> {
    let why = match hook.status {
        HookStatus::Succeeded => return None,
        HookStatus::Failed => hook.reason.clone().unwrap_or_else(|| "it said no.".to_owned()),
        HookStatus::TimedOut => unanswered(hook),
        HookStatus::InProgress | HookStatus::AwaitingAction => match until(hook.expires_at, now) {
            Duration::ZERO => unanswered(hook),
            rest => return Some(Step::Wait(Next::After(rest))),
        },
    };
    let message = format!(
        "The hook of the lifecycle event {} failed. {}: {why}",
        stage.as_str(),
        hook.hook.target.arn().as_deref().unwrap_or(&hook.id)
    );
    Some(fail(ErrorCode::HookExecutionFailure, message))
}

fn unanswered(hook: &HookRun) -> String {
    let before = hook.reason.as_deref().unwrap_or_default();
    let text = format!("no answer within {} minutes. {before}", hook.hook.minutes());
    text.trim_end().to_owned()
}

fn not_continued(deployment: &CodeDeployDeployment) -> DeploymentError {
    DeploymentError {
        code: ErrorCode::Timeout,
        message: format!(
            "The deployment was stopped because nobody continued it within {} minutes.",
            deployment.blue_green.ready_minutes.unwrap_or(0)
        ),
    }
}

fn fail(code: ErrorCode, message: String) -> Step {
    Step::Fail(DeploymentError { code, message })
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now)).unwrap_or_default()
}
