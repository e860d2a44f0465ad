//! `loadBalancers` of services and task sets: what Amazon accepts of them, and how they read back.
//! Wordings as Amazon's where they are publicly quoted.

use std::collections::BTreeSet;

use api::ecs;
use domain::TargetGroupArn;
use domain::deployment_strategy::DeploymentStrategy;
use domain::service::DeploymentConfiguration;
use domain::service_load_balancer::{AdvancedConfiguration, Behind, ServiceLoadBalancer, TrafficSource};
use domain::target_group::{TargetGroup, TargetType};
use domain::task_definition::{NetworkMode, TaskDefinition};
use orchestrator::transitions::{RuleFault, check_traffic_rule, is_target_group_in_use, traffic_rule};
use store::State;

use super::rules::check_port;
use crate::handlers::ecs::errors::invalid_parameter;

pub mod classic;
#[cfg(test)]
mod tests;

/// Most target groups of a service. <https://github.com/hashicorp/terraform/issues/25306>
const LOAD_BALANCERS_MAX: usize = 5;

/// The load balancers that a call names, checked against what there is.
///
/// # Errors
/// InvalidParameterException in Amazon's words.
pub fn parse(
    state: &State,
    definition: &TaskDefinition,
    given: &[ecs::LoadBalancer],
) -> Result<Vec<ServiceLoadBalancer>, ecs::Error> {
    classic::check_alone(given)?;
    if given.len() > LOAD_BALANCERS_MAX {
        return Err(invalid_parameter(format!(
            "load balancers can have at most {LOAD_BALANCERS_MAX} items."
        )));
    }
    let parsed = given.iter().map(|it| one(state, definition, it));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let with_rules = parsed.iter().filter(|it| it.advanced.is_some()).count();
    if with_rules > 0 && with_rules < parsed.len() {
        return Err(invalid_parameter(
            "advancedConfiguration must be specified for all load balancers, or for none of them.",
        ));
    }
    let mut groups: BTreeSet<(&TargetGroupArn, &str, u16)> = BTreeSet::new();
    for it in &parsed {
        for group in it.target_groups() {
            if !groups.insert((group, &it.container, it.container_port)) {
                return Err(invalid_parameter(format!(
                    "The target group {group} is specified more than once for the container {} and port {}.",
                    it.container, it.container_port
                )));
            }
        }
    }
    Ok(parsed)
}

fn one(
    state: &State,
    definition: &TaskDefinition,
    given: &ecs::LoadBalancer,
) -> Result<ServiceLoadBalancer, ecs::Error> {
    let container = given.container_name.clone().unwrap_or_default();
    let port = given
        .container_port
        .and_then(|it| u16::try_from(it).ok())
        .filter(|it| *it > 0);
    let container_port = port.ok_or_else(|| {
        invalid_parameter("A container port must be specified for each load balancer, from 1 to 65535.")
    })?;
    if let Some(name) = &given.load_balancer_name {
        return classic::parse(state, definition, name, (container, container_port));
    }
    let target_group = group(
        state,
        definition,
        given.target_group_arn.as_deref().unwrap_or_default(),
    )?;
    let advanced = given.advanced_configuration.as_ref();
    let advanced = advanced.map(|it| advanced_configuration(state, definition, &target_group, it));
    let advanced = advanced.transpose()?;
    // With two groups, one of them waits for its turn.
    let has_load_balancer = match &advanced {
        None => is_target_group_in_use(state, &target_group),
        Some(it) => {
            is_target_group_in_use(state, &target_group)
                || is_target_group_in_use(state, &it.alternate_target_group)
        }
    };
    if !has_load_balancer {
        return Err(invalid_parameter(format!(
            "The target group with targetGroupArn {target_group} does not have an associated load balancer."
        )));
    }
    Ok(ServiceLoadBalancer {
        behind: Behind::TargetGroup(target_group),
        container,
        container_port,
        advanced,
    })
}

/// Load balancers that a service has fit another task definition too.
///
/// # Errors
/// InvalidParameterException in Amazon's words.
pub fn check_definition(
    state: &State,
    definition: &TaskDefinition,
    known: &[ServiceLoadBalancer],
) -> Result<(), ecs::Error> {
    for it in known {
        check_port(&it.container, Some(it.container_port.into()), definition)?;
        if let Some(name) = it.behind.classic() {
            classic::check_definition(state, definition, name, (&it.container, it.container_port))?;
        }
        for arn in it.target_groups() {
            // One that is gone is told when a task is to be registered.
            if let Some(group) = state.get::<TargetGroup>(arn) {
                check_kind(group, definition)?;
            }
        }
    }
    Ok(())
}

/// A target group that tasks of a definition can be registered with.
///
/// # Errors
/// InvalidParameterException.
pub fn group(state: &State, definition: &TaskDefinition, given: &str) -> Result<TargetGroupArn, ecs::Error> {
    let arn = TargetGroupArn::parse(given)
        .map_err(|_| invalid_parameter(format!("Invalid target group ARN: {given:?}.")))?;
    let Some(group) = state.get::<TargetGroup>(&arn) else {
        return Err(invalid_parameter(format!(
            "The target group with targetGroupArn {arn} does not exist."
        )));
    };
    check_kind(group, definition)?;
    Ok(arn)
}

/// Targets are named by what tasks have.
fn check_kind(group: &TargetGroup, definition: &TaskDefinition) -> Result<(), ecs::Error> {
    let mode = definition.effective_network_mode();
    let fits = match mode {
        NetworkMode::Awsvpc => group.target_type == TargetType::Ip,
        NetworkMode::Bridge | NetworkMode::Host => group.target_type == TargetType::Instance,
        NetworkMode::None => false,
    };
    match fits {
        true => Ok(()),
        // https://github.com/hashicorp/terraform-provider-aws/issues/12252
        false => Err(invalid_parameter(format!(
            "The provided target group {} has target type {}, which is incompatible with the {} network mode \
             specified in the task definition.",
            group.arn,
            group.target_type.as_str(),
            mode.as_str()
        ))),
    }
}

