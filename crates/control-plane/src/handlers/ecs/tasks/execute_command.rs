//! ExecuteCommand. No task has it enabled yet, so there is none in which a command can be run.

use api::ecs;
use domain::task::{Task, TaskStatus};

use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::invalid_parameter;
use crate::handlers::ecs::names;

#[cfg(test)]
mod tests;

/// `ExecuteCommand`.
///
/// # Errors
/// Always: ClusterNotFoundException; InvalidParameterException for a call that is not interactive
/// (<https://github.com/boto/boto3/issues/2822>), a task or container that is not there, and every other task.
pub async fn execute_command(
    call: Call<ecs::ExecuteCommand>,
) -> Result<ecs::ExecuteCommandOutput, ecs::Error> {
    let input = call.input();
    if input.command.is_empty() {
        return Err(invalid_parameter("Command cannot be empty."));
    }
    if !input.interactive {
        return Err(invalid_parameter(
            "Interactive is the only mode supported currently.",
        ));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::task(&cluster, &input.task)?;
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let task = state.get::<Task>(&arn);
        let task = task.ok_or_else(|| invalid_parameter("The referenced task was not found."))?;
        require_container(task, input.container.as_deref())
    })?;
    Err(invalid_parameter(
        "The execute command failed because execute command was not enabled when the task was run or the execute command \
         agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.",
    ))
}

/// A container may go unnamed if there is one only.
fn require_container(task: &Task, given: Option<&str>) -> Result<(), ecs::Error> {
    if task.last_status == TaskStatus::Stopped {
        return Ok(());
    }
    match given {
        None if task.containers.len() > 1 => Err(invalid_parameter(
            "A container name must be specified: the task has more than one container.",
        )),
        Some(name) if !task.containers.iter().any(|it| it.name == name) => Err(invalid_parameter(format!(
            "The container {name} was not found in the task."
        ))),
        _ => Ok(()),
    }
}
