//! The history of services: which revision they went to, and how that ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::service::{Deployment, Rollout, Service, ServiceStatus, Starts};
use domain::service_deployment::{
    SERVICE_DEPLOYMENTS_KEPT, ServiceDeployment, ServiceDeploymentStatus, ServiceRevision, ServiceRollback,
};
use domain::{ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, Timestamp};
use store::Tx;

use super::services::record_event;
use super::traffic::Shares;
use super::{deployment_lifecycles, image_digests, service_connect, traffic};

#[cfg(test)]
mod tests;

/// Why a service deployment goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopServiceDeploymentRefusal {
    /// There is none.
    NotFound,
    /// It has ended.
    Ended(ServiceDeploymentStatus),
    /// No earlier revision of the service was ever reached.
    NothingToRollBackTo,
}

/// Makes a deployment of what the service says now, and puts it in front. The caller stores the service.
pub(super) fn begin(tx: &mut Tx<'_>, service: &mut Service) {
    // Only the EXTERNAL deployment controller leaves it open.
    let Some(task_definition) = service.task_definition.clone() else {
        return;
    };
    let now = tx.now();
    end(
        tx,
        &service.arn,
        "A newer service deployment has taken its place.",
    );
    let mut sources: Vec<ServiceRevisionArn> = Vec::new();
    for deployment in &service.deployments {
        if !sources.contains(&deployment.revision) {
            sources.push(deployment.revision.clone());
        }
    }
    let id = tx.ids().deployment();
    let number = id.rsplit('/').next().unwrap_or_default();
    let definition = tx.get(&task_definition);
    let lifecycle = deployment_lifecycles::first(service, now);
    let beside = lifecycle.as_ref().and_then(|it| it.blue.as_deref());
    let image_digests =
        image_digests::of_own_registry(tx.state(), &service.arn.scope(), definition.as_deref());
    let revision = ServiceRevision {
        arn: service.arn.part(number),
        service: service.arn.clone(),
        task_definition,
        launch_type: service.launch_type,
        capacity_provider_strategy: service.capacity_provider_strategy.clone(),
        platform_version: service.platform_version.clone(),
        network_configuration: service.network_configuration.clone(),
        target_groups: traffic::target_groups(tx.state(), service, beside),
        load_balancers: service.load_balancers.clone(),
        service_registries: service.service_registries.clone(),
        service_connect: service.service_connect.clone(),
        service_connect_resources: service_connect::resources(tx.state(), service),
        image_digests,
        created_at: now,
    };
    tx.put(ServiceDeployment {
        arn: service.arn.part(&tx.ids().service_deployment()),
        service: service.arn.clone(),
        sources,
        target: revision.arn.clone(),
        status: ServiceDeploymentStatus::InProgress,
        status_reason: None,
        circuit_breaker_failures: None,
        rollback: None,
        deployment_configuration: service.deployment_configuration,
        lifecycle_hooks: service.lifecycle_hooks.clone(),
        deployment_alarms: service.deployment_alarms.clone(),
        created_at: now,
        updated_at: now,
        finished_at: None,
        stopped_at: None,
    });
    deployment_lifecycles::abandon(tx, service);
    put_in_front(service, id, &revision, now);
    let revision = tx.put(revision);
    if let Some(lifecycle) = lifecycle {
        if lifecycle.blue.is_some() {
            // One before it may have had a part.
            traffic::shift(tx, &revision, Shares::default());
        }
        deployment_lifecycles::begin(tx, service, lifecycle);
    }
    forget_oldest(tx, service);
}

fn put_in_front(service: &mut Service, id: String, revision: &ServiceRevision, now: Timestamp) {
    let new = Deployment {
        id,
        revision: revision.arn.clone(),
        task_definition: revision.task_definition.clone(),
        network_configuration: revision.network_configuration.clone(),
        failed_tasks: 0,
        first_failed_task: None,
        healthy_tasks: 0,
        created_at: now,
        updated_at: now,
        rollout: Rollout::InProgress,
        rollout_reason: None,
        starts: Starts::default(),
    };
    service.deployments.insert(0, new);
    service.failed_starts = 0;
    service.throttled_until = None;
    service.announced_refusal = None;
}

