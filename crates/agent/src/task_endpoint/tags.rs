//! Tags of a task and of its container instance, as `taskWithTags` shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use api::ecs;
use serde_json::{Map, Value, json};

use super::path::Version;
use crate::control_plane::{CallError, ControlPlane};

/// How long the control plane may take.
const DEADLINE: Duration = Duration::from_secs(4);

/// Adds the tags, asked for in the agent's own name, and in version 4 what went wrong with that.
pub async fn add(
    shown: &mut Map<String, Value>,
    control_plane: &ControlPlane,
    task_arn: &str,
    container_instance_arn: Option<&str>,
    version: Version,
) {
    let mut errors = Vec::new();
    let resources = [
        ("ContainerInstanceTags", container_instance_arn),
        ("TaskTags", Some(task_arn)),
    ];
    for (field, arn) in resources {
        let Some(arn) = arn else { continue };
        match tags(control_plane, arn).await {
            Ok(tags) if tags.is_empty() => {}
            Ok(tags) => drop(shown.insert(field.to_owned(), json!(tags))),
            Err(failure) => {
                tracing::warn!(%arn, message = failure.message, "the tags of a resource cannot be told");
                errors.push(failure.render(field, arn));
            }
        }
    }
    if version == Version::V4 && !errors.is_empty() {
        shown.insert("Errors".to_owned(), json!(errors));
    }
}

/// Why there are no tags.
struct Failure {
    code: String,
    message: String,
    status: Option<u16>,
}

impl Failure {
    fn render(self, field: &str, arn: &str) -> Value {
        let mut shown = json!({ "ErrorField": field, "ErrorMessage": self.message, "ResourceARN": arn });
        if !self.code.is_empty() {
            shown["ErrorCode"] = json!(self.code);
        }
        if let Some(status) = self.status {
            shown["StatusCode"] = json!(status);
        }
        shown
    }
}

async fn tags(control_plane: &ControlPlane, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
    let input = ecs::ListTagsForResourceInput {
        resource_arn: arn.to_owned(),
    };
    let call = control_plane.call::<ecs::ListTagsForResource>(&input);
    let answer = tokio::time::timeout(DEADLINE, call).await;
    let late = || CallError::Unreachable("no answer in time".to_owned());
    let answer = answer.unwrap_or_else(|_| Err(late())).map_err(|error| Failure {
        code: error.code().unwrap_or_default().to_owned(),
        status: error.http_status(),
        message: error.message(),
    })?;
    let tags = answer.tags.unwrap_or_default().into_iter();
    Ok(tags
        .filter_map(|it| Some((it.key?, it.value.unwrap_or_default())))
        .collect())
}
