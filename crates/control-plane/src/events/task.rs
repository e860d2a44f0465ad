//! ECS Task State Change.

use std::sync::Arc;

use domain::task::Task;
use store::{Changed, State};

use super::record::{Detail, Happening, TASK};
use crate::handlers::ecs::render;

/// A task that is new, or that has changed visibly: its version has grown. Tags do not count.
pub fn happening(state: &State, changed: &Changed<Task>) -> Option<Happening> {
    let after = changed.after.as_ref()?;
    let version = |it: &Arc<Task>| it.version;
    if changed.before.as_ref().map(version) == Some(after.version) {
        return None;
    }
    let mut detail = render::task(state, after, false);
    detail.tags = None;
    for attachment in detail.attachments.iter_mut().flatten() {
        // The API calls it ElasticNetworkInterface.
        attachment.r#type = Some("eni".to_owned());
    }
    Some(Happening {
        detail_type: TASK,
        resource: after.arn.to_string(),
        scope: after.arn.scope(),
        cluster: after.cluster().to_string(),
        service: after.service.as_ref().map(ToString::to_string),
        task: Some(after.arn.to_string()),
        detail: Detail::Task(Box::new(detail)),
    })
}
