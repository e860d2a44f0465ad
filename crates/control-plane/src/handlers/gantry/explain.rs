//! ExplainTask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::gantry;
use domain::service::Service;
use domain::task::{DesiredStatus, StopCode, Task, TaskContainer, TaskStatus};
use domain::task_definition::TaskDefinition;
use store::State;

use super::find::{Source, find};
use crate::call::Call;
use crate::explanation::{
    AgentConnection, Explanation, Facts, ServiceStop, explain, meaning, stop_timeout_seconds,
};

/// How long the agent of a task that waits may take to say for what: without its word, the state says less.
const AGENT_DEADLINE: Duration = Duration::from_secs(2);

/// `ExplainTask`: why a task stopped, or what it waits for.
///
/// # Errors
/// TaskNotFoundException; InvalidParameterException for what is no task, or may be several.
pub async fn explain_task(
    call: Call<gantry::ExplainTask>,
) -> Result<gantry::ExplainTaskOutput, gantry::Error> {
    let input = call.input();
    let (task, source) = find(&call, input.cluster.as_deref(), &input.task).await?;
    let sessions = call.access().sessions();
    let agent = match sessions.is_connected(&task.host_id) {
        true => AgentConnection::Connected,
        false => AgentConnection::Lost,
    };
    let mut waits = BTreeMap::new();
    let is_on_its_way =
        task.desired_status == DesiredStatus::Running && task.last_status < TaskStatus::Running;
    if is_on_its_way && agent == AgentConnection::Connected {
        // An agent of Amazon's says nothing, and then the state has to do.
        let inspected = sessions.inspect(&task.host_id, &task.arn, AGENT_DEADLINE).await;
        let containers = inspected.ok().and_then(|it| it.containers).unwrap_or_default();
        waits.extend(
            containers
                .into_iter()
                .filter_map(|it| Some((it.name?, it.waits_for?))),
        );
    }
    Ok(call.access().store().read(|state| {
        let definition = state
            .get::<TaskDefinition>(&task.task_definition)
            .map(Arc::as_ref);
        let facts = Facts {
            task: &task,
            definition,
            service_stop: service_stop(state, &task),
            agent,
            waits: &waits,
        };
        gantry::ExplainTaskOutput {
            explanation: Some(render(&facts, explain(&facts), source)),
        }
    }))
}

/// Whether a newer deployment had begun when the service stopped the task. A service that is gone says nothing.
fn service_stop(state: &State, task: &Task) -> ServiceStop {
    let is_of_service = task
        .stop
        .as_ref()
        .is_some_and(|it| it.code == StopCode::ServiceSchedulerInitiated);
    let service = task.service.as_ref().and_then(|it| state.get::<Service>(it));
    let (true, Some(service), Some(stopping_at)) = (is_of_service, service, task.times.stopping_at) else {
        return ServiceStop::Unknown;
    };
    let is_newer = |it: &&domain::service::Deployment| {
        Some(&it.id) != task.started_by.as_ref() && it.created_at > task.times.created_at
    };
    let newer = service
        .deployments
        .iter()
        .filter(is_newer)
        .map(|it| it.created_at)
        .min();
    match newer {
        Some(begun) if begun <= stopping_at => ServiceStop::Replaced,
        // Tasks of the deployment that is there go only when there are too many.
        Some(_) => ServiceStop::ScaledIn,
        None if service
            .deployments
            .iter()
            .any(|it| Some(&it.id) == task.started_by.as_ref()) =>
        {
            ServiceStop::ScaledIn
        }
        None => ServiceStop::Unknown,
    }
}

fn render(facts: &Facts<'_>, it: Explanation, source: Source) -> gantry::TaskExplanation {
    let task = facts.task;
    let list = |list: Vec<String>| Some(list).filter(|it| !it.is_empty());
    let container = |it: &TaskContainer| container(facts, it);
    gantry::TaskExplanation {
        task_arn: Some(task.arn.to_string()),
        cluster_arn: Some(task.cluster().to_string()),
        task_definition_arn: Some(task.task_definition.to_string()),
        container_instance_arn: task.container_instance.as_ref().map(ToString::to_string),
        group: Some(task.group.clone()),
        launch_type: Some(task.launch_type.as_str().to_owned()),
        last_status: Some(task.last_status.as_str().to_owned()),
        desired_status: Some(task.desired_status.as_str().to_owned()),
        source: Some(source.as_str().to_owned()),
        created_at: Some(task.times.created_at),
        pull_started_at: task.times.pull_started_at,
        pull_stopped_at: task.times.pull_stopped_at,
        started_at: task.times.started_at,
        stopping_at: task.times.stopping_at,
        execution_stopped_at: task.times.execution_stopped_at,
        stopped_at: task.times.stopped_at,
        stop_code: task.stop.as_ref().map(|it| it.code.as_str().to_owned()),
        stopped_reason: task.stop.as_ref().map(|it| it.reason.clone()),
        cause: it.cause.map(|it| it.as_str().to_owned()),
        summary: Some(it.summary),
        decision: it.decision,
        waits_for: list(it.waits_for),
        next_steps: list(it.next_steps),
        first_container_to_end: it.first_to_end,
        containers: Some(task.containers.iter().map(container).collect()),
    }
}

fn container(facts: &Facts<'_>, it: &TaskContainer) -> gantry::ContainerExplanation {
    let definition = facts.definition.and_then(|all| all.container(&it.name));
    let health = it.health.as_ref();
    let end = it.end.as_ref();
    gantry::ContainerExplanation {
        name: Some(it.name.clone()),
        essential: definition.map(|it| it.essential),
        image: definition.map(|it| it.image.clone()),
        image_digest: it.image_digest.clone(),
        last_status: Some(it.last_status.as_str().to_owned()),
        exit_code: it.exit_code,
        exit_meaning: meaning(it, stop_timeout_seconds(facts.definition, &it.name)),
        reason: it.reason.clone(),
        started_at: end.and_then(|it| it.started_at),
        finished_at: end.and_then(|it| it.finished_at),
        restart_count: end.and_then(|it| i32::try_from(it.restart_count).ok()),
        health_status: health.map(|it| it.status.as_str().to_owned()),
        health_since: health.and_then(|it| it.since),
        health_output: health.map(|it| it.output.clone()).filter(|it| !it.is_empty()),
        last_lines: Some(it.last_lines.clone()).filter(|it| !it.is_empty()),
        waits_for: facts.waits.get(&it.name).cloned().filter(|it| !it.is_empty()),
    }
}
