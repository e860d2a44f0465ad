//! ExplainService.

use std::sync::Arc;

use api::gantry;
use domain::service::{Service, ServiceStatus};
use domain::task::Task;
use orchestrator::controllers::service_deployments::{PartOutlook, ServiceDeployments, ServiceOutlook};
use orchestrator::transitions::{Considered, tell_refusal};
use store::{State, TransactError};

use super::errors::{self, service_not_found};
use crate::call::Call;
use crate::handlers::ecs::names;
use crate::service_explanation as words;

/// `ExplainService`: what a service wants and has, what it waits for, and what each container instance says against its
/// next task. The planner itself is asked, in a transaction that is then undone.
///
/// # Errors
/// ServiceNotFoundException; InvalidParameterException for what can name none.
pub async fn explain_service(
    call: Call<gantry::ExplainService>,
) -> Result<gantry::ExplainServiceOutput, gantry::Error> {
    let input = call.input();
    let in_cluster = input.cluster.as_deref().filter(|it| !it.is_empty());
    let cluster = names::cluster(call.scope(), in_cluster).map_err(|error| errors::of_name(&error))?;
    let arn = names::service(&cluster, &input.service).map_err(|error| errors::of_name(&error))?;
    let planner = ServiceDeployments::new(call.access().controllers());
    let asked = arn.clone();
    let store = call.access().store();
    let undone = store.transact(move |tx| {
        let explained = planner
            .outlook(tx, &asked)
            .map(|it| Box::new(explanation(tx.state(), &it, tx.now())));
        Err::<(), _>(explained)
    });
    let explained = match undone.await {
        Err(TransactError::Refused(explained)) => explained,
        Err(TransactError::Unavailable(error)) => return Err(errors::unavailable(&error)),
        Ok(()) => None,
    };
    let explanation = explained.ok_or_else(|| {
        let (name, cluster) = (arn.name(), cluster.name());
        service_not_found(format!(
            "Service not found: there is no service {name} in the cluster {cluster}."
        ))
    })?;
    Ok(gantry::ExplainServiceOutput {
        explanation: Some(*explanation),
    })
}

fn count(value: impl TryInto<i32>) -> Option<i32> {
    Some(value.try_into().unwrap_or(i32::MAX))
}

fn explanation(state: &State, it: &ServiceOutlook, now: domain::Timestamp) -> gantry::ServiceExplanation {
    let service = &it.service;
    let mut parts: Vec<_> = it
        .parts
        .iter()
        .map(|part| explained_part(service, part))
        .collect();
    parts.extend(older(state, it));
    let considered = it.parts.iter().find_map(|it| it.considered.as_ref());
    gantry::ServiceExplanation {
        service_arn: Some(service.arn.to_string()),
        cluster_arn: Some(service.cluster.to_string()),
        status: Some(service.status.as_str().to_owned()),
        summary: Some(words::summary(it)),
        desired_count: count(service.desired_count),
        minimum_healthy: count(it.minimum),
        maximum: count(it.maximum),
        parts: Some(parts),
        waits_for: Some(words::waits_for(state, it, now)),
        placement: considered.map(|it| placement(state, it)),
        failed_tasks: Some(it.failed.iter().map(failed_task).collect()),
        next_steps: Some(words::next_steps(it)).filter(|it| !it.is_empty()),
    }
}

fn explained_part(service: &Service, it: &PartOutlook) -> gantry::ServicePartExplanation {
    let deployment = service.deployments.iter().find(|of| of.id == it.id);
    let task_set = service.task_set(&it.id);
    // The one beside a deployment in stages is a part as well.
    let newest = service.deployments.first();
    let of_deployment = match deployment.zip(newest) {
        Some((deployment, newest)) if deployment.id != newest.id => "ACTIVE",
        _ => "PRIMARY",
    };
    let definition = deployment
        .map(|it| &it.task_definition)
        .or(task_set.map(|it| &it.task_definition));
    gantry::ServicePartExplanation {
        id: Some(it.id.clone()),
        status: Some(task_set.map_or(of_deployment, |it| it.status.as_str()).to_owned()),
        task_definition_arn: definition.map(ToString::to_string),
        rollout_state: deployment.map(|it| it.rollout.as_str().to_owned()),
        rollout_state_reason: deployment.and_then(|it| it.rollout_reason.clone()),
        desired_count: count(it.desired_count),
        running_count: count(it.tally.running),
        healthy_count: count(it.tally.running.saturating_sub(it.unproven)),
        pending_count: count(it.tally.pending),
        stopping_count: count(it.tally.stopping),
        failed_tasks: deployment.and_then(|it| count(it.failed_tasks)),
        created_at: deployment
            .map(|it| it.created_at)
            .or(task_set.map(|it| it.created_at)),
        starts: count(it.starts),
        stops: count(it.stops),
    }
}

/// Deployments whose tasks are being replaced: those that are no parts.
fn older(state: &State, it: &ServiceOutlook) -> Vec<gantry::ServicePartExplanation> {
    let service = &it.service;
    if service.status == ServiceStatus::Inactive {
        return Vec::new();
    }
    let tallies = state.service_tally(&service.arn);
    let is_part = |id: &String| it.parts.iter().any(|part| part.id == *id);
    let deployments = service.deployments.iter().skip(1).filter(|it| !is_part(&it.id));
    let one = |deployment: &domain::service::Deployment| {
        let tally = tallies.iter().find(|(id, _)| *id == deployment.id);
        let tally = tally.map(|(_, tally)| *tally).unwrap_or_default();
        gantry::ServicePartExplanation {
            id: Some(deployment.id.clone()),
            status: Some("ACTIVE".to_owned()),
            task_definition_arn: Some(deployment.task_definition.to_string()),
            rollout_state: Some(deployment.rollout.as_str().to_owned()),
            rollout_state_reason: deployment.rollout_reason.clone(),
            desired_count: Some(0),
            running_count: count(tally.running),
            pending_count: count(tally.pending),
            stopping_count: count(tally.stopping),
            failed_tasks: count(deployment.failed_tasks),
            created_at: Some(deployment.created_at),
            ..gantry::ServicePartExplanation::default()
        }
    };
    deployments.map(one).collect()
}

fn placement(state: &State, it: &Considered) -> gantry::PlacementExplanation {
    let host = |(arn, refusals): &(domain::ContainerInstanceArn, Vec<_>)| {
        let told = refusals.iter().map(|one| tell_refusal(state, &it.needs, one));
        gantry::HostExplanation {
            container_instance_arn: Some(arn.to_string()),
            takes: Some(refusals.is_empty()),
            refusals: Some(told.collect()),
        }
    };
    gantry::PlacementExplanation {
        needs: Some(words::needs(&it.needs)),
        summary: words::counts(state, it),
        hosts: Some(it.hosts.iter().map(host).collect()),
    }
}

fn failed_task(it: &Arc<Task>) -> gantry::FailedTask {
    gantry::FailedTask {
        task_arn: Some(it.arn.to_string()),
        stopped_at: it.times.stopped_at,
        stop_code: it.stop.as_ref().map(|it| it.code.as_str().to_owned()),
        reason: Some(words::failure(it)),
    }
}