/// Notes that all tasks of the service are of its newest deployment.
pub(crate) fn complete(tx: &mut Tx<'_>, service: &ServiceArn) {
    let Some(known) = under_way(tx, service) else {
        return;
    };
    let status = match known.status {
        ServiceDeploymentStatus::RollbackInProgress => ServiceDeploymentStatus::RollbackSuccessful,
        _ => ServiceDeploymentStatus::Successful,
    };
    let now = tx.now();
    tx.put(ServiceDeployment {
        status,
        updated_at: now,
        finished_at: Some(now),
        ..(*known).clone()
    });
}

/// Notes that nobody waits for the service deployment that is under way any more.
pub(crate) fn end(tx: &mut Tx<'_>, service: &ServiceArn, reason: &str) {
    let Some(known) = under_way(tx, service) else {
        return;
    };
    let now = tx.now();
    tx.put(ServiceDeployment {
        status: ServiceDeploymentStatus::Stopped,
        status_reason: Some(reason.to_owned()),
        updated_at: now,
        stopped_at: Some(now),
        finished_at: Some(now),
        ..(*known).clone()
    });
}

fn under_way(tx: &Tx<'_>, service: &ServiceArn) -> Option<Arc<ServiceDeployment>> {
    let all = tx.state().deployments_of_service(service);
    all.into_iter().find(|it| it.is_under_way()).cloned()
}

/// `StopServiceDeployment` with the stop type ROLLBACK: the service goes back to the revision it reached last.
///
/// # Errors
/// See [`StopServiceDeploymentRefusal`]; one that rolls back already is left to it.
pub fn stop_service_deployment(
    tx: &mut Tx<'_>,
    arn: &ServiceDeploymentArn,
) -> Result<Arc<ServiceDeployment>, StopServiceDeploymentRefusal> {
    use StopServiceDeploymentRefusal::{Ended, NotFound, NothingToRollBackTo};
    let known = tx.get::<ServiceDeployment>(arn).ok_or(NotFound)?;
    match known.status {
        ServiceDeploymentStatus::InProgress => {}
        ServiceDeploymentStatus::RollbackInProgress => return Ok(known),
        ended => return Err(Ended(ended)),
    }
    let service = tx
        .get::<Service>(&known.service)
        .filter(|it| it.status == ServiceStatus::Active);
    let mut service = (*service.ok_or(NotFound)?).clone();
    let reason = "Service deployment rolled back because StopServiceDeployment was called.";
    let revision = match return_to_blue(tx, &mut service, reason) {
        Some(revision) => revision,
        None => {
            let revision = last_reached(tx, &service.arn).ok_or(NothingToRollBackTo)?;
            go_back(tx, &mut service, &revision);
            revision
        }
    };
    tx.put(service);
    let now = tx.now();
    let stopped = ServiceDeployment {
        stopped_at: Some(now),
        ..rolled_back(&known, &revision, reason, now)
    };
    tx.put(stopped.clone());
    Ok(Arc::new(stopped))
}

fn last_reached(tx: &Tx<'_>, service: &ServiceArn) -> Option<Arc<ServiceRevision>> {
    let all = tx.state().deployments_of_service(service);
    let reached = all.into_iter().find_map(|it| it.reached()).cloned();
    reached.and_then(|it| tx.get::<ServiceRevision>(&it))
}

/// Puts the deployment of a revision that was once reached in front: that which still has tasks, so that none that has
/// served all the time is replaced; or else a new one. The caller stores the service.
fn go_back(tx: &mut Tx<'_>, service: &mut Service, revision: &ServiceRevision) {
    deployment_lifecycles::abandon(tx, service);
    want(tx, service, revision);
    let stands = |it: &Deployment| it.rollout == Rollout::Completed && it.revision == revision.arn;
    match service.deployments.iter().position(stands) {
        Some(index) => bring_to_front(tx, service, index),
        None => put_in_front(service, tx.ids().deployment(), revision, tx.now()),
    }
    if let Some(primary) = service.deployments.first() {
        let event = format!("rolling back to deployment {}.", primary.id);
        record_event(tx, service, event);
    }
}

