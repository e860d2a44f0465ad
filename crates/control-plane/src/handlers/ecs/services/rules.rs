//! What Amazon refuses of a service, whether Gantry obeys the member yet or not.
//! Wordings as Amazon's where they are publicly quoted.

use api::ecs;
use domain::container_definition::ContainerDefinition;
use domain::service::Service;
use domain::service_load_balancer::LOAD_BALANCERS_MAX;
use domain::service_scheduling::SchedulingStrategy;
use domain::task_definition::{LaunchType, TaskDefinition};

use crate::handlers::ecs::errors::{invalid_parameter, is_filled};

/// Longest `clientToken`.
const CLIENT_TOKEN_LENGTH_MAX: usize = 36;
/// Words of `schedulingStrategy`.
const SCHEDULING_STRATEGIES: [&str; 2] = ["REPLICA", "DAEMON"];
/// Words of `deploymentController.type`.
const DEPLOYMENT_CONTROLLERS: [&str; 3] = ["ECS", "CODE_DEPLOY", "EXTERNAL"];

/// The members that UpdateService shares with CreateService, as CreateService has them: the same rules hold for both.
pub fn as_create(
    update: &ecs::UpdateServiceInput,
    scheduling_strategy: SchedulingStrategy,
) -> ecs::CreateServiceInput {
    let scheduling_strategy = ecs::SchedulingStrategy::from(scheduling_strategy.as_str());
    ecs::CreateServiceInput {
        scheduling_strategy: Some(scheduling_strategy),
        availability_zone_rebalancing: update.availability_zone_rebalancing.clone(),
        capacity_provider_strategy: update.capacity_provider_strategy.clone(),
        deployment_configuration: update.deployment_configuration.clone(),
        deployment_controller: update.deployment_controller.clone(),
        desired_count: update.desired_count,
        enable_execute_command: update.enable_execute_command,
        health_check_grace_period_seconds: update.health_check_grace_period_seconds,
        load_balancers: update.load_balancers.clone(),
        placement_constraints: update.placement_constraints.clone(),
        placement_strategy: update.placement_strategy.clone(),
        service_connect_configuration: update.service_connect_configuration.clone(),
        service_registries: update.service_registries.clone(),
        monitoring: update.monitoring.clone(),
        volume_configurations: update.volume_configurations.clone(),
        vpc_lattice_configurations: update.vpc_lattice_configurations.clone(),
        ..ecs::CreateServiceInput::default()
    }
}

