//! Tasks and targets agree: what runs as a target is one, and each knows of the other what the other is.

use domain::service_load_balancer::{TaskTarget, TaskTargetState};
use domain::task::{Task, TaskStatus};
use store::{Change, Commit};

use super::Replica;

/// Looks at the tasks and targets of a commit.
pub fn check(commit: &Commit, after: &Replica) -> Result<(), String> {
    for change in &commit.changes {
        let task = match change {
            Change::Task(it) => it.after.as_ref(),
            Change::Target(it) => {
                let task = it.current().task.as_ref();
                task.and_then(|it| after.tasks.get(it))
            }
            _ => None,
        };
        // The address of one that has ended may be another's before anybody looks.
        if let Some(task) = task.filter(|it| it.last_status == TaskStatus::Running) {
            agree(task, after).map_err(|it| format!("task {}: {it}", task.arn.name()))?;
        }
    }
    Ok(())
}

fn agree(task: &Task, after: &Replica) -> Result<(), String> {
    for place in &task.targets {
        let (Some(key), TaskTargetState::Registered { health, .. }) = (place.key(), &place.state) else {
            continue;
        };
        let Some(target) = after.targets.get(&key) else {
            return Err(format!("it is registered as {key:?}, which is not there"));
        };
        if target.task.as_ref() != Some(&task.arn) {
            return Err(format!("it is registered as {key:?}, which is another's"));
        }
        if target.health.state != *health {
            let (told, is) = (health.as_str(), target.health.state.as_str());
            return Err(format!("it takes its target for {told}, and it is {is}"));
        }
    }
    Ok(())
}

/// Whether all load balancers of a task send it requests.
pub fn is_served(task: &Task) -> bool {
    task.targets.iter().all(TaskTarget::is_healthy)
}
