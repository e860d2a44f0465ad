//! Lifecycle hooks that are tasks: each is started once, and has to end with exit code 0.

use domain::deployment_lifecycle::DeploymentLifecycle;
use domain::lifecycle_hook::{HookRun, HookStatus, HookTarget};
use domain::service::Service;
use domain::tags::Pair;
use domain::task::{ContainerOverride, Overrides, StopCode, Task, TaskStatus};
use domain::task_definition::{NetworkMode, TaskDefinition};
use domain::{ServiceArn, TaskDefinitionArn};
use ipnet::Ipv4Net;
use store::{State, Tx};

use super::circuit_breaker;
use crate::transitions::{RunTasks, Where, run_tasks};

/// How the groups of such tasks begin; the name of the service follows.
const GROUP: &str = "service-hook:";

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Nothing is left to be done until something changes.
    Noted,
    /// No instance has room for the task.
    FoundNoRoom,
}

/// The service that a task is a hook of.
pub(super) fn service_of(task: &Task) -> Option<ServiceArn> {
    let name = task.group.strip_prefix(GROUP)?;
    Some(task.cluster().member(name))
}

/// Brings one hook of the current stage nearer to its end.
pub(super) fn look(
    tx: &mut Tx<'_>,
    service: &mut Service,
    index: usize,
    public_addresses: Ipv4Net,
) -> Looked {
    let hook = service.lifecycle.as_ref().and_then(|it| it.hooks.get(index));
    let hook = hook.filter(|it| it.status.is_open());
    let Some((definition, hook)) = hook.and_then(|it| match &it.hook.target {
        HookTarget::Task(definition) => Some((definition.clone(), it.clone())),
        HookTarget::Pause | HookTarget::Webhook(_) => None,
    }) else {
        return Looked::Noted;
    };
    let told = Told {
        group: format!("{GROUP}{}", service.arn.name()),
        environment: told_to(service),
        public_addresses,
    };
    let noted = advance(tx, service, &definition, hook, &told);
    let has_room = noted.task.is_some() || !noted.status.is_open();
    let hooks = service
        .lifecycle
        .as_mut()
        .map(|it: &mut DeploymentLifecycle| &mut it.hooks);
    if let Some(place) = hooks.and_then(|it| it.get_mut(index)) {
        *place = noted;
    }
    if has_room {
        Looked::Noted
    } else {
        Looked::FoundNoRoom
    }
}

/// What a task that is a hook is known by, is told as variables, and is given.
pub(in crate::controllers) struct Told {
    /// Its group.
    pub group: String,
    /// Variables of all its containers.
    pub environment: Vec<Pair>,
    /// What its public address is given of, if it is to have one.
    pub public_addresses: Ipv4Net,
}

/// Starts the task of a hook as tasks of a service are started, or hears how it ended.
pub(in crate::controllers) fn advance(
    tx: &mut Tx<'_>,
    service: &Service,
    definition: &TaskDefinitionArn,
    hook: HookRun,
    told: &Told,
) -> HookRun {
    let Some(arn) = &hook.task else {
        return start(tx, service, definition, hook, told);
    };
    let essential = essential_containers(tx.state(), definition);
    let task = tx.get::<Task>(arn);
    ended(task.as_deref(), hook, &essential)
}

fn essential_containers(state: &State, definition: &TaskDefinitionArn) -> Vec<String> {
    let definition = state.get::<TaskDefinition>(definition);
    let containers = definition.iter().flat_map(|it| &it.containers);
    let essential = containers.filter(|it| it.essential);
    essential.map(|it| it.name.clone()).collect()
}

fn ended(task: Option<&Task>, hook: HookRun, essential: &[String]) -> HookRun {
    let failed = |reason: String| HookRun {
        status: HookStatus::Failed,
        reason: Some(reason),
        ..hook.clone()
    };
    let Some(task) = task else {
        return failed("its task is not known any more.".to_owned());
    };
    if task.last_status != TaskStatus::Stopped {
        return hook;
    }
    let has_started = task
        .stop
        .as_ref()
        .is_some_and(|it| it.code == StopCode::EssentialContainerExited);
    let mut containers = task.containers.iter().filter(|it| essential.contains(&it.name));
    if has_started && containers.all(|it| it.exit_code == Some(0)) {
        return HookRun {
            status: HookStatus::Succeeded,
            ..hook
        };
    }
    failed(circuit_breaker::told(task))
}

fn start(
    tx: &mut Tx<'_>,
    service: &Service,
    definition: &TaskDefinitionArn,
    hook: HookRun,
    told: &Told,
) -> HookRun {
    let Some(definition) = tx.get::<TaskDefinition>(definition) else {
        return HookRun {
            status: HookStatus::Failed,
            reason: Some("its task definition does not exist.".to_owned()),
            ..hook
        };
    };
    let overrides = overrides(&definition, &told.environment);
    let run = RunTasks {
        cluster: service.cluster.clone(),
        network: service
            .network_configuration
            .clone()
            .filter(|_| definition.effective_network_mode() == NetworkMode::Awsvpc),
        public_addresses: Some(told.public_addresses),
        definition,
        count: 1,
        launch_type: service.launch_type,
        capacity_provider_strategy: service.capacity_provider_strategy.clone(),
        placed: Where::Anywhere,
        placement_constraints: service.placement_constraints.clone(),
        placement_strategy: Vec::new(),
        group: told.group.clone(),
        started_by: Some(hook.id.clone()),
        service: None,
        overrides,
        platform_version: service.platform_version.clone(),
        targets: Vec::new(),
        registration: None,
        endpoints: Vec::new(),
        enable_execute_command: false,
        client_request: None,
        tags: super::part::managed_tags(service),
    };
    let why = match run_tasks(tx, &run) {
        Ok(outcome) => match outcome.tasks.first() {
            Some(task) => {
                return HookRun {
                    task: Some(task.arn.clone()),
                    reason: None,
                    ..hook
                };
            }
            None => outcome.failures.first().map(|it| it.in_event.clone()),
        },
        Err(_) => None,
    };
    let why = why.unwrap_or_else(|| "there is no container instance for it".to_owned());
    HookRun {
        reason: Some(format!("its task was not placed: {why}")),
        ..hook
    }
}

/// What every container of it is told, as variables.
fn told_to(service: &Service) -> Vec<Pair> {
    let stage = service.lifecycle.as_ref().map_or("", |it| it.stage.as_str());
    let revision = service.deployments.first().map(|it| it.revision.to_string());
    vec![
        Pair::new("ECS_SERVICE_ARN", service.arn.to_string()),
        Pair::new("ECS_TARGET_SERVICE_REVISION_ARN", revision.unwrap_or_default()),
        Pair::new("ECS_LIFECYCLE_STAGE", stage),
    ]
}

fn overrides(definition: &TaskDefinition, environment: &[Pair]) -> Overrides {
    let containers = definition.containers.iter().map(|it| ContainerOverride {
        name: it.name.clone(),
        environment: Some(environment.to_vec()),
        ..ContainerOverride::default()
    });
    Overrides {
        containers: containers.collect(),
        ..Overrides::default()
    }
}
