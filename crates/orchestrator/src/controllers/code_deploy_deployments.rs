//! Moves deployments of CodeDeploy: makes the replacement task set, shifts traffic to it step by step, and deletes the
//! original one; or the other way round.

mod observe;
mod step;

use std::time::Duration;

use domain::TargetGroupArn;
use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::lifecycle_hook::HookTarget;
use domain::service::Service;
use domain::tags::Pair;
use domain::target_group::TargetGroup;
use ipnet::Ipv4Net;
use store::{Change, State, Tx};

use super::service_deployments::hook_tasks::{self, Told};
use super::{Controller, Next, Settings};
use crate::transitions::DeploymentKey;
use crate::transitions::code_deploy::{enter, fail, leave_rules, shift_again, stop, succeed};
use observe::observe;
use step::{Step, step};

#[cfg(test)]
mod tests;

/// How the groups of tasks that are hooks begin; the id of the deployment follows.
const GROUP: &str = "codedeploy-hook:";

/// See the module.
pub struct CodeDeployDeployments {
    /// Wait before the task of a hook that found no room is tried again.
    pub placement_retry: Duration,
    /// What public addresses of the tasks of hooks are given of.
    pub public_addresses: Ipv4Net,
}

impl CodeDeployDeployments {
    /// As it is set.
    pub fn new(settings: &Settings) -> Self {
        Self {
            placement_retry: settings.placement_retry,
            public_addresses: settings.public_addresses,
        }
    }
}

impl Controller for CodeDeployDeployments {
    const NAME: &'static str = "code_deploy_deployments";
    type Key = DeploymentKey;

    fn keys(&self, state: &State, change: &Change) -> Vec<DeploymentKey> {
        match change {
            Change::CodeDeployDeployment(it) => vec![key(it.current())],
            Change::Service(it) => {
                let active = state.active_code_deploy_deployments(&it.current().arn);
                active.map(|it| key(it)).collect()
            }
            Change::Task(it) => {
                let task = it.current();
                let id = task.group.strip_prefix(GROUP);
                id.map(|id| (task.arn.scope(), id.to_owned()))
                    .into_iter()
                    .collect()
            }
            Change::Target(it) => over(state, &it.current().key.group),
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<DeploymentKey> {
        state
            .all_active_code_deploy_deployments()
            .map(|it| key(it))
            .collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &DeploymentKey) -> Next {
        let known = tx.get::<CodeDeployDeployment>(key);
        let Some(known) = known.filter(|it| !it.status.has_ended()) else {
            return Next::AwaitChange;
        };
        let mut deployment = (*known).clone();
        let hook = self.ask(tx, &mut deployment);
        let observed = observe(tx.state(), &deployment);
        let gone_on = match step(&deployment, observed, tx.now()) {
            Step::Wait(next) => {
                tx.put(deployment);
                return next.or(hook);
            }
            Step::Enter(stage) => enter(tx, &mut deployment, stage),
            Step::Shift => shift_again(tx, &mut deployment),
            Step::Fail(error) => Err(error),
            Step::Stop(error) => {
                stop(tx, &mut deployment, error, false);
                return Next::AwaitChange;
            }
            Step::Succeed => {
                leave_rules(tx, &deployment);
                succeed(tx, &mut deployment);
                return Next::AwaitChange;
            }
        };
        match gone_on {
            Ok(()) => {
                tx.put(deployment);
                Next::Again
            }
            Err(error) => {
                fail(tx, &mut deployment, error);
                Next::AwaitChange
            }
        }
    }
}

fn key(deployment: &CodeDeployDeployment) -> DeploymentKey {
    (deployment.scope.clone(), deployment.id.clone())
}

/// Deployments whose traffic comes over a target group.
fn over(state: &State, group: &TargetGroupArn) -> Vec<DeploymentKey> {
    if state.get::<TargetGroup>(group).is_none() {
        return Vec::new();
    }
    let active = state.all_active_code_deploy_deployments();
    let mine = active.filter(|it| it.route.replacement_group == *group || it.route.original_group == *group);
    mine.map(|it| key(it)).collect()
}

impl CodeDeployDeployments {
    /// Starts the task of the current hook, if it is one, or hears how it ended.
    fn ask(&self, tx: &mut Tx<'_>, deployment: &mut CodeDeployDeployment) -> Next {
        let group = format!("{GROUP}{}", deployment.id);
        let (id, stage) = (deployment.id.clone(), deployment.stage);
        let Some(service) = tx.get::<Service>(&deployment.service) else {
            return Next::AwaitChange;
        };
        let run = deployment.event_mut().and_then(|it| it.hook.as_mut());
        let Some(run) = run.filter(|it| it.status.is_open()) else {
            return Next::AwaitChange;
        };
        let HookTarget::Task(definition) = run.hook.target.clone() else {
            return Next::AwaitChange;
        };
        let told = Told {
            group,
            environment: vec![
                Pair::new("CODEDEPLOY_DEPLOYMENT_ID", id),
                Pair::new("CODEDEPLOY_LIFECYCLE_EVENT", stage.as_str()),
                Pair::new("CODEDEPLOY_LIFECYCLE_EVENT_HOOK_EXECUTION_ID", &run.id),
            ],
            public_addresses: self.public_addresses,
        };
        *run = hook_tasks::advance(tx, &service, &definition, run.clone(), &told);
        match run.task.is_none() && run.status.is_open() {
            true => Next::After(self.placement_retry),
            false => Next::AwaitChange,
        }
    }
}
