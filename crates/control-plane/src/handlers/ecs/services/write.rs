//! CreateService, UpdateService and DeleteService.

use api::ecs;
use domain::ClusterArn;
use domain::capacity_provider::Capacity;
use domain::service::{DeploymentController, Service};
use domain::service_load_balancer::ServiceLoadBalancer;
use domain::service_registry::ServiceRegistry;
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::task_definition::{LaunchType, TaskDefinition};
use orchestrator::transitions::{self, NewService, ServiceChange};
use store::State;

use super::{
    balance, external, load_balancers, parse, registries, role, rules, service_connect,
    strategy as strategies, unbuilt,
};
use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, invalid_parameter, service_not_found};
use crate::handlers::ecs::{capacity_providers, names, network, placement, render, tags, task_definitions};

/// `CreateService`.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException and ClientException in Amazon's words;
/// UnsupportedFeatureException for what is not built yet.
pub async fn create_service(call: Call<ecs::CreateService>) -> Result<ecs::CreateServiceOutput, ecs::Error> {
    let input = call.input();
    let strategy = input.placement_strategy.as_deref();
    placement::refuse_strategy_of_daemon(input.scheduling_strategy.as_ref(), strategy)?;
    rules::check(input)?;
    if !names::is_name(&input.service_name) {
        return Err(invalid_parameter(
            "Service name must contain only letters, numbers, hyphens and underscores, 255 at most.",
        ));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let store = call.access().store();
    let new = store.read(|state| new_service(state, &call, &cluster))?;
    let created = store
        .transact(move |tx| {
            let service = transitions::create_service(tx, new);
            service.map(|it| render::service(tx.state(), &it, true))
        })
        .await;
    let service = created.map_err(errors::from_store)?;
    Ok(ecs::CreateServiceOutput {
        service: Some(service),
    })
}

/// What CreateService says, checked against what there is.
fn new_service(
    state: &State,
    call: &Call<ecs::CreateService>,
    cluster: &ClusterArn,
) -> Result<NewService, ecs::Error> {
    let input = call.input();
    require_active(state, cluster)?;
    let controller = external::controller(input.deployment_controller.as_ref());
    service_connect::check_controller(input.service_connect_configuration.as_ref(), controller)?;
    if controller == DeploymentController::External {
        return external::new_service(call, cluster.member(&input.service_name));
    }
    let given = input.task_definition.as_deref();
    let given = given.ok_or_else(|| invalid_parameter("TaskDefinition cannot be null or empty."))?;
    let definition = task_definitions::require_active(state, call.scope(), given)?;
    rules::check_with(input, &definition)?;
    unbuilt::refuse(input)?;
    let scheduling_strategy = parse::scheduling_strategy(input.scheduling_strategy.as_ref());
    let Capacity {
        launch_type,
        strategy: capacity_provider_strategy,
    } = capacity(state, call, cluster, &definition)?;
    let desired_count = match scheduling_strategy {
        SchedulingStrategy::Replica => parse::desired_count(input.desired_count)?,
        SchedulingStrategy::Daemon => 0,
    };
    let placement_constraints = placement::constraints(input.placement_constraints.as_deref(), launch_type)?;
    let placement_strategy = placement::strategy(input.placement_strategy.as_deref(), launch_type)?;
    let network = input.network_configuration.as_ref();
    let network = network::parse(state, call.scope(), &definition, launch_type, network)?;
    let deployments = input.deployment_configuration.as_ref();
    let bounds = parse::bounds(deployments, parse::default_bounds(scheduling_strategy))?;
    let hooks = strategies::hooks(state, call.scope(), deployments, network.is_some())?;
    strategies::refuse_stages_of_daemon(scheduling_strategy, bounds, hooks.as_deref())?;
    let load_balancers = input.load_balancers.as_deref().unwrap_or_default();
    let load_balancers = load_balancers::parse(state, &definition, load_balancers)?;
    load_balancers::check_deployments(bounds, &load_balancers)?;
    let registries = input.service_registries.as_deref().unwrap_or_default();
    let service_registries = registries::parse(state, &definition, registries)?;
    let grace_period = input.health_check_grace_period_seconds;
    external::refuse_deployments(controller, deployments, bounds)?;
    external::check_load_balancers(controller, &load_balancers)?;
    let mut new = NewService {
        arn: cluster.member(&input.service_name),
        desired_count,
        scheduling_strategy,
        deployment_controller: controller,
        launch_type,
        capacity_provider_strategy,
        platform_version: parse::platform_version(input.platform_version.as_deref(), launch_type)?,
        task_definition: Some(definition.arn.clone()),
        deployment_configuration: bounds,
        lifecycle_hooks: hooks.unwrap_or_default(),
        deployment_alarms: parse::alarms(deployments)?.unwrap_or_default(),
        health_check_grace_period_seconds: load_balancers::grace_period(grace_period)?,
        load_balancers,
        role: None,
        service_registries,
        service_connect: service_connect::of_new(state, cluster, input, &definition, bounds.strategy)?,
        placement_constraints,
        placement_strategy,
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Disabled,
        network_configuration: network,
        created_by: call.caller().arn(),
        propagate_tags: parse::propagate_tags(input.propagate_tags.as_ref())?,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags.unwrap_or(false),
        enable_execute_command: input.enable_execute_command.unwrap_or(false),
        client_token: input.client_token.clone(),
        tags: tags::parse(input.tags.as_deref())?,
    };
    new.role = role::of_new(state, call, &new, &definition)?;
    new.availability_zone_rebalancing = balance::of_new(input.availability_zone_rebalancing.as_ref(), &new)?;
    Ok(new)
}

/// A service of the DAEMON strategy that names no launch type gets EC2, whatever the cluster's default strategy is: it
/// cannot have one.
fn capacity(
    state: &State,
    call: &Call<ecs::CreateService>,
    cluster: &ClusterArn,
    definition: &TaskDefinition,
) -> Result<Capacity, ecs::Error> {
    let input = call.input();
    let scheduling_strategy = parse::scheduling_strategy(input.scheduling_strategy.as_ref());
    let launch_type = match scheduling_strategy {
        SchedulingStrategy::Replica => input.launch_type.clone(),
        SchedulingStrategy::Daemon => Some(input.launch_type.clone().unwrap_or(ecs::LaunchType::Ec2)),
    };
    let strategy = input.capacity_provider_strategy.as_deref();
    capacity_providers::capacity(state, cluster, launch_type.as_ref(), strategy, definition)
}

/// `UpdateService`: desired count, bounds, and what starts a new deployment.
///
/// # Errors
/// ServiceNotFoundException, ServiceNotActiveException and those of CreateService.
pub async fn update_service(call: Call<ecs::UpdateService>) -> Result<ecs::UpdateServiceOutput, ecs::Error> {
    let input = call.input();
    rules::check(&rules::as_create(input, SchedulingStrategy::Replica))?;
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::service(&cluster, &input.service)?;
    let store = call.access().store();
    let change = store.read(|state| -> Result<ServiceChange, ecs::Error> {
        require_active(state, &cluster)?;
        let known = state.get::<Service>(&arn).ok_or_else(service_not_found)?;
        let shared = rules::as_create(input, known.scheduling_strategy);
        placement::refuse_strategy_of_daemon(
            shared.scheduling_strategy.as_ref(),
            input.placement_strategy.as_deref(),
        )?;
        rules::check(&shared)?;
        external::require_same_controller(input.deployment_controller.as_ref(), known)?;
        let connect = input.service_connect_configuration.as_ref();
        service_connect::check_controller(connect, known.deployment_controller)?;
        if known.deployment_controller != DeploymentController::Ecs {
            let change = external::change(input, known)?;
            unbuilt::refuse(&shared)?;
            return with_rebalancing(input, known, change);
        }
        let change = change(state, &call, known, &shared)?;
        with_rebalancing(input, known, change)
    })?;
    let updated = store
        .transact(move |tx| {
            let service = transitions::update_service(tx, &arn, &change);
            service.map(|it| render::service(tx.state(), &it, true))
        })
        .await;
    let service = updated.map_err(errors::from_store)?;
    Ok(ecs::UpdateServiceOutput {
        service: Some(service),
    })
}

fn with_rebalancing(
    input: &ecs::UpdateServiceInput,
    known: &Service,
    change: ServiceChange,
) -> Result<ServiceChange, ecs::Error> {
    let given = input.availability_zone_rebalancing.as_ref();
    Ok(ServiceChange {
        availability_zone_rebalancing: balance::of_changed(given, known, &change)?,
        ..change
    })
}

/// What UpdateService changes of a service that deploys by itself.
fn change(
    state: &State,
    call: &Call<ecs::UpdateService>,
    known: &Service,
    shared: &ecs::CreateServiceInput,
) -> Result<ServiceChange, ecs::Error> {
    let input = call.input();
    let given = input.task_definition.as_deref();
    let new = given
        .map(|it| task_definitions::require_active(state, call.scope(), it))
        .transpose()?;
    let current = known
        .task_definition
        .as_ref()
        .and_then(|it| state.get(it))
        .cloned();
    let definition = new.clone().or(current).ok_or_else(service_not_found)?;
    rules::check_task_role(known, input, &definition)?;
    rules::check_with(shared, &definition)?;
    unbuilt::refuse(shared)?;
    let capacity = capacity_providers::changed_capacity(state, known, input, &definition)?;
    let launch_type = capacity.as_ref().map_or(known.launch_type, |it| it.launch_type);
    if new.is_some() {
        parse::launch_type(Some(&ecs::LaunchType::from(launch_type.as_str())), &definition)?;
    }
    let network = input.network_configuration.as_ref();
    let network = network
        .map(|it| network::parse(state, call.scope(), &definition, launch_type, Some(it)))
        .transpose()?
        .flatten();
    let has_network = network.is_some() || known.network_configuration.is_some();
    if new.is_some() {
        network::check_mode(&definition, has_network)?;
    }
    let version = changed_version(known, input, launch_type)?;
    let tags = input.propagate_tags.as_ref();
    let deployments = input.deployment_configuration.as_ref();
    let hooks = strategies::hooks(state, call.scope(), deployments, has_network)?;
    let bounds = parse::bounds(deployments, known.deployment_configuration)?;
    strategies::refuse_stages_of_daemon(known.scheduling_strategy, bounds, hooks.as_deref())?;
    let load_balancers = changed_load_balancers(state, known, input, &definition)?;
    let wanted = load_balancers.as_ref().unwrap_or(&known.load_balancers);
    load_balancers::check_deployments(bounds, wanted)?;
    let registries = changed_registries(state, known, input, &definition)?;
    role::check_change(known, &definition, wanted, registries.as_deref())?;
    let grace_period = load_balancers::grace_period(input.health_check_grace_period_seconds)?;
    let constraints = input.placement_constraints.as_deref();
    let strategy = input.placement_strategy.as_deref();
    Ok(ServiceChange {
        desired_count: input
            .desired_count
            .map(|it| parse::desired_count(Some(it)))
            .transpose()?,
        task_definition: new.map(|it| it.arn.clone()),
        deployment_configuration: deployments.map(|_| bounds),
        lifecycle_hooks: hooks,
        deployment_alarms: parse::alarms(deployments)?,
        network_configuration: network,
        load_balancers,
        service_registries: registries,
        service_connect: service_connect::of_changed(state, known, input, &definition, bounds.strategy)?,
        health_check_grace_period_seconds: grace_period,
        placement_constraints: constraints
            .map(|it| placement::constraints(Some(it), launch_type))
            .transpose()?,
        placement_strategy: strategy
            .map(|it| placement::strategy(Some(it), launch_type))
            .transpose()?,
        capacity,
        platform_version: version,
        propagate_tags: tags.map(|it| parse::propagate_tags(Some(it))).transpose()?,
        enable_ecs_managed_tags: input.enable_ecs_managed_tags,
        enable_execute_command: input.enable_execute_command,
        force_new_deployment: input.force_new_deployment == Some(true),
        availability_zone_rebalancing: None,
    })
}

/// The platform version that UpdateService names; a service that comes to FARGATE gets the default one.
fn changed_version(
    known: &Service,
    input: &ecs::UpdateServiceInput,
    launch_type: LaunchType,
) -> Result<Option<String>, ecs::Error> {
    let version = input.platform_version.as_deref();
    match version.is_some() || launch_type != known.launch_type {
        true => parse::platform_version(version, launch_type),
        false => Ok(None),
    }
}

/// The load balancers that a service is to have. What is not named has been checked, and a listener that is gone since must
/// not keep anybody from scaling down.
fn changed_load_balancers(
    state: &State,
    known: &Service,
    input: &ecs::UpdateServiceInput,
    definition: &TaskDefinition,
) -> Result<Option<Vec<ServiceLoadBalancer>>, ecs::Error> {
    let given = input.load_balancers.as_deref();
    let parsed = given.map(|it| load_balancers::parse(state, definition, it));
    let parsed = parsed.transpose()?;
    let wanted = parsed.as_ref().unwrap_or(&known.load_balancers);
    load_balancers::classic::check_change(&known.load_balancers, wanted)?;
    if given.is_some() || input.task_definition.is_some() {
        load_balancers::check_definition(state, definition, wanted)?;
    }
    Ok(parsed)
}

/// Registries that UpdateService names; those that stay have to fit the task definition.
fn changed_registries(
    state: &State,
    known: &Service,
    input: &ecs::UpdateServiceInput,
    definition: &TaskDefinition,
) -> Result<Option<Vec<ServiceRegistry>>, ecs::Error> {
    match input.service_registries.as_deref() {
        Some(given) => registries::parse(state, definition, given).map(Some),
        None => registries::check_definition(state, definition, &known.service_registries).map(|()| None),
    }
}

/// `DeleteService`: DRAINING until its tasks have stopped.
///
/// # Errors
/// ServiceNotFoundException; InvalidParameterException while it is scaled above 0, unless forced.
pub async fn delete_service(call: Call<ecs::DeleteService>) -> Result<ecs::DeleteServiceOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::service(&cluster, &input.service)?;
    let force = input.force == Some(true);
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let deleted = store
        .transact(move |tx| {
            let service = transitions::delete_service(tx, &arn, force);
            service.map(|it| render::service(tx.state(), &it, false))
        })
        .await;
    let service = deleted.map_err(errors::from_store)?;
    Ok(ecs::DeleteServiceOutput {
        service: Some(service),
    })
}
