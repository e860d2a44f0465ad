//! Credentials of the roles of tasks: in memory only. After a restart of the agent they come again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::acs;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

#[cfg(test)]
mod tests;

/// How long an action waits for the credentials that it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleType {
    /// The containers'.
    Application,
    /// The agent's, on behalf of the task.
    Execution,
}

impl RoleType {
    /// The word in messages.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "TaskApplication" => Some(Self::Application),
            "TaskExecution" => Some(Self::Execution),
            _ => None,
        }
    }
}

/// Credentials of one role of a task.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleCredentials {
    /// Stays the same when the rest is renewed.
    pub id: String,
    /// The role.
    pub role_arn: String,
    /// `ASIA…`
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: String,
    /// Goes with each request.
    pub session_token: String,
    /// When they end, as the control plane wrote it.
    pub expiration: String,
}

impl std::fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither secret nor id: who knows the id may ask for the secret.
        f.debug_struct("RoleCredentials")
            .field("role_arn", &self.role_arn)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

impl RoleCredentials {
    /// Those of a message; `None` without an id.
    pub fn read(given: &acs::IAMRoleCredentials) -> Option<Self> {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let id = given.credentials_id.clone().filter(|it| !it.is_empty())?;
        Some(Self {
            id,
            role_arn: text(&given.role_arn),
            access_key_id: text(&given.access_key_id),
            secret_access_key: text(&given.secret_access_key),
            session_token: text(&given.session_token),
            expiration: text(&given.expiration),
        })
    }
}

/// Credentials in the task of a payload.
pub fn of_payload(task: &Value) -> Vec<(RoleType, RoleCredentials)> {
    let members = [
        ("roleCredentials", RoleType::Application),
        ("executionRoleCredentials", RoleType::Execution),
    ];
    let read = |member: &str| {
        let bytes = serde_json::to_vec(task.get(member)?).ok()?;
        RoleCredentials::read(&wire::json::decode::<acs::IAMRoleCredentials>(&bytes).ok()?)
    };
    let found = members
        .into_iter()
        .filter_map(|(member, kind)| Some((kind, read(member)?)));
    found.collect()
}

/// Those of all tasks of this host.
#[derive(Default)]
pub struct Credentials {
    of_tasks: Mutex<BTreeMap<(String, RoleType), Arc<RoleCredentials>>>,
    changes: watch::Sender<u64>,
}

impl Credentials {
    /// Takes new ones over.
    pub fn put(&self, task_arn: &str, kind: RoleType, credentials: RoleCredentials) {
        let key = (task_arn.to_owned(), kind);
        self.of_tasks.lock().insert(key, Arc::new(credentials));
        self.changes.send_modify(|it| *it += 1);
    }

    /// The task is over.
    pub fn forget(&self, task_arn: &str) {
        self.of_tasks.lock().retain(|(arn, _), _| arn != task_arn);
    }

    /// Those of a role of a task.
    pub fn get(&self, task_arn: &str, kind: RoleType) -> Option<Arc<RoleCredentials>> {
        self.of_tasks.lock().get(&(task_arn.to_owned(), kind)).cloned()
    }

    /// Those of a task's containers, if they have that id.
    pub fn of_application(&self, task_id: &str, id: &str) -> Option<Arc<RoleCredentials>> {
        let of_tasks = self.of_tasks.lock();
        let mut mine = of_tasks.iter().filter(|((arn, kind), _)| {
            *kind == RoleType::Application && arn.rsplit('/').next() == Some(task_id)
        });
        mine.find(|(_, it)| it.id == id).map(|(_, it)| it.clone())
    }

    /// The same; waits for them for a while, since after a restart they are on their way.
    pub async fn wait_for(&self, task_arn: &str, kind: RoleType) -> Option<Arc<RoleCredentials>> {
        let mut changes = self.changes.subscribe();
        let arrived = async {
            loop {
                if let Some(found) = self.get(task_arn, kind) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.ok().flatten()
    }
}
