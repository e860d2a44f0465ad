//! The agent's own API for tasks: `$ECS_AGENT_URI/task-protection/v1/state`, and fault injection.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html>
//!
//! Calls go to the control plane with the credentials of the task's own role, as Amazon's agent makes them: a task may
//! do here what its role may do, and a task without a role may do nothing.

use std::time::Duration;

use api::ecs;
use http::StatusCode;
use serde_json::{Map, Value, json};
use wire::ServiceError;

use crate::control_plane::{CallError, ControlPlane};
use crate::credentials::{Credentials, RoleCredentials, RoleType};
use crate::tasks::task::Task;

/// How long the control plane may take.
const DEADLINE: Duration = Duration::from_secs(4);

/// Status and document of an answer.
pub type Reply = (StatusCode, Value);

/// What a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// How it is protected.
    Get,
    /// To be protected, or not.
    Update {
        /// Which.
        is_enabled: bool,
        /// For how long.
        expires_in_minutes: Option<i32>,
    },
}

impl Request {
    /// Reads the document of a PUT. Names are read in any case, as Go does it.
    ///
    /// # Errors
    /// The reply that says what is wrong.
    pub fn read(task_arn: &str, body: &[u8]) -> Result<Self, Reply> {
        let undecodable = || {
            error(
                "",
                "InvalidParameterException",
                "UpdateTaskProtection: failed to decode request",
            )
        };
        let members: Map<String, Value> = serde_json::from_slice(body).map_err(|_| bad(undecodable()))?;
        let (mut is_enabled, mut expires_in_minutes) = (None, None);
        for (name, value) in members {
            match (name.to_ascii_lowercase().as_str(), value) {
                ("protectionenabled" | "expiresinminutes", Value::Null) => {}
                ("protectionenabled", Value::Bool(it)) => is_enabled = Some(it),
                ("expiresinminutes", it) => {
                    let minutes = it.as_i64().and_then(|it| i32::try_from(it).ok());
                    expires_in_minutes = Some(minutes.ok_or_else(|| bad(undecodable()))?);
                }
                _ => return Err(bad(undecodable())),
            }
        }
        let missing = || {
            let text = "Invalid request: does not contain 'ProtectionEnabled' field";
            bad(error(task_arn, "InvalidParameterException", text))
        };
        Ok(Self::Update {
            is_enabled: is_enabled.ok_or_else(missing)?,
            expires_in_minutes,
        })
    }
}

/// No task has the endpoint id of a request.
pub fn unknown_task() -> Reply {
    let text = "Failed to find a task for the request";
    (
        StatusCode::NOT_FOUND,
        error("", "ResourceNotFoundException", text),
    )
}

/// Fault injection of a task, which no task here has enabled.
pub fn fault(task: Option<&Task>, endpoint_id: &str) -> Reply {
    match task {
        None => {
            let text = format!("unable to lookup container: {endpoint_id}");
            (StatusCode::NOT_FOUND, json!({ "Error": text }))
        }
        Some(task) => {
            let text = format!("enableFaultInjection is not enabled for task: {}", task.arn);
            bad(json!({ "Error": text }))
        }
    }
}

/// Does what a task asks for.
pub async fn answer(
    control_plane: &ControlPlane,
    credentials: &Credentials,
    region: &str,
    task: &Task,
    request: Request,
) -> Reply {
    let Some(role) = credentials.get(&task.arn, RoleType::Application) else {
        let text = "Invalid Request: no task IAM role credentials available for task";
        return (
            StatusCode::FORBIDDEN,
            error(&task.arn, "AccessDeniedException", text),
        );
    };
    let call = call(control_plane, &role, region, task, request);
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(reply) => reply,
        Err(_) => {
            let text = "Timed out calling ECS Task Protection API";
            (
                StatusCode::GATEWAY_TIMEOUT,
                error(&task.arn, "RequestCanceled", text),
            )
        }
    }
}

async fn call(
    control_plane: &ControlPlane,
    role: &RoleCredentials,
    region: &str,
    task: &Task,
    request: Request,
) -> Reply {
    let cluster = task.about.cluster_arn.clone();
    let tasks = vec![task.arn.clone()];
    match request {
        Request::Get => {
            let input = ecs::GetTaskProtectionInput {
                cluster,
                tasks: Some(tasks),
            };
            let answer = control_plane
                .call_as::<ecs::GetTaskProtection>(role, region, &input)
                .await;
            match answer {
                Ok(it) => outcome(&task.arn, it.protected_tasks, it.failures),
                Err(error) => refused(&task.arn, &error),
            }
        }
        Request::Update {
            is_enabled,
            expires_in_minutes,
        } => {
            let input = ecs::UpdateTaskProtectionInput {
                cluster,
                tasks,
                protection_enabled: is_enabled,
                expires_in_minutes,
            };
            let answer = control_plane
                .call_as::<ecs::UpdateTaskProtection>(role, region, &input)
                .await;
            match answer {
                Ok(it) => outcome(&task.arn, it.protected_tasks, it.failures),
                Err(error) => refused(&task.arn, &error),
            }
        }
    }
}

/// Members have the names of Amazon's SDK for Go, and are there although they say nothing.
pub fn outcome(
    task_arn: &str,
    protected: Option<Vec<ecs::ProtectedTask>>,
    failures: Option<Vec<ecs::Failure>>,
) -> Reply {
    if let Some(it) = failures.unwrap_or_default().first() {
        let failure = json!({ "Arn": it.arn, "Detail": it.detail, "Reason": it.reason });
        return (StatusCode::OK, json!({ "failure": failure }));
    }
    match protected.unwrap_or_default().first() {
        Some(it) => {
            let protection = json!({
                "ExpirationDate": it.expiration_date.map(|it| it.to_string()),
                "ProtectionEnabled": it.protection_enabled,
                "TaskArn": it.task_arn,
            });
            (StatusCode::OK, json!({ "protection": protection }))
        }
        None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            error(task_arn, "ServerException", "Unexpected error occurred"),
        ),
    }
}

fn refused<E: ServiceError>(task_arn: &str, failure: &CallError<E>) -> Reply {
    let status = failure.http_status().and_then(|it| StatusCode::from_u16(it).ok());
    let code = failure.code().unwrap_or("ServerException");
    (
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        error(task_arn, code, &failure.message()),
    )
}

fn bad(document: Value) -> Reply {
    (StatusCode::BAD_REQUEST, document)
}

fn error(task_arn: &str, code: &str, message: &str) -> Value {
    let mut error = json!({ "Code": code, "Message": message });
    if !task_arn.is_empty() {
        error["Arn"] = json!(task_arn);
    }
    json!({ "error": error })
}
