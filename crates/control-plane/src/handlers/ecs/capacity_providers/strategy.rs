//! Capacity provider strategies: what RunTask, services and clusters say of them.

use api::ecs;
use domain::capacity_provider::{Capacity, CapacityProviderStrategyItem, is_fargate};
use domain::cluster::Cluster;
use domain::service::Service;
use domain::task_definition::TaskDefinition;
use domain::{ClusterArn, Scope};
use store::State;

use crate::handlers::ecs::errors::{cluster_not_found, invalid_parameter};
use crate::handlers::ecs::render::count;
use crate::handlers::ecs::{names, services};

/// Most items of a strategy.
const ITEMS_MAX: usize = 20;
/// Highest base.
const BASE_MAX: i32 = 100_000;
/// Highest weight.
const WEIGHT_MAX: i32 = 1000;

/// <https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/27>
const WEIGHTLESS_DEFAULT: &str = "There are no capacity providers with a weight value greater than zero defined in the \
    default capacity provider strategy. At least one capacity provider must have a weight value greater than zero \
    specified. Update the cluster's default capacity provider strategy or specify a valid capacity provider strategy \
    and try again.";

/// A strategy of a request or a cluster. An empty one is empty; whether anything can start by it shows where it is used.
///
/// # Errors
/// InvalidParameterException by the restrictions of CapacityProviderStrategyItem.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html>
pub fn items(
    scope: &Scope,
    given: &[ecs::CapacityProviderStrategyItem],
) -> Result<Vec<CapacityProviderStrategyItem>, ecs::Error> {
    if given.len() > ITEMS_MAX {
        return Err(invalid_parameter(format!(
            "The specified capacity provider strategy cannot contain more than {ITEMS_MAX} capacity providers."
        )));
    }
    let mut items: Vec<CapacityProviderStrategyItem> = Vec::new();
    for it in given {
        let name = names::capacity_provider(scope, &it.capacity_provider)?;
        if items.iter().any(|it| it.capacity_provider == name) {
            return Err(invalid_parameter(format!(
                "The specified capacity provider strategy cannot contain a capacity provider more than once: {name:?}."
            )));
        }
        items.push(CapacityProviderStrategyItem {
            capacity_provider: name,
            base: bounded("base", it.base, BASE_MAX)?,
            weight: bounded("weight", it.weight, WEIGHT_MAX)?,
        });
    }
    if items.iter().filter(|it| it.base > 0).count() > 1 {
        return Err(invalid_parameter(
            "The specified capacity provider strategy cannot contain more than one capacity provider with a base.",
        ));
    }
    let fargate = items.iter().filter(|it| is_fargate(&it.capacity_provider));
    if ![0, items.len()].contains(&fargate.count()) {
        // https://github.com/aws/aws-cdk/pull/23955 has it in Amazon's words.
        return Err(invalid_parameter(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate \
             providers. Specify one or the other and try again.",
        ));
    }
    Ok(items)
}

/// Nothing ever starts by it.
fn is_weightless(strategy: &[CapacityProviderStrategyItem]) -> bool {
    !strategy.is_empty() && strategy.iter().all(|it| it.weight == 0)
}

fn bounded(member: &str, given: Option<i32>, most: i32) -> Result<u32, ecs::Error> {
    match given.unwrap_or(0) {
        given if (0..=most).contains(&given) => Ok(given.unsigned_abs()),
        given => Err(invalid_parameter(format!(
            "The {member} of a capacity provider strategy must be between 0 and {most}, not {given}."
        ))),
    }
}

/// All items are among the capacity providers of the cluster.
///
/// # Errors
/// InvalidParameterException. <https://github.com/dask/dask-cloudprovider/issues/328>
pub fn require_associated(
    providers: &[String],
    items: &[CapacityProviderStrategyItem],
) -> Result<(), ecs::Error> {
    if items.iter().all(|it| providers.contains(&it.capacity_provider)) {
        return Ok(());
    }
    Err(invalid_parameter(
        "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the \
         cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
    ))
}