/// A deployment that has kept its tasks is the PRIMARY one again.
fn bring_to_front(tx: &Tx<'_>, service: &mut Service, index: usize) {
    let mut kept = service.deployments.remove(index);
    kept.rollout = Rollout::InProgress;
    kept.rollout_reason = None;
    kept.failed_tasks = 0;
    kept.first_failed_task = None;
    kept.updated_at = tx.now();
    // the service knows of the starts of its PRIMARY deployment
    let starts = std::mem::take(&mut kept.starts);
    service.failed_starts = starts.failed;
    service.throttled_until = starts.throttled_until;
    service.announced_refusal = starts.announced_refusal;
    service.deployments.insert(0, kept);
}

/// The service says again what it said when the revision was made.
fn want(tx: &mut Tx<'_>, service: &mut Service, revision: &ServiceRevision) {
    service.task_definition = Some(revision.task_definition.clone());
    service.launch_type = revision.launch_type;
    service
        .capacity_provider_strategy
        .clone_from(&revision.capacity_provider_strategy);
    service.platform_version.clone_from(&revision.platform_version);
    service
        .network_configuration
        .clone_from(&revision.network_configuration);
    service.load_balancers.clone_from(&revision.load_balancers);
    service
        .service_registries
        .clone_from(&revision.service_registries);
    service.service_connect.clone_from(&revision.service_connect);
    if let Err(refusal) = service_connect::publish(tx, service) {
        // Another service has taken the name meanwhile: it keeps it.
        let reason = format!("was unable to offer its Service Connect endpoints again: {refusal:?}.");
        record_event(tx, service, reason);
    }
}

/// Puts the deployment in front again that has kept its tasks beside the newest one, whose tasks go. Gives its
/// revision; `None`, and nothing is changed, if no such deployment is under way.
fn return_to_blue(tx: &mut Tx<'_>, service: &mut Service, reason: &str) -> Option<Arc<ServiceRevision>> {
    let lifecycle = service.lifecycle.as_ref()?;
    let mut deployments = service.deployments.iter();
    let index = deployments.position(|it| lifecycle.keeps(&it.id))?;
    let revision = tx.get::<ServiceRevision>(&service.deployments[index].revision)?;
    let now = tx.now();
    let green = service.deployments.first().map(|it| it.revision.clone());
    if let Some(green) = green.and_then(|it| tx.get::<ServiceRevision>(&it)) {
        traffic::shift(tx, &green, Shares::default());
    }
    if let Some(green) = service.deployments.first_mut() {
        green.rollout = Rollout::Failed;
        green.rollout_reason.get_or_insert_with(|| reason.to_owned());
        green.updated_at = now;
    }
    bring_to_front(tx, service, index);
    if let Some(blue) = service.deployments.first_mut() {
        blue.rollout_reason = Some(format!(
            "ECS deployment: rolling back to deploymentId {}.",
            blue.id
        ));
        let event = format!("rolling back to deployment {}.", blue.id);
        record_event(tx, service, event);
    }
    want(tx, service, &revision);
    deployment_lifecycles::turn_back(tx, service);
    Some(revision)
}

/// A deployment in stages is given up: the service goes back to the revision that has kept its tasks. The first
/// deployment of a service has none, and stays as it is. The caller stores the service.
pub(crate) fn give_up(tx: &mut Tx<'_>, service: &mut Service, reason: &str) {
    if fail_primary(tx, service, reason, reason).is_none() {
        return;
    }
    let now = tx.now();
    let revision = return_to_blue(tx, service, reason);
    if revision.is_none() {
        deployment_lifecycles::abandon(tx, service);
    }
    let Some(known) = under_way(tx, &service.arn) else {
        return;
    };
    tx.put(match revision {
        Some(revision) => rolled_back(&known, &revision, reason, now),
        None => stopped(&known, ServiceDeploymentStatus::Stopped, reason, now),
    });
}

/// The PRIMARY deployment has failed with this reason, and an event tells of it. Gives how many of its tasks have failed.
fn fail_primary(tx: &mut Tx<'_>, service: &mut Service, reason: &str, told: &str) -> Option<u32> {
    let primary = service.deployments.first_mut()?;
    primary.rollout = Rollout::Failed;
    primary.rollout_reason = Some(reason.to_owned());
    primary.updated_at = tx.now();
    let (id, failures) = (primary.id.clone(), primary.failed_tasks);
    record_event(
        tx,
        service,
        format!("(deployment {id}) deployment failed: {told}"),
    );
    Some(failures)
}

