//! OpenTaskStream.

use api::gantry;
use domain::task::{ContainerStatus, Task, TaskContainer, TaskStatus};
use domain::task_definition::{NetworkMode, TaskDefinition};

use super::errors::{invalid_parameter, limit_exceeded, not_connected, task_not_found};
use super::find::{Source, find};
use crate::call::Call;
use crate::streams::{CLIENT_PATH, Wanted};

#[cfg(test)]
mod tests;

/// Longest path of a file, as Linux has it.
const PATH_BYTES_MAX: usize = 4095;
/// Longest name of a file.
const NAME_BYTES_MAX: usize = 255;

/// `OpenTaskStream`: a session in which bytes go to and from a port of a container, or its files come or go as an
/// archive. The websocket at `streamUrl` wants the token as its first message.
///
/// # Errors
/// TaskNotFoundException, also for a task that has stopped; InvalidParameterException for a container that is not there
/// or does not run, and for what is no target; TargetNotConnectedException if its agent is not connected or is not
/// Gantry's; LimitExceededException.
pub async fn open_task_stream(
    call: Call<gantry::OpenTaskStream>,
) -> Result<gantry::OpenTaskStreamOutput, gantry::Error> {
    let input = call.input();
    require_target(&input.target)?;
    let (task, source) = find(&call, input.cluster.as_deref(), &input.task).await?;
    if source == Source::History || task.last_status == TaskStatus::Stopped {
        return Err(task_not_found(format!(
            "Task {0} has stopped. `gantry task explain {0}` says why; `aws ecs list-tasks` shows those that run.",
            task.arn.name()
        )));
    }
    let definition = call
        .access()
        .store()
        .read(|state| state.get::<TaskDefinition>(&task.task_definition).cloned());
    let port = input.target.port.and_then(|it| u16::try_from(it).ok());
    let container = match input.container.as_deref().filter(|it| !it.is_empty()) {
        Some(name) => named(&task, name)?,
        None => chosen(&task, definition.as_deref(), port)?,
    };
    if container.last_status != ContainerStatus::Running {
        return Err(invalid_parameter(format!(
            "Container {} of task {} is {}, not RUNNING. `gantry task explain {1}` says what it waits for.",
            container.name,
            task.arn.name(),
            container.last_status.as_str()
        )));
    }
    if !call.access().sessions().runs_commands(&task.host_id) {
        return Err(not_connected(format!(
            "The agent of the container instance on which task {} runs is not connected, or is not Gantry's.",
            task.arn.name()
        )));
    }
    let wanted = Wanted {
        task: task.arn.clone(),
        container: container.name.clone(),
        host_id: task.host_id.clone(),
        target: input.target.clone(),
        caller: call.caller().arn(),
    };
    let issued = call.access().streams().issue(wanted, call.now());
    let issued = issued.map_err(|refusal| limit_exceeded(refusal.to_string()))?;
    let origin = call.origin();
    let stream_url = origin.websocket_url(
        call.access().advertised_endpoint(),
        &format!("{CLIENT_PATH}{}", issued.session_id),
    );
    Ok(gantry::OpenTaskStreamOutput {
        task_arn: Some(task.arn.to_string()),
        container_name: Some(container.name.clone()),
        stream_url: Some(stream_url),
        session_id: Some(issued.session_id),
        token_value: Some(issued.token),
    })
}

fn require_target(target: &gantry::StreamTarget) -> Result<(), gantry::Error> {
    let path = |path: &str| match path {
        "" => Err(invalid_parameter("The path in the container is empty.")),
        it if !it.starts_with('/') => Err(invalid_parameter(format!(
            "The path in the container has to begin with a slash: {it}."
        ))),
        it if it.len() > PATH_BYTES_MAX || it.contains('\0') => Err(invalid_parameter(format!(
            "A path has at most {PATH_BYTES_MAX} bytes, and no NUL."
        ))),
        _ => Ok(()),
    };
    match (target.port, &target.read_files, &target.write_files) {
        (Some(1..=65_535), None, None) => Ok(()),
        (Some(port), None, None) => Err(invalid_parameter(format!(
            "Ports are from 1 to 65535, {port} is none."
        ))),
        (None, Some(files), None) => path(&files.path),
        (None, None, Some(files)) => {
            path(&files.path)?;
            let name = files.name.as_deref().unwrap_or_default();
            let is_name = !name.contains(['/', '\0']) && name.len() <= NAME_BYTES_MAX && name != "..";
            match is_name {
                true => Ok(()),
                false => Err(invalid_parameter(format!("{name:?} is no name of a file."))),
            }
        }
        _ => Err(invalid_parameter(
            "The target has to be exactly one of port, readFiles and writeFiles.",
        )),
    }
}

fn named<'t>(task: &'t Task, name: &str) -> Result<&'t TaskContainer, gantry::Error> {
    let found = task.containers.iter().find(|it| it.name == name);
    found.ok_or_else(|| {
        invalid_parameter(format!(
            "Task {} has no container {name}. It has: {}.",
            task.arn.name(),
            names(task.containers.iter())
        ))
    })
}

/// The one that is meant: the only one; of several the one whose definition maps the port, or where they share a network
/// any that runs.
fn chosen<'t>(
    task: &'t Task,
    definition: Option<&TaskDefinition>,
    port: Option<u16>,
) -> Result<&'t TaskContainer, gantry::Error> {
    if let [only] = task.containers.as_slice() {
        return Ok(only);
    }
    if let (Some(port), Some(definition)) = (port, definition) {
        let maps = |it: &&TaskContainer| {
            let found = definition.container(&it.name);
            found.is_some_and(|it| it.port_mappings.iter().any(|it| it.container_port == Some(port)))
        };
        let mut mapping = task.containers.iter().filter(maps);
        if let (Some(found), None) = (mapping.next(), mapping.next()) {
            return Ok(found);
        }
        let is_shared = matches!(
            definition.effective_network_mode(),
            NetworkMode::Awsvpc | NetworkMode::Host
        );
        let mut running = task.containers.iter();
        if is_shared && let Some(found) = running.find(|it| it.last_status == ContainerStatus::Running) {
            return Ok(found);
        }
    }
    Err(invalid_parameter(format!(
        "A container name must be specified: the task has more than one container ({}).",
        names(task.containers.iter())
    )))
}

fn names<'t>(containers: impl Iterator<Item = &'t TaskContainer>) -> String {
    containers
        .map(|it| it.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