/// What tasks run on: the launch type or the strategy that is given, else the cluster's default strategy, else EC2.
///
/// # Errors
/// InvalidParameterException for both, for what the cluster does not have or the definition does not support.
pub fn capacity(
    state: &State,
    cluster: &ClusterArn,
    launch_type: Option<&ecs::LaunchType>,
    strategy: Option<&[ecs::CapacityProviderStrategyItem]>,
    definition: &TaskDefinition,
) -> Result<Capacity, ecs::Error> {
    let given = items(&cluster.scope(), strategy.unwrap_or_default())?;
    if launch_type.is_some() && !given.is_empty() {
        return Err(invalid_parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    if is_weightless(&given) {
        return Err(invalid_parameter(
            "The specified capacity provider strategy must contain at least one capacity provider with a weight greater \
             than 0.",
        ));
    }
    let known = state.get::<Cluster>(cluster).ok_or_else(cluster_not_found)?;
    let strategy = match (launch_type, given.is_empty()) {
        (Some(_), _) => Vec::new(),
        (None, false) => given,
        (None, true) if is_weightless(&known.capacity.default_strategy) => {
            return Err(invalid_parameter(WEIGHTLESS_DEFAULT));
        }
        (None, true) => known.capacity.default_strategy.clone(),
    };
    require_associated(&known.capacity.providers, &strategy)?;
    let implied = strategy
        .first()
        .map(|it| match is_fargate(&it.capacity_provider) {
            true => ecs::LaunchType::Fargate,
            false => ecs::LaunchType::Ec2,
        });
    Ok(Capacity {
        launch_type: services::launch_type(implied.as_ref().or(launch_type), definition)?,
        strategy,
    })
}

/// What UpdateService makes of a service's capacity: nothing if it says nothing. `[]` takes the strategy away.
///
/// # Errors
/// As [`capacity`]; InvalidParameterException for a change without a new deployment.
/// <https://github.com/hashicorp/terraform-provider-aws/issues/22823>
pub fn changed_capacity(
    state: &State,
    service: &Service,
    input: &ecs::UpdateServiceInput,
    definition: &TaskDefinition,
) -> Result<Option<Capacity>, ecs::Error> {
    let Some(given) = input.capacity_provider_strategy.as_deref() else {
        return Ok(None);
    };
    let wanted = match given {
        [] if service.capacity_provider_strategy.is_empty() => return Ok(None),
        [] => without_strategy(state, service, definition)?,
        given => capacity(state, &service.cluster, None, Some(given), definition)?,
    };
    if wanted.launch_type == service.launch_type && wanted.strategy == service.capacity_provider_strategy {
        return Ok(None);
    }
    if input.force_new_deployment != Some(true) {
        return Err(invalid_parameter(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change to a \
             capacity provider strategy on a service that is already using one, you must force a new deployment.",
        ));
    }
    Ok(Some(wanted))
}

/// What a service runs on that gives its strategy up: again the launch type that it had before. One that has never had
/// any gets the cluster's default strategy, or else the launch type that its providers stand for.
/// "Update the Auto Scaling group or Fargate capacity provider back to the launch type":
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
fn without_strategy(
    state: &State,
    service: &Service,
    definition: &TaskDefinition,
) -> Result<Capacity, ecs::Error> {
    let cluster = state
        .get::<Cluster>(&service.cluster)
        .ok_or_else(cluster_not_found)?;
    let has_default = !cluster.capacity.default_strategy.is_empty();
    let of_providers = (!has_default).then_some(service.launch_type);
    let launch_type = service.launch_type_before_strategy.or(of_providers);
    let launch_type = launch_type.map(|it| ecs::LaunchType::from(it.as_str()));
    capacity(state, &service.cluster, launch_type.as_ref(), None, definition)
}

/// A strategy as it reads back; absent if there is none.
pub fn render(strategy: &[CapacityProviderStrategyItem]) -> Option<Vec<ecs::CapacityProviderStrategyItem>> {
    let item = |it: &CapacityProviderStrategyItem| ecs::CapacityProviderStrategyItem {
        capacity_provider: it.capacity_provider.clone(),
        base: Some(count(it.base)),
        weight: Some(count(it.weight)),
    };
    (!strategy.is_empty()).then(|| strategy.iter().map(item).collect())
}
