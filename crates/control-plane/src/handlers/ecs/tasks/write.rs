//! RunTask, StartTask and StopTask.

use api::ecs;
use domain::capacity_provider::Capacity;
use domain::client_request::ClientRequest;
use domain::tags::Pair;
use domain::task::{Overrides, QueuePolicy, Stop, StopCode};
use domain::task_definition::TaskDefinition;
use domain::{ClusterArn, ContainerInstanceArn, Scope};
use orchestrator::transitions::{self, PlacementFailure, RunTasks, RunTasksOutcome, Where};
use store::State;

use super::overrides;
use crate::call::Call;
use crate::handlers::client_tokens;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, invalid_parameter, is_filled, refuse_unbuilt};
use crate::handlers::ecs::services::platform_version;
use crate::handlers::ecs::{capacity_providers, names, network, placement, render, tags, task_definitions};

/// Most tasks of one RunTask, and most container instances of one StartTask.
const TASKS_MAX: i32 = 10;
/// Longest `startedBy` of RunTask.
const STARTED_BY_LENGTH_MAX: usize = 128;
/// Longest `startedBy` of StartTask.
const STARTED_BY_LENGTH_MAX_OF_START: usize = 36;
/// Longest `referenceId`.
const REFERENCE_ID_LENGTH_MAX: usize = 1024;

#[cfg(test)]
mod tests;

