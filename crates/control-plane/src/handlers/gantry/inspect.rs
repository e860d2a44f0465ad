//! InspectTask.

use std::time::Duration;

use api::gantry;
use domain::task::TaskStatus;

use super::errors::{not_connected, task_not_found};
use super::find::{Source, find};
use crate::call::Call;

/// How long the agent may take to answer.
const AGENT_DEADLINE: Duration = Duration::from_secs(10);

/// `InspectTask`: what the host of a task has really made of it, as its agent says now.
///
/// # Errors
/// TaskNotFoundException, also for a task that has stopped; TargetNotConnectedException if its agent does not answer.
pub async fn inspect_task(
    call: Call<gantry::InspectTask>,
) -> Result<gantry::InspectTaskOutput, gantry::Error> {
    let input = call.input();
    let (task, source) = find(&call, input.cluster.as_deref(), &input.task).await?;
    if source == Source::History || task.last_status == TaskStatus::Stopped {
        return Err(task_not_found(format!(
            "Task {} has stopped, so nothing of it is left on its host. ExplainTask says why it stopped.",
            task.arn.name()
        )));
    }
    let sessions = call.access().sessions();
    let inspected = sessions.inspect(&task.host_id, &task.arn, AGENT_DEADLINE).await;
    let inspection = inspected
        .map_err(|error| not_connected(format!("Task {} cannot be inspected: {error}.", task.arn.name())))?;
    Ok(gantry::InspectTaskOutput {
        task_arn: Some(task.arn.to_string()),
        container_instance_arn: task.container_instance.as_ref().map(ToString::to_string),
        inspection: Some(inspection),
    })
}
