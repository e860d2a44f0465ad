//! `loadBalancerName`: services behind classic load balancers, whose container instances are registered.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>

use api::ecs;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::service::DeploymentConfiguration;
use domain::service_load_balancer::{Behind, ServiceLoadBalancer};
use domain::task_definition::{NetworkMode, TaskDefinition};
use orchestrator::transitions::static_host_port;
use store::State;

use crate::handlers::ecs::errors::invalid_parameter;

#[cfg(test)]
pub mod tests;

/// A classic load balancer is the only one of its service.
///
/// # Errors
/// InvalidParameterException.
pub fn check_alone(given: &[ecs::LoadBalancer]) -> Result<(), ecs::Error> {
    let is_classic = |it: &ecs::LoadBalancer| it.load_balancer_name.is_some();
    match given.iter().any(is_classic) {
        false => Ok(()),
        true if given.len() > 1 => Err(invalid_parameter(
            "load balancers can have at most 1 items if they have a Classic Load Balancer.",
        )),
        true if given[0].advanced_configuration.is_some() => Err(invalid_parameter(
            "advancedConfiguration is not supported with Classic Load Balancers.",
        )),
        true => Ok(()),
    }
}

/// The classic load balancer of that name, for a port of a container.
///
/// # Errors
/// InvalidParameterException.
pub fn parse(
    state: &State,
    definition: &TaskDefinition,
    name: &str,
    (container, container_port): (String, u16),
) -> Result<ServiceLoadBalancer, ecs::Error> {
    let known = state.classic_load_balancer_of_name(&definition.arn.scope(), name);
    // https://github.com/aws/amazon-ecs-agent/issues/647
    let known =
        known.ok_or_else(|| invalid_parameter(format!("The load balancer {name} does not exist.")))?;
    check(known, definition, (&container, container_port))?;
    Ok(ServiceLoadBalancer {
        behind: Behind::Classic(name.to_owned()),
        container,
        container_port,
        advanced: None,
    })
}

/// One that a service has fits another task definition too. One that is gone is told when a task is to be registered.
///
/// # Errors
/// InvalidParameterException.
pub fn check_definition(
    state: &State,
    definition: &TaskDefinition,
    name: &str,
    place: (&str, u16),
) -> Result<(), ecs::Error> {
    match state.classic_load_balancer_of_name(&definition.arn.scope(), name) {
        Some(known) => check(known, definition, place),
        None => Ok(()),
    }
}

/// Instances get what comes on one port for all of them: so tasks have it on each, and some listener leads there.
fn check(
    known: &ClassicLoadBalancer,
    definition: &TaskDefinition,
    (container, container_port): (&str, u16),
) -> Result<(), ecs::Error> {
    let mode = definition.effective_network_mode();
    let host_port = match mode {
        NetworkMode::Host => Some(container_port),
        NetworkMode::Bridge => static_host_port(definition, container, container_port),
        NetworkMode::Awsvpc | NetworkMode::None => {
            return Err(invalid_parameter(format!(
                "Classic Load Balancers are not supported with the {} network mode specified in the task definition.",
                mode.as_str()
            )));
        }
    };
    // https://github.com/aws/aws-sdk-js/issues/1397
    let host_port = host_port.ok_or_else(|| {
        invalid_parameter(format!(
            "A host port mapping for the container port {container_port} is required."
        ))
    })?;
    match known.leads_to(host_port) {
        true => Ok(()),
        false => Err(invalid_parameter(format!(
            "The load balancer {} does not have a listener with the instance port {host_port}.",
            known.name
        ))),
    }
}

/// Whether a service is behind a classic load balancer.
pub fn is_among(load_balancers: &[ServiceLoadBalancer]) -> bool {
    load_balancers.iter().any(|it| it.behind.classic().is_some())
}

/// UpdateService changes target groups only: a service keeps its classic load balancer, and gets none later.
///
/// # Errors
/// InvalidParameterException.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub fn check_change(known: &[ServiceLoadBalancer], wanted: &[ServiceLoadBalancer]) -> Result<(), ecs::Error> {
    match known != wanted && (is_among(known) || is_among(wanted)) {
        true => Err(invalid_parameter(
            "Unable to update the load balancers of a service with a Classic Load Balancer: only target groups can be \
             added, updated or removed.",
        )),
        false => Ok(()),
    }
}

/// The circuit breaker does not go with them.
///
/// # Errors
/// InvalidParameterException in Amazon's words: <https://github.com/aws/containers-roadmap/issues/1272>.
pub fn check_deployments(
    bounds: DeploymentConfiguration,
    load_balancers: &[ServiceLoadBalancer],
) -> Result<(), ecs::Error> {
    match bounds.circuit_breaker.enable && is_among(load_balancers) {
        true => Err(invalid_parameter(
            "Deployment circuit breaker feature is not supported with Classic Load Balancers. Remove the Classic Load \
             Balancer and try again.",
        )),
        false => Ok(()),
    }
}
