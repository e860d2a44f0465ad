//! How deployments end, and what ends badly is rolled back.

use std::collections::BTreeMap;

use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DeploymentError, DeploymentStatus, EventStatus, Rollback,
};
use domain::code_deploy::deployment_config::TrafficRouting;
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen};
use domain::lifecycle_hook::HookRun;
use store::Tx;

use crate::transitions::deployment_lifecycles::stop_hooks;

/// All is as it should be.
pub(crate) fn succeed(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) {
    end(tx, deployment, DeploymentStatus::Succeeded, None);
}

/// The deployment is given up, and rolled back if it is set so.
pub(crate) fn fail(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment, error: DeploymentError) {
    let AutoRollback {
        enabled, on_failure, ..
    } = deployment.auto_rollback;
    if enabled && on_failure {
        roll_back(tx, deployment);
    }
    end(tx, deployment, DeploymentStatus::Failed, Some(error));
}

/// The deployment is stopped.
pub(crate) fn stop(
    tx: &mut Tx<'_>,
    deployment: &mut CodeDeployDeployment,
    error: DeploymentError,
    rolls_back: bool,
) {
    if rolls_back {
        roll_back(tx, deployment);
    }
    end(tx, deployment, DeploymentStatus::Stopped, Some(error));
}

fn end(
    tx: &mut Tx<'_>,
    deployment: &mut CodeDeployDeployment,
    status: DeploymentStatus,
    error: Option<DeploymentError>,
) {
    let now = tx.now();
    let current = match status {
        DeploymentStatus::Succeeded => EventStatus::Succeeded,
        DeploymentStatus::Failed => EventStatus::Failed,
        _ => EventStatus::Skipped,
    };
    let message = error.as_ref().map(|it| it.message.clone());
    for event in &mut deployment.events {
        match event.status {
            EventStatus::InProgress => {
                event.status = current;
                event.ended_at = Some(now);
                event.message.clone_from(&message);
            }
            EventStatus::Pending => event.status = EventStatus::Skipped,
            EventStatus::Succeeded | EventStatus::Failed | EventStatus::Skipped => {}
        }
    }
    let hooks: Vec<HookRun> = deployment
        .events
        .iter()
        .filter_map(|it| it.hook.clone())
        .collect();
    stop_hooks(tx, &hooks);
    deployment.status = status;
    deployment.error = error;
    deployment.updated_at = now;
    deployment.completed_at = Some(now);
    tx.put(deployment.clone());
}

/// A deployment that gives the traffic back and deletes the replacement. One is not rolled back twice.
fn roll_back(tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) {
    if deployment.creator == Creator::Rollback {
        return;
    }
    let now = tx.now();
    let id = tx.ids().code_deploy_deployment();
    let revision = deployment.previous_revision.clone();
    let rollback = CodeDeployDeployment {
        id: id.clone(),
        creator: Creator::Rollback,
        description: None,
        revision: revision.unwrap_or_else(|| deployment.revision.clone()),
        previous_revision: None,
        routing: TrafficRouting::AllAtOnce,
        blue_green: BlueGreen {
            ready_minutes: None,
            termination_minutes: Some(0),
        },
        auto_rollback: AutoRollback::default(),
        hooks: BTreeMap::new(),
        status: DeploymentStatus::Created,
        stage: CodeDeployDeployment::first_stage(Creator::Rollback),
        stage_since: now,
        is_continued: false,
        events: CodeDeployDeployment::events_of(Creator::Rollback, &deployment.routes),
        error: None,
        rollback: Some(Rollback::Of(deployment.id.clone())),
        created_at: now,
        started_at: None,
        completed_at: None,
        updated_at: now,
        ..deployment.clone()
    };
    tx.put(rollback);
    deployment.rollback = Some(Rollback::By(id));
}