fn advanced_configuration(
    state: &State,
    definition: &TaskDefinition,
    target_group: &TargetGroupArn,
    given: &ecs::AdvancedConfiguration,
) -> Result<AdvancedConfiguration, ecs::Error> {
    let alternate = given.alternate_target_group_arn.as_deref().unwrap_or_default();
    let alternate_target_group = group(state, definition, alternate)?;
    if alternate_target_group == *target_group {
        return Err(invalid_parameter(
            "alternateTargetGroupArn must be another target group than targetGroupArn.",
        ));
    }
    let production = given.production_listener_rule.as_deref();
    let production = source(state, "productionListenerRule", production.unwrap_or_default())?;
    let test = given.test_listener_rule.as_deref();
    let test = test.map(|it| source(state, "testListenerRule", it)).transpose()?;
    let rule_of = |it: &TrafficSource| traffic_rule(state, it).map(|it| &it.arn);
    if test
        .as_ref()
        .is_some_and(|it| rule_of(it) == rule_of(&production))
    {
        return Err(invalid_parameter(
            "productionListenerRule and testListenerRule cannot be the same.",
        ));
    }
    let groups = [target_group, &alternate_target_group];
    check_source(state, "productionListenerRule", &production, groups)?;
    if let Some(test) = &test {
        check_source(state, "testListenerRule", test, groups)?;
    }
    Ok(AdvancedConfiguration {
        alternate_target_group,
        production_listener_rule: production,
        test_listener_rule: test,
        role_arn: given.role_arn.clone(),
    })
}

/// A deployment overwrites nothing that somebody else wants.
fn check_source(
    state: &State,
    member: &str,
    source: &TrafficSource,
    groups: [&TargetGroupArn; 2],
) -> Result<(), ecs::Error> {
    check_traffic_rule(state, source, groups).map_err(|fault| {
        let rest = match fault {
            RuleFault::Gone | RuleFault::Elsewhere => String::new(),
            RuleFault::Other(other) => format!(", and not to {other} too"),
        };
        invalid_parameter(format!(
            "{member} {} must forward to the target group or the alternate target group{rest}.",
            source.as_str()
        ))
    })
}

/// A rule or listener that is there.
fn source(state: &State, member: &str, given: &str) -> Result<TrafficSource, ecs::Error> {
    let source = TrafficSource::parse(given);
    let source = source.ok_or_else(|| {
        invalid_parameter(format!(
            "Invalid {member}: {given:?}. It must be the ARN of a listener rule of an Application Load Balancer, or of a \
             listener of a Network Load Balancer."
        ))
    })?;
    match traffic_rule(state, &source) {
        Some(_) => Ok(source),
        None => Err(invalid_parameter(format!("The {member} {given} does not exist."))),
    }
}

/// Deployments of that configuration go with load balancers.
///
/// # Errors
/// InvalidParameterException.
pub fn check_deployments(
    bounds: DeploymentConfiguration,
    load_balancers: &[ServiceLoadBalancer],
) -> Result<(), ecs::Error> {
    check_strategy(bounds.strategy, load_balancers)?;
    classic::check_deployments(bounds, load_balancers)
}

/// Traffic that moves needs to know between what.
///
/// # Errors
/// InvalidParameterException.
fn check_strategy(
    strategy: DeploymentStrategy,
    load_balancers: &[ServiceLoadBalancer],
) -> Result<(), ecs::Error> {
    let lacks_rules = load_balancers.iter().any(|it| it.advanced.is_none());
    match strategy {
        DeploymentStrategy::Rolling => Ok(()),
        other if classic::is_among(load_balancers) => Err(invalid_parameter(format!(
            "Classic Load Balancers are not supported with the {} deployment strategy.",
            other.as_str()
        ))),
        _ if !lacks_rules => Ok(()),
        other => Err(invalid_parameter(format!(
            "advancedConfiguration is required for the load balancers of a service with the {} deployment strategy.",
            other.as_str()
        ))),
    }
}

/// How long tasks may be unhealthy, in seconds, by checks of load balancers and of their containers. Without either, it
/// means nothing. Amazon refused it once where there was no load balancer, and does not any more:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>,
/// <https://github.com/kayac/ecspresso/pull/805>
///
/// # Errors
/// InvalidParameterException below 0.
pub fn grace_period(given: Option<i32>) -> Result<Option<u32>, ecs::Error> {
    let seconds = given.map(u32::try_from).transpose();
    seconds.map_err(|_| invalid_parameter("healthCheckGracePeriodSeconds cannot be negative."))
}

/// As it reads back.
pub fn render(it: &ServiceLoadBalancer) -> ecs::LoadBalancer {
    ecs::LoadBalancer {
        target_group_arn: it.behind.target_group().map(ToString::to_string),
        container_name: Some(it.container.clone()),
        container_port: Some(it.container_port.into()),
        load_balancer_name: it.behind.classic().map(str::to_owned),
        advanced_configuration: it.advanced.as_ref().map(|it| ecs::AdvancedConfiguration {
            alternate_target_group_arn: Some(it.alternate_target_group.to_string()),
            production_listener_rule: Some(it.production_listener_rule.as_str().to_owned()),
            test_listener_rule: it.test_listener_rule.as_ref().map(|it| it.as_str().to_owned()),
            role_arn: it.role_arn.clone(),
        }),
    }
}
