//! Credentials of the roles of tasks, made anew whenever an agent is told of them.

use std::time::Duration;

use api::acs;
use domain::TaskArn;
use domain::Timestamp;
use domain::access_key::RoleSession;
use domain::role::{Role, name_in_arn};
use domain::task::Task;
use domain::task_definition::TaskDefinition;
use store::State;

use crate::role_sessions::{Claims, RoleSessions};

#[cfg(test)]
mod tests;

/// How long credentials are good, as on Amazon.
const LIFETIME_SECONDS: i64 = 6 * 3600;
/// How often agents get new ones: long before the last have ended.
pub const REFRESH: Duration = Duration::from_secs(3600);

/// Whose credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleType {
    /// The containers'.
    Application,
    /// The agent's, for what it does on behalf of the task.
    Execution,
}

impl RoleType {
    /// The word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "TaskApplication",
            Self::Execution => "TaskExecution",
        }
    }
}

/// A task has a role that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being passed \
     has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
)]
pub struct Unassumable {
    /// The task.
    pub task: TaskArn,
    /// ARN of the role.
    pub role: String,
}

/// Who issues, and when.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// The keys.
    pub sessions: &'a RoleSessions,
    /// Credentials are good from now on.
    pub now: Timestamp,
}

impl Issuer<'_> {
    /// Credentials of all roles that a task has.
    ///
    /// # Errors
    /// [`Unassumable`].
    pub fn credentials(
        self,
        state: &State,
        task: &Task,
    ) -> Result<Vec<(RoleType, acs::IAMRoleCredentials)>, Unassumable> {
        let definition = state.get::<TaskDefinition>(&task.task_definition);
        let application = task.overrides.task_role_arn.as_ref();
        let execution = task.overrides.execution_role_arn.as_ref();
        let roles = [
            (
                RoleType::Application,
                application.or(definition.and_then(|it| it.task_role_arn.as_ref())),
            ),
            (
                RoleType::Execution,
                execution.or(definition.and_then(|it| it.execution_role_arn.as_ref())),
            ),
        ];
        let given = roles.into_iter().filter_map(|(kind, arn)| Some((kind, arn?)));
        given
            .map(|(kind, arn)| {
                let issued = role(state, task, arn).and_then(|it| self.issue(task, kind, it));
                let unassumable = || Unassumable {
                    task: task.arn.clone(),
                    role: arn.clone(),
                };
                Ok((kind, issued.ok_or_else(unassumable)?))
            })
            .collect()
    }

    fn issue(self, task: &Task, kind: RoleType, role: &Role) -> Option<acs::IAMRoleCredentials> {
        let claims = Claims {
            account: role.account.clone(),
            session: RoleSession {
                role: role.name.clone(),
                role_id: role.id.clone(),
                name: task.arn.name().to_owned(),
            },
            expires_at: self.now.as_second() + LIFETIME_SECONDS,
        };
        let issued = self.sessions.issue(&claims);
        let issued = issued
            .inspect_err(|error| tracing::error!(%error, "cannot issue credentials"))
            .ok()?;
        Some(acs::IAMRoleCredentials {
            credentials_id: Some(self.sessions.credentials_id(task.arn.as_str(), kind.as_str())),
            role_arn: Some(role.arn()),
            access_key_id: Some(issued.access_key_id),
            secret_access_key: Some(issued.secret_access_key),
            session_token: Some(issued.session_token),
            expiration: Some(issued.expires_at.to_string()),
            credential_scope: None,
        })
    }
}

/// The role of an ARN, if it is there and is of the task's account.
fn role<'s>(state: &'s State, task: &Task, arn: &str) -> Option<&'s Role> {
    let account = task.arn.scope().account;
    let role = state.role(&account, name_in_arn(&account, arn)?)?;
    // A task definition may name a role without its path.
    let is_it = role.arn() == arn || arn == format!("arn:aws:iam::{account}:role/{}", role.name);
    is_it.then_some(&**role)
}