/// Rules that need nothing but the call.
///
/// # Errors
/// InvalidParameterException.
pub fn check(input: &ecs::CreateServiceInput) -> Result<(), ecs::Error> {
    let scheduling = word(
        "schedulingStrategy",
        input.scheduling_strategy.as_ref().map(|it| it.as_str()),
        &SCHEDULING_STRATEGIES,
    )?;
    let controller = input.deployment_controller.as_ref().map(|it| it.r#type.as_str());
    let controller = word("deploymentController.type", controller, &DEPLOYMENT_CONTROLLERS)?;
    let rebalancing = input.availability_zone_rebalancing.as_ref();
    let rebalancing = rebalancing.map(|it| it.as_str());
    word(
        "availabilityZoneRebalancing",
        rebalancing,
        &["DISABLED", "ENABLED"],
    )?;
    if scheduling == "DAEMON" {
        check_daemon(input, controller)?;
    }
    if let Some(token) = &input.client_token
        && (token.len() > CLIENT_TOKEN_LENGTH_MAX || !token.bytes().all(|it| it.is_ascii_graphic()))
    {
        return Err(invalid_parameter(
            "clientToken has at most 36 ASCII characters in the range of 33-126.",
        ));
    }
    let load_balancers = input.load_balancers.as_deref().unwrap_or_default();
    if load_balancers.len() > LOAD_BALANCERS_MAX {
        return Err(invalid_parameter(format!(
            "load balancers can have at most {LOAD_BALANCERS_MAX} items."
        )));
    }
    Ok(())
}

fn check_daemon(input: &ecs::CreateServiceInput, controller: &str) -> Result<(), ecs::Error> {
    if input.desired_count.is_some() {
        return Err(invalid_parameter(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count \
             value and try again",
        ));
    }
    if input
        .launch_type
        .as_ref()
        .is_some_and(|it| it.as_str() == "FARGATE")
    {
        return Err(invalid_parameter(
            "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try \
             again",
        ));
    }
    if is_filled(input.capacity_provider_strategy.as_ref()) {
        return Err(invalid_parameter(
            "The daemon scheduling strategy does not support a capacity provider strategy. Use the launch type EC2 or \
             EXTERNAL.",
        ));
    }
    let bounds = input.deployment_configuration.as_ref();
    if bounds
        .and_then(|it| it.maximum_percent)
        .is_some_and(|it| it > 100)
    {
        // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html
        return Err(invalid_parameter(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent.",
        ));
    }
    if controller != "ECS" {
        return Err(invalid_parameter(format!(
            "The daemon scheduling strategy does not support the {controller} deployment controller."
        )));
    }
    Ok(())
}

fn word<'a>(member: &str, given: Option<&'a str>, words: &[&'static str]) -> Result<&'a str, ecs::Error>
where
    'static: 'a,
{
    match given {
        None => Ok(words[0]),
        Some(given) if words.contains(&given) => Ok(given),
        Some(given) => Err(invalid_parameter(format!(
            "Invalid {member}: {given:?}; it must be one of {}.",
            words.join(", ")
        ))),
    }
}

/// Commands are run on behalf of a role, on Amazon, so a service that is updated keeps one.
///
/// # Errors
/// InvalidParameterException.
pub fn check_task_role(
    known: &Service,
    update: &ecs::UpdateServiceInput,
    definition: &TaskDefinition,
) -> Result<(), ecs::Error> {
    let is_enabled = update
        .enable_execute_command
        .unwrap_or(known.enable_execute_command);
    if is_enabled && definition.task_role_arn.is_none() {
        return Err(invalid_parameter(
            "The service couldn't be updated because a valid taskRoleArn is not being used. Specify a valid task role in \
             your task definition and try again.",
        ));
    }
    Ok(())
}

/// Rules of the call and its task definition together.
///
/// # Errors
/// InvalidParameterException.
pub fn check_with(input: &ecs::CreateServiceInput, definition: &TaskDefinition) -> Result<(), ecs::Error> {
    if input.enable_execute_command == Some(true) && definition.task_role_arn.is_none() {
        return Err(invalid_parameter(
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in \
             your task definition and try again.",
        ));
    }
    for it in input.load_balancers.iter().flatten() {
        check_load_balancer(it, definition)?;
    }
    for it in input.service_registries.iter().flatten() {
        if let Some(name) = it.container_name.as_deref() {
            check_port(name, it.container_port, definition)?;
        }
    }
    Ok(())
}

fn check_load_balancer(it: &ecs::LoadBalancer, definition: &TaskDefinition) -> Result<(), ecs::Error> {
    match (&it.target_group_arn, &it.load_balancer_name) {
        (None, None) => Err(invalid_parameter(
            "targetGroupArn and loadBalancerName cannot both be empty.",
        )),
        (Some(_), Some(_)) => Err(invalid_parameter(
            "You cannot specify both targetGroupArn and loadBalancerName.",
        )),
        _ => check_port(
            it.container_name.as_deref().unwrap_or_default(),
            it.container_port,
            definition,
        ),
    }
}

/// A container of that name has that port.
///
/// # Errors
/// InvalidParameterException.
pub fn check_port(name: &str, port: Option<i32>, definition: &TaskDefinition) -> Result<(), ecs::Error> {
    let Some(container) = definition.container(name) else {
        return Err(invalid_parameter(format!(
            "The container {name} does not exist in the task definition."
        )));
    };
    match port {
        Some(port) if !has_port(container, port) => Err(invalid_parameter(format!(
            "The container {name} did not have a container port {port} defined."
        ))),
        _ => Ok(()),
    }
}

fn has_port(container: &ContainerDefinition, port: i32) -> bool {
    let mut mappings = container.port_mappings.iter();
    mappings.any(|it| it.container_port.map(i32::from) == Some(port))
}

/// Placement rules of a service hold for all its task sets: none of them may be on FARGATE.
///
/// # Errors
/// InvalidParameterException.
pub fn check_placement(service: &Service, launch_type: LaunchType) -> Result<(), ecs::Error> {
    if launch_type != LaunchType::Fargate {
        return Ok(());
    }
    let found = [
        ("constraints", service.placement_constraints.is_empty()),
        ("strategies", service.placement_strategy.is_empty()),
    ];
    match found.iter().find(|(_, is_empty)| !is_empty) {
        Some((what, _)) => Err(invalid_parameter(format!(
            "Placement {what} are not supported with FARGATE launch type."
        ))),
        None => Ok(()),
    }
}
