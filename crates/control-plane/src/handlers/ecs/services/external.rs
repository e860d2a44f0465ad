//! Services with the EXTERNAL deployment controller: what is said of them, rather than of their task sets.

use api::ecs;
use domain::ServiceArn;
use domain::deployment_strategy::DeploymentStrategy;
use domain::service::{DeploymentConfiguration, DeploymentController, Service};
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::task_definition::LaunchType;
use orchestrator::transitions::{NewService, ServiceChange};

use super::{balance, parse, unbuilt};
use crate::call::Call;
use crate::handlers::ecs::errors::{invalid_parameter, is_filled, unsupported};
use crate::handlers::ecs::{placement, tags};

/// The deployment controller that a request names; ECS if it names none.
///
/// # Errors
/// UnsupportedFeatureException for CODE_DEPLOY.
pub fn controller(given: Option<&ecs::DeploymentController>) -> Result<DeploymentController, ecs::Error> {
    match given.map_or("ECS", |it| it.r#type.as_str()) {
        "EXTERNAL" => Ok(DeploymentController::External),
        "CODE_DEPLOY" => Err(unsupported("deploymentController CODE_DEPLOY")),
        // Other words have been refused before.
        _ => Ok(DeploymentController::Ecs),
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
    if given.is_none() || controller(given)? == known.deployment_controller {
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
        placement_constraints: placement::constraints(constraints.as_deref(), LaunchType::Ec2)?,
        placement_strategy: placement::strategy(strategy.as_deref(), LaunchType::Ec2)?,
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Disabled,
        network_configuration: None,
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
    let has_hooks = given.is_some_and(|it| is_filled(it.lifecycle_hooks.as_ref()));
    if parsed.strategy != DeploymentStrategy::Rolling || has_hooks {
        return Err(invalid_parameter(
            "Deployment strategies and lifecycle hooks are not supported for services with an EXTERNAL deployment \
             controller.",
        ));
    }
    Ok(parsed)
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

/// What UpdateService may change: the desired count, placement and tags.
///
/// # Errors
/// InvalidParameterException for what task sets say.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub fn change(input: &ecs::UpdateServiceInput) -> Result<ServiceChange, ecs::Error> {
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
            input.deployment_configuration.is_some(),
        ),
        ("load balancers", is_filled(input.load_balancers.as_ref())),
        ("service registries", is_filled(input.service_registries.as_ref())),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, is_given)| *is_given) {
        // As Amazon says it of CODE_DEPLOY: https://github.com/boto/boto3/issues/1936
        return Err(invalid_parameter(format!(
            "Unable to update {what} on services with an EXTERNAL deployment controller. Use CreateTaskSet instead."
        )));
    }
    if input.force_new_deployment == Some(true) {
        return Err(invalid_parameter(
            "Cannot force a new deployment on services with an EXTERNAL deployment controller. Use CreateTaskSet \
             instead.",
        ));
    }
    let (constraints, strategy) = (&input.placement_constraints, &input.placement_strategy);
    let desired_count = input.desired_count.map(|it| parse::desired_count(Some(it)));
    let constraints = constraints.as_deref();
    let constraints = constraints.map(|it| placement::constraints(Some(it), LaunchType::Ec2));
    let strategy = strategy.as_deref();
    let strategy = strategy.map(|it| placement::strategy(Some(it), LaunchType::Ec2));
    let propagate_tags = input.propagate_tags.as_ref();
    let propagate_tags = propagate_tags.map(|it| parse::propagate_tags(Some(it)));
    Ok(ServiceChange {
        desired_count: desired_count.transpose()?,
        placement_constraints: constraints.transpose()?,
        placement_strategy: strategy.transpose()?,
        propagate_tags: propagate_tags.transpose()?,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags,
        enable_execute_command: input.enable_execute_command,
        ..ServiceChange::default()
    })
}
