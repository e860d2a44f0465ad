//! ECS Task State Change.

use std::sync::Arc;

use domain::task::Task;
use serde_json::{Value, json};
use store::{Changed, State};

use super::record::{Cause, Happening, TASK, shape, time};
use crate::handlers::ecs::render;

/// A task that is new, or that has changed visibly: its version has grown. Tags do not count.
pub fn happening(state: &State, changed: &Changed<Task>, cause: Cause) -> Option<Happening> {
    let after = changed.after.as_ref()?;
    let version = |it: &Arc<Task>| it.version;
    if changed.before.as_ref().map(version) == Some(after.version) {
        return None;
    }
    let mut detail = shape(&render::task(state, after, false));
    detail.remove("tags");
    detail.insert("updatedAt".to_owned(), json!(time(cause.at)));
    for attachment in detail
        .get_mut("attachments")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        // The API calls it ElasticNetworkInterface.
        if let Some(kind) = attachment.get_mut("type") {
            *kind = json!("eni");
        }
    }
    Some(Happening {
        detail_type: TASK,
        resource: after.arn.to_string(),
        scope: after.arn.scope(),
        cluster: after.cluster().to_string(),
        service: after.service.as_ref().map(ToString::to_string),
        task: Some(after.arn.to_string()),
        detail,
    })
}
