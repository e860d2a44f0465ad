//! Deployments say the truth: COMPLETED is what has all its tasks, and what has ended stays so.

use domain::service::{Deployment, DeploymentController, Rollout, Service, ServiceStatus};
use domain::service_deployment::ServiceDeployment;
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use store::{Change, Commit};

use super::Replica;
use super::replica::is_wanted;

/// Looks at the services of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    for change in &commit.changes {
        match change {
            Change::Service(it) => {
                let Some(service) = it.after.as_deref() else {
                    continue;
                };
                let before = it.before.as_deref();
                look(before, service, after).map_err(|it| format!("service {}: {it}", service.arn.name()))?;
            }
            Change::ServiceDeployment(it) => {
                if let (Some(before), Some(now)) = (it.before.as_deref(), it.after.as_deref()) {
                    ended(before, now)?;
                }
                one_under_way(it.current(), after)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn look(before: Option<&Service>, service: &Service, after: &Replica) -> Result<(), String> {
    if service.status != ServiceStatus::Active || service.deployment_controller != DeploymentController::Ecs {
        return Ok(());
    }
    let primary = service
        .deployments
        .first()
        .ok_or("it has no PRIMARY deployment")?;
    if primary.rollout == Rollout::Completed && rollout_before(before, primary) != Some(Rollout::Completed) {
        return complete(service, primary, after);
    }
    // A rollback puts what was reached in front again.
    let returns = |it: &Deployment| {
        let was_primary = before.and_then(|it| it.deployments.first());
        it.id == primary.id
            && was_primary.is_some_and(|was| was.id != it.id)
            && rollout_before(before, it) == Some(Rollout::Completed)
    };
    for it in service.deployments.iter().filter(|it| !returns(it)) {
        let was = rollout_before(before, it);
        if was.is_some_and(|was| was != Rollout::InProgress && was != it.rollout) {
            return Err(format!(
                "deployment {} was {was:?} and is {:?}",
                it.id, it.rollout
            ));
        }
    }
    Ok(())
}

fn rollout_before(before: Option<&Service>, deployment: &Deployment) -> Option<Rollout> {
    let mut before = before?.deployments.iter();
    before.find(|it| it.id == deployment.id).map(|it| it.rollout)
}

fn complete(service: &Service, primary: &Deployment, after: &Replica) -> Result<(), String> {
    // A steady service may begin to move a task at once: what takes its place is one more.
    let moving = service.balance.moving.as_ref().map(|it| &it.replacement);
    let open = after
        .tasks_of(&service.arn)
        .filter(|it| it.last_status != TaskStatus::Stopped && Some(&it.arn) != moving);
    // Daemons go last from what is DRAINING, and what stops where no agent is stops nobody else.
    let is_daemon = service.scheduling_strategy == SchedulingStrategy::Daemon;
    let is_away =
        |it: &Task| !is_wanted(it) && !after.hosts.get(&it.host_id).is_some_and(|it| it.is_connected);
    let open = open.filter(|it| !is_daemon || !(after.is_on_draining(it) || is_away(it)));
    let open: Vec<_> = open.collect();
    let good = open.iter().filter(|it| {
        it.started_by.as_ref() == Some(&primary.id)
            && is_wanted(it)
            && after.is_healthy(it, primary.updated_at)
    });
    let (good, wanted) = (good.count(), service.desired_count as usize);
    if good != wanted || open.len() != wanted {
        return Err(format!(
            "deployment {} is COMPLETED with {good} healthy tasks of {wanted} and {} others",
            primary.id,
            open.len() - good
        ));
    }
    Ok(())
}

fn ended(before: &ServiceDeployment, now: &ServiceDeployment) -> Result<(), String> {
    if !before.is_under_way() && before.status != now.status {
        let name = now.arn.name();
        return Err(format!(
            "service deployment {name} was {:?} and is {:?}",
            before.status, now.status
        ));
    }
    Ok(())
}

fn one_under_way(of: &ServiceDeployment, after: &Replica) -> Result<(), String> {
    let all = after.deployments.values().filter(|it| it.service == of.service);
    match all.filter(|it| it.is_under_way()).count() {
        0 | 1 => Ok(()),
        count => Err(format!(
            "service {}: {count} service deployments are under way",
            of.service.name()
        )),
    }
}
