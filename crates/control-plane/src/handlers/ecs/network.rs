//! `networkConfiguration` between the wire and the records.

use api::ecs;
use domain::Scope;
use domain::security_group::{SecurityGroup, each_once};
use domain::task::NetworkConfiguration;
use domain::task_definition::{LaunchType, NetworkMode, TaskDefinition};
use domain::vpc::Subnet;
use store::State;

use super::errors::invalid_parameter;
use super::listing;

#[cfg(test)]
mod tests;

/// Most subnets of a task or service.
const SUBNETS_MAX: usize = 16;
/// Most security groups of a task or service.
const SECURITY_GROUPS_MAX: usize = 5;

/// Checks the network configuration against the task definition and the VPC.
///
/// # Errors
/// InvalidParameterException, in Amazon's words where they are known.
pub fn parse(
    state: &State,
    scope: &Scope,
    definition: &TaskDefinition,
    launch_type: LaunchType,
    given: Option<&ecs::NetworkConfiguration>,
) -> Result<Option<NetworkConfiguration>, ecs::Error> {
    let given = given.and_then(|it| it.awsvpc_configuration.as_ref());
    check_mode(definition, given.is_some())?;
    let Some(given) = given else { return Ok(None) };
    let security_groups = each_once(given.security_groups.clone().unwrap_or_default());
    let vpc_id = check_subnets(state, scope, &given.subnets)?;
    check_security_groups(state, scope, vpc_id, &security_groups)?;
    let assign_public_ip = given.assign_public_ip.as_ref().map(|it| it.as_str());
    listing::require_word("assignPublicIp", assign_public_ip, &["ENABLED", "DISABLED"])?;
    let is_public_ip_assigned = assign_public_ip == Some("ENABLED");
    if is_public_ip_assigned && launch_type != LaunchType::Fargate {
        return Err(invalid_parameter(
            "Assign public IP is not supported for this launch type.",
        ));
    }
    Ok(Some(NetworkConfiguration {
        subnets: given.subnets.clone(),
        security_groups,
        is_public_ip_assigned,
    }))
}

/// Only tasks in `awsvpc` have a network configuration, and none of them is without.
///
/// # Errors
/// InvalidParameterException.
pub fn check_mode(definition: &TaskDefinition, is_configured: bool) -> Result<(), ecs::Error> {
    let is_awsvpc = definition.effective_network_mode() == NetworkMode::Awsvpc;
    match (is_awsvpc, is_configured) {
        (true, false) => Err(invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        (false, true) => Err(invalid_parameter(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        _ => Ok(()),
    }
}

/// The VPC of the subnets.
fn check_subnets<'a>(state: &'a State, scope: &Scope, given: &[String]) -> Result<&'a str, ecs::Error> {
    if given.len() > SUBNETS_MAX {
        return Err(invalid_parameter(format!(
            "subnets can have at most {SUBNETS_MAX} items."
        )));
    }
    let mut vpc_id = None;
    for id in given {
        let subnet = state.get::<Subnet>(id).filter(|it| it.scope == *scope);
        let subnet = subnet.ok_or_else(|| unknown_subnet(state, scope, id))?;
        if *vpc_id.get_or_insert(&subnet.vpc_id) != &subnet.vpc_id {
            return Err(invalid_parameter("Subnets must all be within the same VPC."));
        }
    }
    vpc_id
        .map(String::as_str)
        .ok_or_else(|| invalid_parameter("subnets can not be empty."))
}

fn unknown_subnet(state: &State, scope: &Scope, id: &str) -> ecs::Error {
    let known: Vec<&str> = state.subnets(scope).map(|it| it.id.as_str()).collect();
    invalid_parameter(format!(
        "Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist. The subnets here are {}.",
        known.join(", ")
    ))
}

fn check_security_groups(
    state: &State,
    scope: &Scope,
    vpc_id: &str,
    given: &[String],
) -> Result<(), ecs::Error> {
    if given.len() > SECURITY_GROUPS_MAX {
        return Err(invalid_parameter(format!(
            "securityGroups can have at most {SECURITY_GROUPS_MAX} items."
        )));
    }
    for id in given {
        let group = state.get::<SecurityGroup>(id).filter(|it| it.scope == *scope);
        let group = group.ok_or_else(|| unknown_security_group(id))?;
        if group.vpc_id != vpc_id {
            return Err(invalid_parameter(format!(
                "Security groups and subnets must belong to the same VPC: {id} is a group of {}, the subnets are in {vpc_id}.",
                group.vpc_id
            )));
        }
    }
    Ok(())
}

/// What is said of a security group that is not there, or not any more.
pub fn unknown_security_group(id: &str) -> ecs::Error {
    invalid_parameter(format!(
        "Error retrieving security group information for [{id}]: The security group '{id}' does not exist \
         (ErrorCode: InvalidGroup.NotFound)"
    ))
}

/// As it reads back: every member filled.
pub fn render(it: &NetworkConfiguration) -> ecs::NetworkConfiguration {
    let assign_public_ip = if it.is_public_ip_assigned {
        ecs::AssignPublicIp::Enabled
    } else {
        ecs::AssignPublicIp::Disabled
    };
    ecs::NetworkConfiguration {
        awsvpc_configuration: Some(ecs::AwsVpcConfiguration {
            subnets: it.subnets.clone(),
            security_groups: Some(it.security_groups.clone()),
            assign_public_ip: Some(assign_public_ip),
        }),
    }
}