/// `RunTask`: places tasks at once, or says why not; or lets them wait, if their tags say so.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException and ClientException in Amazon's words.
pub async fn run_task(call: Call<ecs::RunTask>) -> Result<ecs::RunTaskOutput, ecs::Error> {
    let input = call.input();
    refuse_what_is_not_built(input)?;
    let count = input.count.unwrap_or(1);
    if !(1..=TASKS_MAX).contains(&count) {
        return Err(invalid_parameter(format!(
            "Task count must be between 1 and {TASKS_MAX}, it is {count}."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let store = call.access().store();
    let run = store.read(|state| -> Result<RunTasks, ecs::Error> {
        Ok(RunTasks {
            count: count.unsigned_abs(),
            client_request: client_request(input)?,
            public_addresses: Some(call.access().public_addresses()),
            ..parse(state, call.scope(), &cluster, input)?
        })
    })?;
    let policy =
        QueuePolicy::of(&run.tags).map_err(|wrong| invalid_parameter(format!("Invalid tags: {wrong}.")))?;
    let outcome = store
        .transact(move |tx| transitions::run_tasks_once(tx, &run, &policy))
        .await;
    let outcome = outcome.map_err(errors::from_store)?;
    let (tasks, failures) = store.read(|state| rendered(state, &outcome));
    Ok(ecs::RunTaskOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

fn refuse_what_is_not_built(input: &ecs::RunTaskInput) -> Result<(), ecs::Error> {
    let volumes = input.volume_configurations.as_ref();
    refuse_unbuilt(&[("volumeConfigurations", is_filled(volumes))])
}

/// The SDKs send a client token even if their caller gives none, so that their own retries start tasks once.
fn client_request(input: &ecs::RunTaskInput) -> Result<Option<ClientRequest>, ecs::Error> {
    let Some(token) = &input.client_token else {
        return Ok(None);
    };
    if !client_tokens::is_token(token) {
        return Err(invalid_parameter(
            "clientToken has at most 64 ASCII characters in the range of 33-126.",
        ));
    }
    let rest = ecs::RunTaskInput {
        client_token: None,
        ..input.clone()
    };
    Ok(Some(client_tokens::client_request(token.clone(), &rest)))
}

/// `StartTask`: one task on each container instance that is named.
///
/// # Errors
/// As RunTask.
pub async fn start_task(call: Call<ecs::StartTask>) -> Result<ecs::StartTaskOutput, ecs::Error> {
    let input = call.input();
    let given = &input.container_instances;
    if given.is_empty() || given.len() > TASKS_MAX.unsigned_abs() as usize {
        return Err(invalid_parameter(format!(
            "containerInstances must have 1 to {TASKS_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let instances = given.iter().map(|it| names::container_instance(&cluster, it));
    let instances: Vec<ContainerInstanceArn> = instances.collect::<Result<_, _>>()?;
    let shared = as_run_task(input);
    check_started_by(input.started_by.as_deref(), STARTED_BY_LENGTH_MAX_OF_START)?;
    refuse_what_is_not_built(&shared)?;
    let store = call.access().store();
    let run = store.read(|state| -> Result<RunTasks, ecs::Error> {
        Ok(RunTasks {
            placed: Where::On(instances),
            public_addresses: Some(call.access().public_addresses()),
            ..parse(state, call.scope(), &cluster, &shared)?
        })
    })?;
    let outcome = store.transact(move |tx| transitions::run_tasks(tx, &run)).await;
    let outcome = outcome.map_err(errors::from_store)?;
    let (tasks, failures) = store.read(|state| rendered(state, &outcome));
    Ok(ecs::StartTaskOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// The members that StartTask shares with RunTask, as RunTask has them.
fn as_run_task(start: &ecs::StartTaskInput) -> ecs::RunTaskInput {
    ecs::RunTaskInput {
        cluster: start.cluster.clone(),
        enable_ecs_managed_tags: start.enable_ecs_managed_tags,
        enable_execute_command: start.enable_execute_command,
        group: start.group.clone(),
        // The default strategy of the cluster is not for tasks whose place is named.
        launch_type: Some(ecs::LaunchType::Ec2),
        network_configuration: start.network_configuration.clone(),
        overrides: start.overrides.clone(),
        propagate_tags: start.propagate_tags.clone(),
        reference_id: start.reference_id.clone(),
        started_by: start.started_by.clone(),
        tags: start.tags.clone(),
        task_definition: start.task_definition.clone(),
        volume_configurations: start.volume_configurations.clone(),
        ..ecs::RunTaskInput::default()
    }
}

/// One task, anywhere.
fn parse(
    state: &State,
    scope: &Scope,
    cluster: &ClusterArn,
    input: &ecs::RunTaskInput,
) -> Result<RunTasks, ecs::Error> {
    check_started_by(input.started_by.as_deref(), STARTED_BY_LENGTH_MAX)?;
    check_reference_id(input.reference_id.as_deref())?;
    require_active(state, cluster)?;
    let definition = task_definitions::require_active(state, scope, &input.task_definition)?;
    let strategy = input.capacity_provider_strategy.as_deref();
    let Capacity {
        launch_type,
        strategy,
    } = capacity_providers::capacity(state, cluster, input.launch_type.as_ref(), strategy, &definition)?;
    let network = input.network_configuration.as_ref();
    let overrides = overrides::parse(&definition, input.overrides.as_ref())?;
    check_task_role(input, &definition, &overrides)?;
    Ok(RunTasks {
        cluster: cluster.clone(),
        count: 1,
        launch_type,
        capacity_provider_strategy: strategy,
        placed: Where::Anywhere,
        placement_constraints: placement::constraints(input.placement_constraints.as_deref(), launch_type)?,
        placement_strategy: placement::strategy(input.placement_strategy.as_deref(), launch_type)?,
        group: group(input, &definition)?,
        started_by: input.started_by.clone(),
        service: None,
        targets: Vec::new(),
        registration: None,
        endpoints: Vec::new(),
        enable_execute_command: input.enable_execute_command == Some(true),
        client_request: None,
        overrides,
        network: network::parse(state, scope, &definition, launch_type, network)?,
        public_addresses: None,
        platform_version: platform_version(input.platform_version.as_deref(), launch_type)?,
        tags: task_tags(cluster, &definition, input)?,
        definition,
    })
}

/// <https://github.com/boto/boto3/issues/3173>
fn check_task_role(
    input: &ecs::RunTaskInput,
    definition: &TaskDefinition,
    overrides: &Overrides,
) -> Result<(), ecs::Error> {
    let role = overrides
        .task_role_arn
        .as_ref()
        .or(definition.task_role_arn.as_ref());
    if input.enable_execute_command == Some(true) && role.is_none() {
        return Err(invalid_parameter(
            "The execute command failed because a valid task role is not being used. Specify a valid task role in your \
             task definition or as a task override and try again.",
        ));
    }
    Ok(())
}

fn group(input: &ecs::RunTaskInput, definition: &TaskDefinition) -> Result<String, ecs::Error> {
    match &input.group {
        None => Ok(format!("family:{}", definition.family)),
        Some(group) if group.starts_with("service:") => Err(invalid_parameter(
            "Invalid group: it may not start with 'service:'.",
        )),
        Some(group) => Ok(group.clone()),
    }
}

/// The documentation names letters, numbers and `_-/` alone; Step Functions says `AWS Step Functions` and Amazon takes it.
fn check_started_by(given: Option<&str>, length_max: usize) -> Result<(), ecs::Error> {
    match given {
        Some(it) if it.chars().count() > length_max => Err(invalid_parameter(format!(
            "startedBy has at most {length_max} characters."
        ))),
        _ => Ok(()),
    }
}

fn check_reference_id(given: Option<&str>) -> Result<(), ecs::Error> {
    match given {
        Some(it) if it.len() > REFERENCE_ID_LENGTH_MAX => Err(invalid_parameter(format!(
            "referenceId has at most {REFERENCE_ID_LENGTH_MAX} characters."
        ))),
        _ => Ok(()),
    }
}

fn task_tags(
    cluster: &ClusterArn,
    definition: &TaskDefinition,
    input: &ecs::RunTaskInput,
) -> Result<Vec<Pair>, ecs::Error> {
    let mut tags = tags::parse(input.tags.as_deref())?;
    match input.propagate_tags.as_ref().map(ecs::PropagateTags::as_str) {
        None | Some("NONE") => {}
        Some("TASK_DEFINITION") => {
            let known: Vec<String> = tags.iter().map(|it| it.name.clone()).collect();
            let more = definition.tags.iter().filter(|it| !known.contains(&it.name));
            tags.extend(more.cloned());
        }
        Some(_) => {
            return Err(invalid_parameter(
                "propagateTags must be TASK_DEFINITION or NONE for tasks.",
            ));
        }
    }
    if input.enable_ecs_managed_tags == Some(true) {
        tags.push(Pair::new("aws:ecs:clusterName", cluster.name()));
    }
    Ok(tags)
}

fn rendered(state: &State, outcome: &RunTasksOutcome) -> (Vec<ecs::Task>, Vec<ecs::Failure>) {
    let failure = |it: &PlacementFailure| ecs::Failure {
        arn: it.arn.clone(),
        reason: Some(it.reason.clone()),
        detail: it.detail.clone(),
    };
    let tasks = outcome
        .tasks
        .iter()
        .map(|it| render::task(state, it, true))
        .collect();
    (tasks, outcome.failures.iter().map(failure).collect())
}

/// `StopTask`: records the wish; the agent carries it out and reports back.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException "The referenced task was not found."
pub async fn stop_task(call: Call<ecs::StopTask>) -> Result<ecs::StopTaskOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let task = names::task(&cluster, &input.task)?;
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let reason = input
        .reason
        .clone()
        .unwrap_or_else(|| "Task stopped by user".to_owned());
    let stop = Stop {
        code: StopCode::UserInitiated,
        reason,
    };
    let stopped = store
        .transact(move |tx| transitions::stop_task(tx, &task, stop))
        .await;
    let stopped = stopped.map_err(errors::from_store)?;
    Ok(ecs::StopTaskOutput {
        task: Some(store.read(|state| render::task(state, &stopped, false))),
    })
}