fn stopped(
    known: &ServiceDeployment,
    status: ServiceDeploymentStatus,
    reason: &str,
    now: Timestamp,
) -> ServiceDeployment {
    ServiceDeployment {
        status,
        status_reason: Some(reason.to_owned()),
        updated_at: now,
        finished_at: Some(now),
        ..known.clone()
    }
}

fn rolled_back(
    known: &ServiceDeployment,
    revision: &ServiceRevision,
    reason: &str,
    now: Timestamp,
) -> ServiceDeployment {
    ServiceDeployment {
        status: ServiceDeploymentStatus::RollbackInProgress,
        status_reason: Some(reason.to_owned()),
        rollback: Some(ServiceRollback {
            reason: reason.to_owned(),
            started_at: now,
            revision: revision.arn.clone(),
        }),
        updated_at: now,
        ..known.clone()
    }
}

/// What the circuit breaker does: the PRIMARY deployment has failed with this reason, and the service goes back to
/// the revision that it reached last, if it is to. A way back that fails has no further way back, as on Amazon. The
/// caller stores the service.
pub(crate) fn fail(tx: &mut Tx<'_>, service: &mut Service, reason: &str) {
    let Some(failures) = fail_primary(tx, service, reason, "tasks failed to start.") else {
        return;
    };
    let now = tx.now();
    let known = under_way(tx, &service.arn);
    let is_way_back = known
        .as_ref()
        .is_some_and(|it| it.status == ServiceDeploymentStatus::RollbackInProgress);
    let breaker = service.deployment_configuration.circuit_breaker;
    let revision = match return_to_blue(tx, service, reason) {
        Some(revision) => Some(revision),
        None if breaker.rollback && !is_way_back => return_to_reached(tx, service),
        None => None,
    };
    if revision.is_none() {
        deployment_lifecycles::abandon(tx, service);
    }
    let Some(known) = known else { return };
    let counted = ServiceDeployment {
        circuit_breaker_failures: Some(failures),
        ..(*known).clone()
    };
    let status = match is_way_back {
        true => ServiceDeploymentStatus::RollbackFailed,
        false => ServiceDeploymentStatus::Stopped,
    };
    let rollback = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
    tx.put(match &revision {
        Some(revision) => rolled_back(&counted, revision, rollback, now),
        None => stopped(&counted, status, reason, now),
    });
}

/// Makes a deployment of the revision that was reached last, as the circuit breaker says it; `None` if there is none.
fn return_to_reached(tx: &mut Tx<'_>, service: &mut Service) -> Option<Arc<ServiceRevision>> {
    let revision = last_reached(tx, &service.arn)?;
    go_back(tx, service, &revision);
    // The id is that of the deployment itself, which the event names too: so Amazon shows it.
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout_reason = Some(format!(
            "ECS deployment circuit breaker: rolling back to deploymentId {}.",
            primary.id
        ));
    }
    Some(revision)
}

/// Keeps the history short; what the service or a kept deployment refers to stays.
fn forget_oldest(tx: &mut Tx<'_>, service: &Service) {
    let all = tx.state().deployments_of_service(&service.arn);
    if all.len() <= SERVICE_DEPLOYMENTS_KEPT {
        return;
    }
    let (kept, gone) = all.split_at(SERVICE_DEPLOYMENTS_KEPT);
    let mut used: BTreeSet<ServiceRevisionArn> =
        service.deployments.iter().map(|it| it.revision.clone()).collect();
    for it in kept {
        used.insert(it.target.clone());
        used.extend(it.sources.iter().cloned());
        used.extend(it.rollback.iter().map(|it| it.revision.clone()));
    }
    let gone: Vec<_> = gone.iter().map(|it| Arc::clone(it)).collect();
    for deployment in gone {
        tx.delete::<ServiceDeployment>(&deployment.arn);
        for revision in deployment.sources.iter().chain([&deployment.target]) {
            if !used.contains(revision) {
                tx.delete::<ServiceRevision>(revision);
            }
        }
    }
}
