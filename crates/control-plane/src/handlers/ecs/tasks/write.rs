//! RunTask, StartTask and StopTask.

use api::ecs;
use domain::capacity_provider::Capacity;
use domain::tags::Pair;
use domain::task::{ClientRequest, Stop, StopCode};
use domain::task_definition::TaskDefinition;
use domain::{ClusterArn, ContainerInstanceArn};
use orchestrator::transitions::{self, PlacementFailure, RunTasks, RunTasksOutcome, Where};
use sha2::{Digest, Sha256};
use store::State;

use super::overrides;
use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, invalid_parameter, refuse_unbuilt};
use crate::handlers::ecs::services::{launch_type, platform_version};
use crate::handlers::ecs::{capacity_providers, names, network, placement, render, tags, task_definitions};

/// Most tasks of one RunTask, and most container instances of one StartTask.
const TASKS_MAX: i32 = 10;
/// Longest `clientToken` of RunTask.
const CLIENT_TOKEN_LENGTH_MAX: usize = 64;
/// Enough to tell calls apart.
const FINGERPRINT_BYTES: usize = 16;
/// Longest `startedBy`.
const STARTED_BY_LENGTH_MAX: usize = 128;

/// `RunTask`: places tasks at once, or says why not.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException and ClientException in Amazon's words.
pub async fn run_task(call: Call<ecs::RunTask>) -> Result<ecs::RunTaskOutput, ecs::Error> {
    let input = call.input();
    refuse_unbuilt(&[
        ("enableExecuteCommand", input.enable_execute_command == Some(true)),
        (
            "volumeConfigurations",
            input
                .volume_configurations
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
        ),
    ])?;
    let count = input.count.unwrap_or(1);
    if !(1..=TASKS_MAX).contains(&count) {
        return Err(invalid_parameter(format!(
            "Task count must be between 1 and {TASKS_MAX}, it is {count}."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let store = call.access().store();
    let run = store.read(|state| parse_run_task(state, &call, &cluster, count.unsigned_abs()))?;
    let outcome = store
        .transact(move |tx| transitions::run_tasks_once(tx, &run))
        .await;
    let outcome = outcome.map_err(errors::from_store)?;
    let (tasks, failures) = store.read(|state| rendered(state, &outcome));
    Ok(ecs::RunTaskOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

fn parse_run_task(
    state: &State,
    call: &Call<ecs::RunTask>,
    cluster: &ClusterArn,
    count: u32,
) -> Result<RunTasks, ecs::Error> {
    let input = call.input();
    require_active(state, cluster)?;
    let definition = task_definitions::require_active(state, call.scope(), &input.task_definition)?;
    let strategy = input.capacity_provider_strategy.as_deref();
    let Capacity {
        launch_type,
        strategy,
    } = capacity_providers::capacity(state, cluster, input.launch_type.as_ref(), strategy, &definition)?;
    let network = input.network_configuration.as_ref();
    let wanted = Wanted {
        group: input.group.as_deref(),
        started_by: input.started_by.as_deref(),
        tags: input.tags.as_deref(),
        propagate_tags: input.propagate_tags.as_ref(),
        managed_tags: input.enable_ecs_managed_tags == Some(true),
    };
    Ok(RunTasks {
        placement_constraints: placement::constraints(input.placement_constraints.as_deref(), launch_type)?,
        placement_strategy: placement::strategy(input.placement_strategy.as_deref(), launch_type)?,
        network: network::parse(state, call.scope(), &definition, launch_type, network)?,
        overrides: overrides::parse(&definition, input.overrides.as_ref())?,
        count,
        launch_type,
        capacity_provider_strategy: strategy,
        platform_version: platform_version(input.platform_version.as_deref(), launch_type)?,
        client_request: client_request(input)?,
        ..common(cluster, &definition, &wanted)?
    })
}

/// The SDKs send a client token even if their caller gives none, so that their own retries start tasks once.
fn client_request(input: &ecs::RunTaskInput) -> Result<Option<ClientRequest>, ecs::Error> {
    let Some(token) = &input.client_token else {
        return Ok(None);
    };
    if token.len() > CLIENT_TOKEN_LENGTH_MAX || !token.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(invalid_parameter(
            "clientToken has at most 64 ASCII characters in the range of 33-126.",
        ));
    }
    let rest = ecs::RunTaskInput {
        client_token: None,
        ..input.clone()
    };
    let digest = Sha256::digest(wire::json::encode(&rest));
    Ok(Some(ClientRequest {
        token: token.clone(),
        fingerprint: hex::encode(&digest[..FINGERPRINT_BYTES]),
    }))
}

/// `StartTask`: one task on each container instance that is named.
///
/// # Errors
/// As RunTask.
pub async fn start_task(call: Call<ecs::StartTask>) -> Result<ecs::StartTaskOutput, ecs::Error> {
    let input = call.input();
    refuse_unbuilt(&[
        ("enableExecuteCommand", input.enable_execute_command == Some(true)),
        (
            "volumeConfigurations",
            input
                .volume_configurations
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
        ),
    ])?;
    let given = &input.container_instances;
    if given.is_empty() || given.len() > TASKS_MAX.unsigned_abs() as usize {
        return Err(invalid_parameter(format!(
            "containerInstances must have 1 to {TASKS_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let instances = given.iter().map(|it| names::container_instance(&cluster, it));
    let instances: Vec<ContainerInstanceArn> = instances.collect::<Result<_, _>>()?;
    let store = call.access().store();
    let run = store.read(|state| -> Result<RunTasks, ecs::Error> {
        require_active(state, &cluster)?;
        let definition = task_definitions::require_active(state, call.scope(), &input.task_definition)?;
        let launch_type = launch_type(None, &definition)?;
        let mut common = common(
            &cluster,
            &definition,
            &Wanted {
                group: input.group.as_deref(),
                started_by: input.started_by.as_deref(),
                tags: input.tags.as_deref(),
                propagate_tags: input.propagate_tags.as_ref(),
                managed_tags: input.enable_ecs_managed_tags == Some(true),
            },
        )?;
        common.network = network::parse(
            state,
            call.scope(),
            &definition,
            launch_type,
            input.network_configuration.as_ref(),
        )?;
        common.overrides = overrides::parse(&definition, input.overrides.as_ref())?;
        common.placed = Where::On(instances);
        Ok(common)
    })?;
    let outcome = store.transact(move |tx| transitions::run_tasks(tx, &run)).await;
    let outcome = outcome.map_err(errors::from_store)?;
    let (tasks, failures) = store.read(|state| rendered(state, &outcome));
    Ok(ecs::StartTaskOutput {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// What RunTask and StartTask say alike.
struct Wanted<'a> {
    group: Option<&'a str>,
    started_by: Option<&'a str>,
    tags: Option<&'a [ecs::Tag]>,
    propagate_tags: Option<&'a ecs::PropagateTags>,
    managed_tags: bool,
}

fn common(
    cluster: &ClusterArn,
    definition: &std::sync::Arc<TaskDefinition>,
    wanted: &Wanted<'_>,
) -> Result<RunTasks, ecs::Error> {
    if wanted.group.is_some_and(|it| it.starts_with("service:")) {
        return Err(invalid_parameter(
            "Invalid group: it may not start with 'service:'.",
        ));
    }
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "_-/".contains(it);
    let is_fine = |it: &str| it.len() <= STARTED_BY_LENGTH_MAX && it.chars().all(is_letter);
    if !wanted.started_by.is_none_or(is_fine) {
        return Err(invalid_parameter(
            "startedBy has at most 128 letters, numbers, hyphens, underscores and slashes.",
        ));
    }
    let mut tags = tags::parse(wanted.tags)?;
    match wanted.propagate_tags.map(ecs::PropagateTags::as_str) {
        None | Some("NONE") => {}
        Some("TASK_DEFINITION") => {
            let known: Vec<String> = tags.iter().map(|it| it.name.clone()).collect();
            tags.extend(
                definition
                    .tags
                    .iter()
                    .filter(|it| !known.contains(&it.name))
                    .cloned(),
            );
        }
        Some(_) => {
            return Err(invalid_parameter(
                "propagateTags must be TASK_DEFINITION or NONE for tasks.",
            ));
        }
    }
    if wanted.managed_tags {
        tags.push(Pair::new("aws:ecs:clusterName", cluster.name()));
    }
    Ok(RunTasks {
        cluster: cluster.clone(),
        definition: std::sync::Arc::clone(definition),
        count: 1,
        launch_type: domain::task_definition::LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        placed: Where::Anywhere,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        group: wanted
            .group
            .map_or_else(|| format!("family:{}", definition.family), str::to_owned),
        started_by: wanted.started_by.map(str::to_owned),
        service: None,
        client_request: None,
        overrides: domain::task::Overrides::default(),
        network: None,
        platform_version: None,
        tags,
    })
}

fn rendered(state: &State, outcome: &RunTasksOutcome) -> (Vec<ecs::Task>, Vec<ecs::Failure>) {
    let failure = |it: &PlacementFailure| ecs::Failure {
        arn: Some(it.arn.clone()),
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
