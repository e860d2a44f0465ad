//! `role`: in whose name Amazon reaches the load balancer of a service, from the time before the role that is linked to ECS.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>

use api::ecs;
use domain::role::name_in_arn;
use domain::service::{DeploymentController, Service};
use domain::service_load_balancer::{Behind, ServiceLoadBalancer};
use domain::service_registry::ServiceRegistry;
use domain::task_definition::{NetworkMode, TaskDefinition};
use orchestrator::transitions::NewService;
use store::State;

use crate::call::Call;
use crate::handlers::ecs::errors::invalid_parameter;

#[cfg(test)]
mod tests;

/// The role that CreateService names, as an ARN; a path other than `/` stands before a name.
///
/// # Errors
/// InvalidParameterException if such a service cannot have one, or there is no such role.
pub fn of_new(
    state: &State,
    call: &Call<ecs::CreateService>,
    new: &NewService,
    definition: &TaskDefinition,
) -> Result<Option<String>, ecs::Error> {
    let Some(given) = call.input().role.as_deref() else {
        return Ok(None);
    };
    if new.deployment_controller != DeploymentController::Ecs {
        return Err(needs_linked_role());
    }
    check(definition, &new.load_balancers, &new.service_registries)?;
    let Some(load_balancer) = new.load_balancers.first() else {
        return Err(invalid_parameter(
            "You cannot specify an IAM role for a service without a load balancer. Specify loadBalancers, or leave the role \
             out.",
        ));
    };
    let account = &call.scope().account;
    let arn = match given.starts_with("arn:") {
        true => given.to_owned(),
        false => format!("arn:aws:iam::{account}:role/{}", given.trim_start_matches('/')),
    };
    let known = name_in_arn(account, &arn).and_then(|name| state.role(account, name));
    let is_there = known.is_some_and(|it| it.arn() == arn);
    is_there.then_some(Some(arn)).ok_or_else(|| {
        let validated = match load_balancer.behind {
            Behind::TargetGroup(_) => "the specified targetGroupArn",
            Behind::Classic(_) => "the listeners configured on your load balancer",
        };
        invalid_parameter(format!(
            "Unable to assume role and validate {validated}. Please verify that the ECS service role being passed has the \
             proper permissions. There is no role {given:?} in this account.",
        ))
    })
}

/// A service that has a role stays one that may have it. `None` of registries leaves those that it has.
///
/// # Errors
/// InvalidParameterException.
pub fn check_change(
    known: &Service,
    definition: &TaskDefinition,
    load_balancers: &[ServiceLoadBalancer],
    registries: Option<&[ServiceRegistry]>,
) -> Result<(), ecs::Error> {
    let registries = registries.unwrap_or(&known.service_registries);
    match known.role {
        Some(_) => check(definition, load_balancers, registries),
        None => Ok(()),
    }
}

fn check(
    definition: &TaskDefinition,
    load_balancers: &[ServiceLoadBalancer],
    registries: &[ServiceRegistry],
) -> Result<(), ecs::Error> {
    let has_interfaces = definition.effective_network_mode() == NetworkMode::Awsvpc;
    match has_interfaces || load_balancers.len() > 1 || !registries.is_empty() {
        true => Err(needs_linked_role()),
        false => Ok(()),
    }
}

/// <https://github.com/hashicorp/terraform-provider-aws/issues/4657>
pub fn needs_linked_role() -> ecs::Error {
    invalid_parameter("You cannot specify an IAM role for services that require a service linked role.")
}
