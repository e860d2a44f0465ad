//! Deployments of CodeDeploy as records: made, continued and stopped by callers, moved by the
//! `code_deploy_deployments` controller.

mod ending;
mod hooks;
mod revisions;
mod stages;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DEPLOYMENTS_KEPT, DeploymentError, DeploymentStatus, ErrorCode,
    Replacement, Revision, Route,
};
use domain::code_deploy::deployment_config::TrafficRouting;
use domain::code_deploy::deployment_group::{AutoRollback, DeploymentGroup, TrafficRoutes};
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::HookTarget;
use domain::listener::Listener;
use domain::service::Service;
use domain::task_set::TaskSetStatus;
use domain::{Scope, ServiceArn, TargetGroupArn};
use store::{State, Tx};

pub(crate) use ending::{fail, stop, succeed};
pub use hooks::{HookStatusRefusal, note_deployment_webhook_answer, put_hook_status};
pub use revisions::register_revision;
pub(crate) use stages::{enter, leave_rules, shift_again};
use traffic::serving_group;

/// The key of a deployment.
pub type DeploymentKey = (Scope, String);

/// What CreateDeployment asks for.
#[derive(Clone, Debug)]
pub struct NewCodeDeployment {
    /// The group, whose settings hold where the others say nothing.
    pub group: Arc<DeploymentGroup>,
    /// As given.
    pub description: Option<String>,
    /// What it is made from.
    pub revision: Revision,
    /// The config, and what it says.
    pub config: (String, TrafficRouting),
    /// When it is rolled back by itself.
    pub auto_rollback: AutoRollback,
    /// What the replacement task set is made of.
    pub replacement: Replacement,
    /// Who is asked.
    pub hooks: BTreeMap<Stage, HookTarget>,
}

/// Why there is no such deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateDeploymentRefusal {
    /// The group has one that has not ended.
    Active(String),
    /// The listeners and target groups do not fit.
    Route(RouteRefusal),
}

/// Why traffic cannot be shifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteRefusal {
    /// No target group has this name.
    NoTargetGroup(String),
    /// There is no such listener.
    NoListener(String),
    /// The listener forwards to neither target group.
    NotForwarded(String),
}

/// `CreateDeployment`.
///
/// # Errors
/// See [`CreateDeploymentRefusal`].
pub fn create_code_deployment(
    tx: &mut Tx<'_>,
    new: NewCodeDeployment,
) -> Result<Arc<CodeDeployDeployment>, CreateDeploymentRefusal> {
    let group = &new.group;
    let earlier = tx
        .state()
        .deployments_of_group(&group.scope, &group.application, &group.name);
    // Of this group or another: a service goes one way at a time.
    let active = tx.state().active_code_deploy_deployments(&group.service).next();
    let active = active.map(|it| it.id.clone());
    if let Some(active) = active {
        return Err(CreateDeploymentRefusal::Active(active));
    }
    let succeeded = earlier.iter().find(|it| it.is_success_of_user());
    let previous_revision = succeeded.map(|it| it.revision.clone());
    let route = route(tx.state(), &group.scope, &group.routes).map_err(CreateDeploymentRefusal::Route)?;
    let route = as_the_service_has_it(tx.state(), &group.service, route);
    let now = tx.now();
    let deployment = CodeDeployDeployment {
        scope: group.scope.clone(),
        id: tx.ids().code_deploy_deployment(),
        application: group.application.clone(),
        group: group.name.clone(),
        creator: Creator::User,
        description: new.description,
        revision: new.revision,
        previous_revision,
        deployment_config_name: new.config.0,
        routing: new.config.1,
        blue_green: group.blue_green,
        auto_rollback: new.auto_rollback,
        service: group.service.clone(),
        events: CodeDeployDeployment::events_of(Creator::User, &group.routes),
        routes: group.routes.clone(),
        route,
        replacement: new.replacement,
        hooks: new.hooks,
        original_task_set: None,
        replacement_task_set: None,
        status: DeploymentStatus::Created,
        stage: CodeDeployDeployment::first_stage(Creator::User),
        stage_since: now,
        is_continued: false,
        production_share: 0,
        test_share: 0,
        error: None,
        rollback: None,
        created_at: now,
        started_at: None,
        completed_at: None,
        updated_at: now,
    };
    let deployment = tx.put(deployment);
    revisions::note_use(tx, &deployment);
    forget_oldest(tx, &deployment);
    Ok(deployment)
}

