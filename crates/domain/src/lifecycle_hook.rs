//! Lifecycle hooks: who is asked before a deployment leaves a stage, and what came of it.

use serde::{Deserialize, Serialize};

use crate::deployment_lifecycle::LifecycleStage;
use crate::{TaskArn, TaskDefinitionArn, Timestamp};

#[cfg(test)]
mod tests;

/// Somebody who is asked before a deployment leaves a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleHook {
    /// Who.
    pub target: HookTarget,
    /// As given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// When.
    pub stages: Vec<LifecycleStage>,
    /// JSON that is told as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How long an answer is waited for, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HookTimeout>,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookTarget {
    /// Somebody who calls ContinueServiceDeployment.
    Pause,
    /// An HTTP endpoint, which gets what a Lambda function would and answers as one.
    Webhook(String),
    /// A task, which has to end with exit code 0.
    Task(TaskDefinitionArn),
}

impl HookTarget {
    /// What the API shows as the target's ARN.
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::Pause => None,
            Self::Webhook(url) => Some(url.clone()),
            Self::Task(arn) => Some(arn.to_string()),
        }
    }
}

/// How long the answer of a hook is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookTimeout {
    /// So long; 24 hours if not given.
    pub minutes: Option<u32>,
    /// What then; back if not given.
    pub action: Option<HookAction>,
}

/// What becomes of a deployment that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookAction {
    /// It goes on.
    Continue,
    /// The service goes back.
    Rollback,
}

impl HookAction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Rollback => "ROLLBACK",
        }
    }
}

/// Minutes an answer is waited for if nothing is given.
const HOOK_MINUTES: u32 = 24 * 60;

impl LifecycleHook {
    /// Minutes an answer is waited for.
    pub fn minutes(&self) -> u32 {
        self.timeout.and_then(|it| it.minutes).unwrap_or(HOOK_MINUTES)
    }

    /// What happens without an answer.
    pub fn action(&self) -> HookAction {
        let given = self.timeout.and_then(|it| it.action);
        given.unwrap_or(HookAction::Rollback)
    }
}

/// A hook that is asked in the current stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// `ecs-pause-…` or `ecs-hook-…`.
    pub id: String,
    /// Who is asked.
    pub hook: LifecycleHook,
    /// What came of it so far.
    pub status: HookStatus,
    /// An answer is waited for until then.
    pub expires_at: Timestamp,
    /// A webhook is not called before.
    pub due_at: Timestamp,
    /// The task, where it is one that has been started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// Why it failed, or has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What has come of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookStatus {
    /// A pause that nobody has ended.
    AwaitingAction,
    /// It is being asked.
    InProgress,
    /// It agrees.
    Succeeded,
    /// It objects, or cannot be asked.
    Failed,
    /// It has not answered in time.
    TimedOut,
}

impl HookStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// Whether an answer is still waited for.
    pub fn is_open(self) -> bool {
        matches!(self, Self::AwaitingAction | Self::InProgress)
    }
}

impl HookRun {
    /// Whether the deployment may go on as far as this hook is concerned.
    pub fn agrees(&self) -> bool {
        match self.status {
            HookStatus::Succeeded => true,
            HookStatus::TimedOut => self.hook.action() == HookAction::Continue,
            _ => false,
        }
    }

    /// Whether the deployment has to be given up because of this hook.
    pub fn objects(&self) -> bool {
        !self.status.is_open() && !self.agrees()
    }
}
