//! `networkConfiguration` between the wire and the records.

use api::ecs;
use domain::Scope;
use domain::task::NetworkConfiguration;
use domain::task_definition::{LaunchType, NetworkMode, TaskDefinition};
use store::State;

use super::errors::invalid_parameter;

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
    let is_awsvpc = definition.effective_network_mode() == NetworkMode::Awsvpc;
    let given = match given {
        None if is_awsvpc => {
            return Err(invalid_parameter(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            ));
        }
        None => return Ok(None),
        Some(_) if !is_awsvpc => {
            return Err(invalid_parameter(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            ));
        }
        Some(given) => given,
    };
    let security_groups = given.security_groups.clone().unwrap_or_default();
    check_subnets(state, scope, &given.subnets)?;
    check_security_groups(state, scope, &security_groups)?;
    let is_public_ip_assigned = given
        .assign_public_ip
        .as_ref()
        .is_some_and(|it| it.as_str() == "ENABLED");
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

fn check_subnets(state: &State, scope: &Scope, given: &[String]) -> Result<(), ecs::Error> {
    if given.is_empty() {
        return Err(invalid_parameter("subnets can not be empty."));
    }
    if given.len() > SUBNETS_MAX {
        return Err(invalid_parameter(format!(
            "subnets can have at most {SUBNETS_MAX} items."
        )));
    }
    let is_known = |id: &String| state.subnets(scope).any(|it| it.id == *id);
    if let Some(unknown) = given.iter().find(|it| !is_known(it)) {
        let known: Vec<&str> = state.subnets(scope).map(|it| it.id.as_str()).collect();
        return Err(invalid_parameter(format!(
            "Error retrieving subnet information for [{unknown}]: The subnet ID '{unknown}' does not exist. \
             The subnets here are {}.",
            known.join(", ")
        )));
    }
    Ok(())
}

fn check_security_groups(state: &State, scope: &Scope, given: &[String]) -> Result<(), ecs::Error> {
    if given.len() > SECURITY_GROUPS_MAX {
        return Err(invalid_parameter(format!(
            "securityGroups can have at most {SECURITY_GROUPS_MAX} items."
        )));
    }
    let is_known = |id: &String| state.vpcs(scope).any(|it| it.default_security_group == *id);
    if let Some(unknown) = given.iter().find(|it| !is_known(it)) {
        return Err(invalid_parameter(format!(
            "Error retrieving security group information for [{unknown}]: The security group '{unknown}' does not exist."
        )));
    }
    Ok(())
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
