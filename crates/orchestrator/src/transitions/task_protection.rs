//! Protection of tasks from their service.

use std::convert::Infallible;
use std::time::Duration;

use domain::service::Service;
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{DesiredStatus, Task};
use domain::{ServiceArn, TaskArn, Timestamp};
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// What is wished for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// For so long.
    For(Duration),
    /// Not any more.
    Off,
}

/// Why a task has no protection to speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectionRefusal {
    /// There is no such task.
    Missing,
    /// It belongs to no service or to one of the DAEMON strategy, or shall stop.
    TaskNotValid,
    /// As many tasks of the service are protected as it wants: one more would block its deployment.
    DeploymentBlocked,
}

impl ProtectionRefusal {
    /// The reason in `failures[]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::TaskNotValid => "TASK_NOT_VALID",
            Self::DeploymentBlocked => "DEPLOYMENT_BLOCKED",
        }
    }
}

/// Of each task, until when it is protected.
pub type Protections = Vec<(TaskArn, Result<Option<Timestamp>, ProtectionRefusal>)>;

/// `GetTaskProtection`.
pub fn task_protection(state: &State, tasks: &[TaskArn], now: Timestamp) -> Protections {
    let of = |arn: &TaskArn| valid(state, arn).map(|(task, _)| task.protection(now));
    tasks.iter().map(|arn| (arn.clone(), of(arn))).collect()
}

fn valid<'a>(state: &'a State, arn: &TaskArn) -> Result<(&'a Task, &'a ServiceArn), ProtectionRefusal> {
    let task = state.get::<Task>(arn).ok_or(ProtectionRefusal::Missing)?;
    match &task.service {
        Some(service) if task.desired_status == DesiredStatus::Running && !is_daemon(state, service) => {
            Ok((task, service))
        }
        _ => Err(ProtectionRefusal::TaskNotValid),
    }
}

/// There is nothing to scale in.
fn is_daemon(state: &State, service: &ServiceArn) -> bool {
    let service = state.get::<Service>(service);
    service.is_some_and(|it| it.scheduling_strategy == SchedulingStrategy::Daemon)
}

/// `UpdateTaskProtection`: each task by itself.
///
/// # Errors
/// None: each refusal is in the answer.
pub fn update_task_protection(
    tx: &mut Tx<'_>,
    tasks: &[TaskArn],
    wish: Protection,
) -> Result<Protections, Infallible> {
    Ok(tasks
        .iter()
        .map(|arn| (arn.clone(), update(tx, arn, wish)))
        .collect())
}

fn update(tx: &mut Tx<'_>, arn: &TaskArn, wish: Protection) -> Result<Option<Timestamp>, ProtectionRefusal> {
    let now = tx.now();
    let (task, service) = valid(tx.state(), arn)?;
    if matches!(wish, Protection::For(_)) && is_blocked(tx.state(), service, arn, now) {
        return Err(ProtectionRefusal::DeploymentBlocked);
    }
    let protected_until = match wish {
        Protection::For(duration) => Some(now + duration),
        Protection::Off => None,
    };
    let task = Task {
        protected_until,
        ..task.clone()
    };
    tx.put(task);
    Ok(protected_until)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html>
fn is_blocked(state: &State, service: &ServiceArn, asking: &TaskArn, now: Timestamp) -> bool {
    let desired = state
        .get::<Service>(service)
        .map_or(0, |it| it.desired_count as usize);
    let others = state.tasks_of_service(service).filter(|it| {
        it.arn != *asking && it.desired_status == DesiredStatus::Running && it.protection(now).is_some()
    });
    others.count() >= desired
}
