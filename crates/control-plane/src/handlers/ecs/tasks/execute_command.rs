//! ExecuteCommand: makes a session in which a command will run in a container.

use api::ecs;
use domain::cluster::{Cluster, ExecuteCommandLogging};
use domain::task::{ContainerStatus, DesiredStatus, Task, TaskContainer, TaskStatus};
use domain::task_definition::TaskDefinition;
use store::State;
use telemetry::logs::LogScope;

use crate::call::{Call, Origin};
use crate::executions::{CLIENT_PATH, Command, LogPlace};
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{client, invalid_parameter};
use crate::handlers::ecs::{names, render};

#[cfg(test)]
mod tests;

/// Longest command, in bytes.
const COMMAND_BYTES_MAX: usize = 8 * 1024;

/// `ExecuteCommand`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for a call that is not interactive
/// (<https://github.com/boto/boto3/issues/2822>), a task or container that is not there, does not run or was started
/// without the feature; TargetNotConnectedException if its agent is not connected, or is not Gantry's;
/// ClientException if the container has too many sessions.
pub async fn execute_command(
    call: Call<ecs::ExecuteCommand>,
) -> Result<ecs::ExecuteCommandOutput, ecs::Error> {
    let input = call.input();
    let arguments = words(&input.command)?;
    if !input.interactive {
        return Err(invalid_parameter(
            "Interactive is the only mode supported currently.",
        ));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::task(&cluster, &input.task)?;
    let (command, container_arn) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let task = state.get::<Task>(&arn);
        let task = task.ok_or_else(|| invalid_parameter("The referenced task was not found."))?;
        let container = container(task, input.container.as_deref())?;
        require_enabled(task, container)?;
        let command = Command {
            task: task.arn.clone(),
            container: container.name.clone(),
            host_id: task.host_id.clone(),
            arguments,
            text: input.command.clone(),
            caller: call.caller().arn(),
            log: log(state, task, container),
        };
        Ok::<_, ecs::Error>((command, render::container_arn(task, container)))
    })?;
    if !call.access().sessions().runs_commands(&command.host_id) {
        return Err(not_connected());
    }
    let container_name = command.container.clone();
    let issued = call.access().executions().issue(command, call.now());
    let issued = issued.map_err(|refusal| client(refusal.to_string()))?;
    Ok(ecs::ExecuteCommandOutput {
        cluster_arn: Some(cluster.to_string()),
        container_arn: Some(container_arn),
        container_name: Some(container_name),
        interactive: Some(true),
        session: Some(ecs::Session {
            stream_url: Some(stream_url(
                call.origin(),
                call.access().advertised_endpoint(),
                &issued.session_id,
            )),
            session_id: Some(issued.session_id),
            token_value: Some(issued.token),
        }),
        task_arn: Some(arn.to_string()),
    })
}

/// Splits a command as Amazon's agent does: quotes and backslashes are a shell's, there is none otherwise.
fn words(command: &str) -> Result<Vec<String>, ecs::Error> {
    if command.trim().is_empty() {
        return Err(invalid_parameter("Command cannot be empty."));
    }
    if command.len() > COMMAND_BYTES_MAX || command.contains('\0') {
        return Err(invalid_parameter(format!(
            "Command has at most {COMMAND_BYTES_MAX} bytes, and no NUL."
        )));
    }
    let words = shlex::split(command).filter(|it| !it.is_empty());
    words.ok_or_else(|| invalid_parameter("Command has a quote that is not closed."))
}

/// A container may go unnamed if there is one only.
fn container<'t>(task: &'t Task, given: Option<&str>) -> Result<&'t TaskContainer, ecs::Error> {
    let found = match given {
        None if task.containers.len() > 1 => {
            return Err(invalid_parameter(
                "A container name must be specified: the task has more than one container.",
            ));
        }
        None => task.containers.first(),
        Some(name) => task.containers.iter().find(|it| it.name == name),
    };
    found.ok_or_else(|| {
        let name = given.unwrap_or_default();
        invalid_parameter(format!("The container {name} was not found in the task."))
    })
}

fn require_enabled(task: &Task, container: &TaskContainer) -> Result<(), ecs::Error> {
    let is_running = task.last_status == TaskStatus::Running
        && task.desired_status == DesiredStatus::Running
        && container.last_status == ContainerStatus::Running;
    if task.enable_execute_command && is_running {
        return Ok(());
    }
    Err(invalid_parameter(
        "The execute command failed because execute command was not enabled when the task was run or the execute command \
         agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.",
    ))
}

/// <https://github.com/aws/aws-cli/issues/6456>
fn not_connected() -> ecs::Error {
    ecs::Error::TargetNotConnectedException(ecs::TargetNotConnectedException {
        message: Some("The execute command failed due to an internal error. Try again later.".to_owned()),
    })
}

/// Where the output goes, by the cluster's configuration.
fn log(state: &State, task: &Task, container: &TaskContainer) -> Option<LogPlace> {
    let cluster = state.get::<Cluster>(&task.cluster());
    let configuration = cluster.and_then(|it| it.configuration.execute_command.as_ref());
    let scope = task.arn.scope();
    let place = |region: &str, group: &str| LogPlace {
        scope: LogScope {
            account: scope.account.clone(),
            region: region.to_owned(),
        },
        group: group.to_owned(),
    };
    match configuration.map(|it| &it.logging) {
        Some(ExecuteCommandLogging::None) => None,
        Some(ExecuteCommandLogging::Override(log)) => {
            log.log_group.as_ref().map(|group| place(&scope.region, group))
        }
        None | Some(ExecuteCommandLogging::Default) => {
            let definition = state.get::<TaskDefinition>(&task.task_definition)?;
            let log = definition
                .container(&container.name)?
                .log_configuration
                .as_ref()?;
            if log.log_driver != "awslogs" {
                return None;
            }
            let region = log
                .options
                .get("awslogs-region")
                .map_or(&*scope.region, String::as_str);
            Some(place(region, log.options.get("awslogs-group")?))
        }
    }
}

/// On this server, as the caller reaches it.
fn stream_url(origin: &Origin, advertised_endpoint: &str, session_id: &str) -> String {
    let path = format!("{CLIENT_PATH}{session_id}?role=publish_subscribe");
    origin.websocket_url(advertised_endpoint, &path)
}
