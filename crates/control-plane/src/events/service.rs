//! ECS Deployment State Change and ECS Service Action.

use domain::ServiceArn;
use domain::service::{Deployment, Rollout, Service, ServiceEvent};
use serde_json::{Map, Value, json};
use store::Changed;

use super::record::{DEPLOYMENT, Detail, Happening, SERVICE_ACTION, time};

/// Deployments that have begun, completed or failed: the older first, so that one that failed comes before the way back.
pub fn deployments(changed: &Changed<Service>) -> Vec<Happening> {
    let Some(after) = &changed.after else {
        return Vec::new();
    };
    let before = changed.before.iter().flat_map(|it| &it.deployments);
    let rollout_before = |id: &str| before.clone().find(|it| it.id == id).map(|it| it.rollout);
    let moved = after.deployments.iter().rev();
    let moved = moved.filter(|it| rollout_before(&it.id) != Some(it.rollout));
    moved.map(|it| deployment(&after.arn, it)).collect()
}

fn deployment(service: &ServiceArn, it: &Deployment) -> Happening {
    let (name, event_type, word) = match it.rollout {
        Rollout::InProgress => ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "in progress"),
        Rollout::Completed => ("SERVICE_DEPLOYMENT_COMPLETED", "INFO", "completed"),
        Rollout::Failed => ("SERVICE_DEPLOYMENT_FAILED", "ERROR", "failed"),
    };
    let given = it.rollout_reason.clone();
    let reason = given.unwrap_or_else(|| format!("ECS deployment {} {word}.", it.id));
    let detail = members([
        ("eventType", json!(event_type)),
        ("eventName", json!(name)),
        ("clusterArn", json!(service.cluster().to_string())),
        ("deploymentId", json!(it.id)),
        ("updatedAt", json!(time(it.updated_at))),
        ("reason", json!(reason)),
    ]);
    happening(DEPLOYMENT, service, detail)
}

/// What the scheduler has done, as the service's own event tells it. `None` for events of which EventBridge knows none.
pub fn action(changed: &Changed<ServiceEvent>) -> Option<Happening> {
    if changed.before.is_some() {
        return None;
    }
    let event = changed.after.as_ref()?;
    let action = event.action.as_ref()?;
    let service = &event.service;
    let mut detail = members([
        ("eventType", json!(action.name.event_type())),
        ("eventName", json!(action.name.as_str())),
        ("clusterArn", json!(service.cluster().to_string())),
        ("createdAt", json!(time(event.created_at))),
        // Amazon leaves out what the event of the service says.
        ("message", json!(event.message)),
    ]);
    if let Some(reason) = &action.reason {
        detail.insert("reason".to_owned(), json!(reason));
    }
    for (name, arns) in [
        ("containerInstanceArns", &action.container_instances),
        ("capacityProviderArns", &action.capacity_providers),
        ("taskArns", &action.tasks),
        ("taskSetArns", &action.task_sets),
    ] {
        if !arns.is_empty() {
            detail.insert(name.to_owned(), json!(arns));
        }
    }
    Some(happening(SERVICE_ACTION, service, detail))
}

fn happening(detail_type: &'static str, service: &ServiceArn, detail: Map<String, Value>) -> Happening {
    Happening {
        detail_type,
        resource: service.to_string(),
        scope: service.scope(),
        cluster: service.cluster().to_string(),
        service: Some(service.to_string()),
        task: None,
        detail: Detail::Members(detail),
    }
}

fn members<const N: usize>(of: [(&str, Value); N]) -> Map<String, Value> {
    of.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
