//! `availabilityZoneRebalancing`: which services may have it, and which have it unasked.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html>

use api::ecs;
use domain::placement::{AVAILABILITY_ZONE_ATTRIBUTE, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::service::{DeploymentController, Service};
use domain::service_load_balancer::ServiceLoadBalancer;
use domain::service_scheduling::{AvailabilityZoneRebalancing, SchedulingStrategy};
use domain::task_definition::LaunchType;
use orchestrator::transitions::{NewService, ServiceChange};

use super::load_balancers::classic;
use crate::handlers::ecs::errors::invalid_parameter;

#[cfg(test)]
mod tests;

/// What decides whether tasks can be moved over zones.
struct Facts<'a> {
    scheduling_strategy: SchedulingStrategy,
    deployment_controller: DeploymentController,
    launch_type: LaunchType,
    maximum_percent: u32,
    placement_constraints: &'a [PlacementConstraint],
    placement_strategy: &'a [PlacementStrategy],
    load_balancers: &'a [ServiceLoadBalancer],
}

/// Of a new service. One that does not say gets it if it can: so Amazon has it since June 2025.
///
/// # Errors
/// InvalidParameterException for one that asks for it and cannot have it.
pub fn of_new(
    given: Option<&ecs::AvailabilityZoneRebalancing>,
    new: &NewService,
) -> Result<AvailabilityZoneRebalancing, ecs::Error> {
    let obstacle = obstacle(&Facts {
        scheduling_strategy: new.scheduling_strategy,
        deployment_controller: new.deployment_controller,
        launch_type: new.launch_type,
        maximum_percent: new.deployment_configuration.maximum_percent,
        placement_constraints: &new.placement_constraints,
        placement_strategy: &new.placement_strategy,
        load_balancers: &new.load_balancers,
    });
    match (given.map(|it| it.as_str()), obstacle) {
        (Some("DISABLED"), _) | (None, Some(_)) => Ok(AvailabilityZoneRebalancing::Disabled),
        (_, None) => Ok(AvailabilityZoneRebalancing::Enabled),
        (Some(_), Some(obstacle)) => Err(invalid_parameter(obstacle)),
    }
}

/// Of a service after a change; one that does not say keeps what it has, and then has to be able to.
///
/// # Errors
/// InvalidParameterException.
pub fn of_changed(
    given: Option<&ecs::AvailabilityZoneRebalancing>,
    known: &Service,
    change: &ServiceChange,
) -> Result<Option<AvailabilityZoneRebalancing>, ecs::Error> {
    let given = given.map(|it| match it.as_str() {
        "DISABLED" => AvailabilityZoneRebalancing::Disabled,
        _ => AvailabilityZoneRebalancing::Enabled,
    });
    if given.unwrap_or(known.availability_zone_rebalancing) == AvailabilityZoneRebalancing::Disabled {
        return Ok(given);
    }
    let bounds = change
        .deployment_configuration
        .unwrap_or(known.deployment_configuration);
    let constraints = change.placement_constraints.as_ref();
    let strategy = change.placement_strategy.as_ref();
    let obstacle = obstacle(&Facts {
        scheduling_strategy: known.scheduling_strategy,
        deployment_controller: known.deployment_controller,
        launch_type: change
            .capacity
            .as_ref()
            .map_or(known.launch_type, |it| it.launch_type),
        maximum_percent: bounds.maximum_percent,
        placement_constraints: constraints.unwrap_or(&known.placement_constraints),
        placement_strategy: strategy.unwrap_or(&known.placement_strategy),
        load_balancers: &known.load_balancers,
    });
    match obstacle {
        None => Ok(given),
        Some(obstacle) => Err(invalid_parameter(obstacle)),
    }
}

/// Why a service cannot have it; Amazon's words of DAEMON and of the maximum.
fn obstacle(it: &Facts<'_>) -> Option<String> {
    let names_zone = |it: &PlacementConstraint| {
        it.expression()
            .is_some_and(|it| it.contains(AVAILABILITY_ZONE_ATTRIBUTE))
    };
    let zone = PlacementStrategy::Spread(SpreadField::Attribute(AVAILABILITY_ZONE_ATTRIBUTE.to_owned()));
    let what = if it.scheduling_strategy == SchedulingStrategy::Daemon {
        "DAEMON services"
    } else if it.deployment_controller == DeploymentController::External {
        "the EXTERNAL deployment controller"
    } else if classic::is_among(it.load_balancers) {
        "Classic Load Balancers"
    } else if it.launch_type == LaunchType::External {
        "the EXTERNAL launch type"
    } else if it.maximum_percent <= 100 {
        "maximumPercent <= 100 % as deployment configuration"
    } else if it.placement_strategy.first().is_some_and(|it| *it != zone) {
        "a placement strategy that does not begin with spread by attribute:ecs.availability-zone"
    } else if it.placement_constraints.iter().any(names_zone) {
        "placement constraints on attribute:ecs.availability-zone"
    } else {
        return None;
    };
    Some(format!("Availability Zone Rebalancing does not support {what}."))
}
