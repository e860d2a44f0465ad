//! From an AppSpec to what the replacement task set is made of, checked as CreateTaskSet would.

use std::collections::BTreeMap;

use api::codedeploy::Error;
use api::ecs;
use domain::Scope;
use domain::capacity_provider::Capacity;
use domain::code_deploy::deployment::Replacement;
use domain::code_deploy::deployment_group::TrafficRoutes;
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::HookTarget;
use domain::service::Service;
use domain::task_definition::{LaunchType, NetworkMode, TaskDefinition};
use store::State;
use wire::ServiceError;

use super::app_spec::AppSpec;
use super::errors::invalid_revision;
use crate::handlers::ecs::{
    capacity_providers, hook_target, network, platform_version, target_group, task_definitions,
};

/// How Amazon says that an AppSpec is not obeyed.
const INVALID: &str = "The deployment failed because the AppSpec file that specifies the deployment configuration is \
                       missing or has an invalid configuration.";

/// InvalidRevision.
pub fn invalid(reason: impl std::fmt::Display) -> Error {
    invalid_revision(format!("{INVALID} {reason}"))
}

fn of_ecs(error: &ecs::Error) -> Error {
    invalid(error.message().unwrap_or(error.code()))
}

/// What the replacement task set is made of. What the AppSpec leaves open is as in the service.
///
/// # Errors
/// InvalidRevision, with what ECS says.
pub fn replacement(
    state: &State,
    scope: &Scope,
    service: &Service,
    routes: &TrafficRoutes,
    spec: &AppSpec,
) -> Result<Replacement, Error> {
    let definition = task_definitions::require_active(state, scope, &spec.task_definition)
        .map_err(|error| of_ecs(&error))?;
    check_container(&definition, spec)?;
    for name in &routes.target_groups {
        if let Some(group) = state.target_group_of_name(scope, name) {
            target_group(state, &definition, group.arn.as_str()).map_err(|error| of_ecs(&error))?;
        }
    }
    let capacity = match &spec.capacity_provider_strategy {
        None => Capacity {
            launch_type: service.launch_type,
            strategy: service.capacity_provider_strategy.clone(),
        },
        Some(items) => capacity_providers::capacity(state, &service.cluster, None, Some(items), &definition)
            .map_err(|error| of_ecs(&error))?,
    };
    let launch_type = capacity.launch_type;
    if !definition.compatibilities.contains(&launch_type) {
        return Err(invalid(format!(
            "Task definition does not support launch_type {}.",
            launch_type.as_str()
        )));
    }
    let version = match (&spec.platform_version, launch_type) {
        (None, LaunchType::Fargate) => service.platform_version.as_deref(),
        (given, _) => given.as_deref(),
    };
    let is_awsvpc = definition.effective_network_mode() == NetworkMode::Awsvpc;
    let network_configuration = match (&spec.network_configuration, &service.network_configuration) {
        (None, Some(known)) if is_awsvpc => Some(known.clone()),
        (given, _) => network::parse(state, scope, &definition, launch_type, given.as_ref())
            .map_err(|error| of_ecs(&error))?,
    };
    Ok(Replacement {
        task_definition: definition.arn.clone(),
        container_name: spec.container_name.clone(),
        container_port: spec.container_port,
        launch_type,
        capacity_provider_strategy: capacity.strategy,
        platform_version: platform_version(version, launch_type).map_err(|error| of_ecs(&error))?,
        network_configuration,
    })
}

/// As ECS says it of load balancers.
fn check_container(definition: &TaskDefinition, spec: &AppSpec) -> Result<(), Error> {
    let AppSpec {
        container_name,
        container_port,
        ..
    } = spec;
    let mut containers = definition.containers.iter();
    let container = containers.find(|it| it.name == *container_name).ok_or_else(|| {
        invalid(format!(
            "The container {container_name} does not exist in the task definition."
        ))
    })?;
    let mut ports = container.port_mappings.iter();
    match ports.any(|it| it.container_port == Some(*container_port)) {
        true => Ok(()),
        false => Err(invalid(format!(
            "The container {container_name} did not have a container port {container_port} defined."
        ))),
    }
}

/// Who is asked: webhooks and tasks, as in the lifecycle hooks of services.
///
/// # Errors
/// InvalidRevision for functions, which there are none of.
pub fn hooks(
    state: &State,
    scope: &Scope,
    replacement: &Replacement,
    spec: &AppSpec,
) -> Result<BTreeMap<Stage, HookTarget>, Error> {
    let has_network = replacement.network_configuration.is_some();
    let targets = spec.hooks.iter().map(|(stage, target)| {
        let found = hook_target(state, scope, target, has_network);
        let found = found.map_err(|error| {
            let why = error.message().unwrap_or(error.code()).to_owned();
            invalid(format!("The hook {} cannot be called. {why}", stage.as_str()))
        })?;
        Ok((*stage, found))
    });
    targets.collect()
}
