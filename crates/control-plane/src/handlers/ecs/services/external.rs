//! Services with the deployment controllers EXTERNAL and CODE_DEPLOY: what is said of them, rather than of their task
//! sets.

use api::ecs;
use domain::ServiceArn;
use domain::deployment_strategy::DeploymentStrategy;
use domain::service::{DeploymentConfiguration, DeploymentController, Service};
use domain::service_load_balancer::ServiceLoadBalancer;
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::task_definition::LaunchType;
use orchestrator::transitions::{NewService, ServiceChange};

use super::{balance, load_balancers, parse, role, unbuilt};
use crate::call::Call;
use crate::handlers::ecs::errors::{invalid_parameter, is_filled, unsupported};
use crate::handlers::ecs::{placement, tags};

/// The deployment controller that a request names; ECS if it names none.
pub fn controller(given: Option<&ecs::DeploymentController>) -> DeploymentController {
    match given.map_or("ECS", |it| it.r#type.as_str()) {
        "EXTERNAL" => DeploymentController::External,
        "CODE_DEPLOY" => DeploymentController::CodeDeploy,
        // Other words have been refused before.
        _ => DeploymentController::Ecs,
    }
}

/// What UpdateService says of the deployment controller is what the service has.
///
/// # Errors
/// UnsupportedFeatureException for another one.
pub fn require_same_controller(
    given: Option<&ecs::DeploymentController>,
    known: &Service,
) -> Result<(), ecs::Error> {
    if given.is_none() || controller(given) == known.deployment_controller {
        return Ok(());
    }
    Err(unsupported("a change of the deploymentController"))
}

/// A service of CreateService.
///
/// # Errors
/// InvalidParameterException for what task sets say; UnsupportedFeatureException for what is not built yet.
pub fn new_service(call: &Call<ecs::CreateService>, arn: ServiceArn) -> Result<NewService, ecs::Error> {
    let input = call.input();
    if input.task_definition.as_deref() == Some("") {
        // https://github.com/hashicorp/terraform-provider-aws/issues/27362
        return Err(invalid_parameter("Family should not be null or empty."));
    }
    require_blank(&[
        ("TaskDefinition", input.task_definition.is_some()),
        ("LaunchType", input.launch_type.is_some()),
        (
            "CapacityProviderStrategy",
            is_filled(input.capacity_provider_strategy.as_ref()),
        ),
        ("PlatformVersion", input.platform_version.is_some()),
        ("NetworkConfiguration", input.network_configuration.is_some()),
        ("LoadBalancers", is_filled(input.load_balancers.as_ref())),
        ("ServiceRegistries", is_filled(input.service_registries.as_ref())),
    ])?;
    if input.role.is_some() {
        return Err(role::needs_linked_role());
    }
    unbuilt::refuse(input)?;
    let (constraints, strategy) = (&input.placement_constraints, &input.placement_strategy);
    let mut new = NewService {
        arn,
        // Nothing but the name is required, says Amazon's guide to external deployments.
        desired_count: parse::desired_count(Some(input.desired_count.unwrap_or(0)))?,
        scheduling_strategy: SchedulingStrategy::Replica,
        deployment_controller: DeploymentController::External,
        // So it reads until there is a primary task set.
        launch_type: LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        platform_version: None,
        task_definition: None,
        deployment_configuration: bounds(input)?,
        lifecycle_hooks: Vec::new(),
        deployment_alarms: parse::alarms(input.deployment_configuration.as_ref())?.unwrap_or_default(),
        placement_constraints: placement::constraints(constraints.as_deref(), LaunchType::Ec2)?,
        placement_strategy: placement::strategy(strategy.as_deref(), LaunchType::Ec2)?,
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Disabled,
        network_configuration: None,
        load_balancers: Vec::new(),
        role: None,
        service_registries: Vec::new(),
        // Its task sets may have load balancers.
        service_connect: None,
        health_check_grace_period_seconds: load_balancers::grace_period(
            input.health_check_grace_period_seconds,
        )?,
        created_by: call.caller().arn(),
        propagate_tags: parse::propagate_tags(input.propagate_tags.as_ref())?,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags.unwrap_or(false),
        enable_execute_command: input.enable_execute_command.unwrap_or(false),
        client_token: input.client_token.clone(),
        tags: tags::parse(input.tags.as_deref())?,
    };
    let rebalancing = input.availability_zone_rebalancing.as_ref();
    new.availability_zone_rebalancing = balance::of_new(rebalancing, &new)?;
    Ok(new)
}

/// Bounds, which are all that this controller knows of deployments.
fn bounds(input: &ecs::CreateServiceInput) -> Result<DeploymentConfiguration, ecs::Error> {
    let given = input.deployment_configuration.as_ref();
    let parsed = parse::bounds(given, DeploymentConfiguration::default())?;
    refuse_deployments(DeploymentController::External, given, parsed)?;
    Ok(parsed)
}