/// Finds listeners and target groups, and which of the two serves now.
///
/// # Errors
/// See [`RouteRefusal`].
pub fn route(state: &State, scope: &Scope, routes: &TrafficRoutes) -> Result<Route, RouteRefusal> {
    let group = |name: &String| -> Result<TargetGroupArn, RouteRefusal> {
        let found = state.target_group_of_name(scope, name);
        let found = found.ok_or_else(|| RouteRefusal::NoTargetGroup(name.clone()))?;
        Ok(found.arn.clone())
    };
    let [first, second] = &routes.target_groups;
    let groups = [group(first)?, group(second)?];
    for listener in [Some(&routes.production), routes.test.as_ref()]
        .into_iter()
        .flatten()
    {
        if state.get::<Listener>(listener).is_none() {
            return Err(RouteRefusal::NoListener(listener.to_string()));
        }
    }
    let serving = serving_group(state, &routes.production, &groups)
        .ok_or_else(|| RouteRefusal::NotForwarded(routes.production.to_string()))?;
    let [first, second] = groups;
    let (original_group, replacement_group) = match serving == second {
        true => (second, first),
        false => (first, second),
    };
    Ok(Route {
        original_group,
        replacement_group,
        production: routes.production.clone(),
        test: routes.test.clone(),
    })
}

/// Where the PRIMARY task set is registered counts more than what a listener prefers.
fn as_the_service_has_it(state: &State, service: &ServiceArn, route: Route) -> Route {
    let service = state.get::<Service>(service);
    let mut sets = service.iter().flat_map(|it| &it.task_sets);
    let primary = sets.find(|it| it.status == TaskSetStatus::Primary);
    let mut places = primary.iter().flat_map(|it| &it.load_balancers);
    match places.any(|it| it.behind.target_group() == Some(&route.replacement_group)) {
        true => Route {
            original_group: route.replacement_group,
            replacement_group: route.original_group,
            ..route
        },
        false => route,
    }
}

/// The oldest that have ended go, but for the last one of a user that succeeded: what the group has comes from that.
fn forget_oldest(tx: &mut Tx<'_>, of: &CodeDeployDeployment) {
    let all = tx
        .state()
        .deployments_of_group(&of.scope, &of.application, &of.group);
    let succeeded = all.iter().find(|it| it.is_success_of_user());
    let succeeded = succeeded.map(|it| it.id.clone());
    let oldest = all.iter().skip(DEPLOYMENTS_KEPT);
    let gone = oldest.filter(|it| it.status.has_ended() && Some(&it.id) != succeeded.as_ref());
    let gone: Vec<String> = gone.map(|it| it.id.clone()).collect();
    for id in gone {
        tx.delete::<CodeDeployDeployment>(&(of.scope.clone(), id));
    }
}

/// What is waited for in a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitType {
    /// Somebody who says that production traffic may be shifted.
    Ready,
    /// The end of the original task set.
    Termination,
}

/// Why a deployment stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentRefusal {
    /// There is none.
    NotFound,
    /// It has ended.
    Completed,
    /// It does not wait for that.
    NotWaiting,
}

/// `ContinueDeployment`.
///
/// # Errors
/// See [`DeploymentRefusal`].
pub fn continue_code_deployment(
    tx: &mut Tx<'_>,
    key: &DeploymentKey,
    wait: WaitType,
) -> Result<(), DeploymentRefusal> {
    let mut deployment = active(tx, key)?;
    let stage = match wait {
        WaitType::Ready => Stage::ReadyWait,
        WaitType::Termination => Stage::TerminationWait,
    };
    if deployment.stage != stage {
        return Err(DeploymentRefusal::NotWaiting);
    }
    deployment.is_continued = true;
    deployment.updated_at = tx.now();
    tx.put(deployment);
    Ok(())
}

/// `StopDeployment`: traffic stays where it is, unless the deployment is rolled back.
///
/// # Errors
/// See [`DeploymentRefusal`].
pub fn stop_code_deployment(
    tx: &mut Tx<'_>,
    key: &DeploymentKey,
    rolls_back: Option<bool>,
) -> Result<(), DeploymentRefusal> {
    let mut deployment = active(tx, key)?;
    let AutoRollback {
        enabled, on_request, ..
    } = deployment.auto_rollback;
    let error = DeploymentError {
        code: ErrorCode::ManualStop,
        message: format!("The deployment {} was stopped by a user.", deployment.id),
    };
    let stage = deployment.stage;
    stop(
        tx,
        &mut deployment,
        error,
        // Once the original tasks go there is no way back.
        rolls_back.unwrap_or(enabled && on_request) && stage != Stage::Terminate,
    );
    Ok(())
}

fn active(tx: &Tx<'_>, key: &DeploymentKey) -> Result<CodeDeployDeployment, DeploymentRefusal> {
    let known = tx.get::<CodeDeployDeployment>(key);
    let known = known.ok_or(DeploymentRefusal::NotFound)?;
    match known.status.has_ended() {
        true => Err(DeploymentRefusal::Completed),
        false => Ok((*known).clone()),
    }
}