/// What only services have that deploy by themselves.
///
/// # Errors
/// InvalidParameterException.
pub fn refuse_deployments(
    controller: DeploymentController,
    given: Option<&ecs::DeploymentConfiguration>,
    parsed: DeploymentConfiguration,
) -> Result<(), ecs::Error> {
    let controller = match controller {
        DeploymentController::Ecs => return Ok(()),
        DeploymentController::CodeDeploy => "a CODE_DEPLOY",
        DeploymentController::External => "an EXTERNAL",
    };
    let has_hooks = given.is_some_and(|it| is_filled(it.lifecycle_hooks.as_ref()));
    if parsed.strategy != DeploymentStrategy::Rolling || has_hooks {
        return Err(invalid_parameter(format!(
            "Deployment strategies and lifecycle hooks are not supported for services with {controller} deployment \
             controller."
        )));
    }
    match parsed.circuit_breaker.enable && controller == "a CODE_DEPLOY" {
        true => Err(invalid_parameter(
            "The deployment circuit breaker is not supported for services with a CODE_DEPLOY deployment controller.",
        )),
        false => Ok(()),
    }
}

fn require_blank(members: &[(&str, bool)]) -> Result<(), ecs::Error> {
    match members.iter().find(|(_, is_given)| *is_given) {
        // https://github.com/aws/aws-cdk/issues/6245 quotes Amazon of the first.
        Some((member, _)) => Err(invalid_parameter(format!(
            "{member} must be blank. With the EXTERNAL deployment controller, it is a matter of CreateTaskSet."
        ))),
        None => Ok(()),
    }
}

/// CodeDeploy shifts traffic between two target groups, so there is one to begin with, and rules are its own matter.
///
/// # Errors
/// InvalidParameterException.
pub fn check_load_balancers(
    controller: DeploymentController,
    load_balancers: &[ServiceLoadBalancer],
) -> Result<(), ecs::Error> {
    if controller != DeploymentController::CodeDeploy {
        return Ok(());
    }
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    if load_balancers::classic::is_among(load_balancers) {
        return Err(invalid_parameter(
            "Services with a CODE_DEPLOY deployment controller require either an Application Load Balancer or a Network \
             Load Balancer.",
        ));
    }
    match load_balancers {
        [only] if only.advanced.is_none() => Ok(()),
        _ => Err(invalid_parameter(
            "Services with a CODE_DEPLOY deployment controller require exactly one load balancer, without \
             advancedConfiguration.",
        )),
    }
}

/// Task sets have target groups only.
///
/// # Errors
/// InvalidParameterException.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateTaskSet.html>
pub fn refuse_classic_of_task_set(load_balancers: &[ServiceLoadBalancer]) -> Result<(), ecs::Error> {
    match load_balancers::classic::is_among(load_balancers) {
        true => Err(invalid_parameter(
            "Task sets support either an Application Load Balancer or a Network Load Balancer.",
        )),
        false => Ok(()),
    }
}

/// What UpdateService may change: the desired count, placement and tags.
///
/// # Errors
/// InvalidParameterException for what task sets say.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub fn change(input: &ecs::UpdateServiceInput, known: &Service) -> Result<ServiceChange, ecs::Error> {
    // Amazon's words of CODE_DEPLOY: https://github.com/boto/boto3/issues/1936
    let is_code_deploy = known.deployment_controller == DeploymentController::CodeDeploy;
    let (controller, instead) = match is_code_deploy {
        true => ("a CODE_DEPLOY", "Use AWS CodeDeploy to trigger a new deployment."),
        false => ("an EXTERNAL", "Use CreateTaskSet instead."),
    };
    let refused = [
        ("task definition", input.task_definition.is_some()),
        (
            "capacity provider strategy",
            input.capacity_provider_strategy.is_some(),
        ),
        ("platform version", input.platform_version.is_some()),
        ("network configuration", input.network_configuration.is_some()),
        (
            "deployment configuration",
            input.deployment_configuration.is_some() && !is_code_deploy,
        ),
        ("load balancers", is_filled(input.load_balancers.as_ref())),
        ("service registries", is_filled(input.service_registries.as_ref())),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, is_given)| *is_given) {
        return Err(invalid_parameter(format!(
            "Unable to update {what} on services with {controller} deployment controller. {instead}"
        )));
    }
    if input.force_new_deployment == Some(true) {
        return Err(invalid_parameter(format!(
            "Cannot force a new deployment on services with {controller} deployment controller. {instead}"
        )));
    }
    let given = input.deployment_configuration.as_ref();
    let bounds = parse::bounds(given, known.deployment_configuration)?;
    refuse_deployments(known.deployment_controller, given, bounds)?;
    let (constraints, strategy) = (&input.placement_constraints, &input.placement_strategy);
    let desired_count = input.desired_count.map(|it| parse::desired_count(Some(it)));
    let constraints = constraints.as_deref();
    let constraints = constraints.map(|it| placement::constraints(Some(it), known.launch_type));
    let strategy = strategy.as_deref();
    let strategy = strategy.map(|it| placement::strategy(Some(it), known.launch_type));
    let propagate_tags = input.propagate_tags.as_ref();
    let propagate_tags = propagate_tags.map(|it| parse::propagate_tags(Some(it)));
    Ok(ServiceChange {
        desired_count: desired_count.transpose()?,
        deployment_configuration: given.map(|_| bounds),
        deployment_alarms: parse::alarms(given)?,
        placement_constraints: constraints.transpose()?,
        placement_strategy: strategy.transpose()?,
        propagate_tags: propagate_tags.transpose()?,
        health_check_grace_period_seconds: load_balancers::grace_period(
            input.health_check_grace_period_seconds,
        )?,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags,
        enable_execute_command: input.enable_execute_command,
        ..ServiceChange::default()
    })
}
