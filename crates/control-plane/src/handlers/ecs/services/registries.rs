//! `serviceRegistries` of services and task sets: what Amazon accepts of them, and how they read back.
//! Wordings as Amazon's where they are publicly quoted.

use api::ecs;
use domain::cloud_map::{DiscoveryService, RecordType};
use domain::service_registry::{REGISTRIES_MAX, ServiceRegistry};
use domain::task_definition::{NetworkMode, TaskDefinition};
use orchestrator::transitions::discovery_service_of_arn;
use store::State;

use super::rules::check_port;
use crate::handlers::ecs::errors::{client, invalid_parameter};

#[cfg(test)]
mod tests;

/// The registries that a call names, checked against what there is.
///
/// # Errors
/// InvalidParameterException and ClientException in Amazon's words.
pub fn parse(
    state: &State,
    definition: &TaskDefinition,
    given: &[ecs::ServiceRegistry],
) -> Result<Vec<ServiceRegistry>, ecs::Error> {
    if given.len() > REGISTRIES_MAX {
        return Err(invalid_parameter(
            "serviceRegistries can have at most 1 item: multiple service registries for each service aren't supported.",
        ));
    }
    given.iter().map(|it| one(state, definition, it)).collect()
}

/// Registries that a service has fit another task definition too. One that is gone is told when a task is to be
/// registered.
///
/// # Errors
/// InvalidParameterException in Amazon's words.
pub fn check_definition(
    state: &State,
    definition: &TaskDefinition,
    known: &[ServiceRegistry],
) -> Result<(), ecs::Error> {
    for it in known {
        if let Some(service) = discovery_service_of_arn(state, &it.registry_arn) {
            check(service, definition, it)?;
        }
    }
    Ok(())
}

fn one(
    state: &State,
    definition: &TaskDefinition,
    given: &ecs::ServiceRegistry,
) -> Result<ServiceRegistry, ecs::Error> {
    let registry_arn = given.registry_arn.clone().unwrap_or_default();
    if !registry_arn.starts_with("arn:aws:servicediscovery:") {
        return Err(invalid_parameter(format!(
            "The service registry ARN is invalid: {registry_arn:?}. It must be that of a service of AWS Cloud Map."
        )));
    }
    // https://github.com/hashicorp/terraform-provider-aws/issues/17386
    let service = discovery_service_of_arn(state, &registry_arn).ok_or_else(|| {
        client("The service registry could not be validated. Route 53 error: \"ServiceNotFound.\"")
    })?;
    let registry = ServiceRegistry {
        port: port("port", given.port)?,
        container: given.container_name.clone().filter(|it| !it.is_empty()),
        container_port: port("containerPort", given.container_port)?,
        registry_arn,
    };
    check(service, definition, &registry)?;
    Ok(registry)
}

/// 0 is as good as nothing.
fn port(member: &str, given: Option<i32>) -> Result<Option<u16>, ecs::Error> {
    let given = given.filter(|it| *it != 0);
    given
        .map(|it| {
            u16::try_from(it).map_err(|_| {
                invalid_parameter(format!("The {member} {it} of the service registry is invalid."))
            })
        })
        .transpose()
}

fn check(
    service: &DiscoveryService,
    definition: &TaskDefinition,
    it: &ServiceRegistry,
) -> Result<(), ecs::Error> {
    match definition.effective_network_mode() {
        NetworkMode::Awsvpc => check_own_address(service, it)?,
        NetworkMode::Bridge | NetworkMode::Host => check_host_address(service, it)?,
        NetworkMode::None => {
            return Err(invalid_parameter(
                "Service registries cannot be used with the none network mode specified in the task definition.",
            ));
        }
    }
    match &it.container {
        Some(container) => check_port(container, it.container_port.map(i32::from), definition),
        None => Ok(()),
    }
}

/// Tasks with an address of their own.
fn check_own_address(service: &DiscoveryService, it: &ServiceRegistry) -> Result<(), ecs::Error> {
    let has_container = it.container.is_some() && it.container_port.is_some();
    if service.dns.is_some() && !service.has_record(RecordType::Srv) {
        if it.port.is_some() {
            // https://github.com/hashicorp/terraform-provider-aws/pull/3906
            return Err(invalid_parameter(
                "A port was provided but is not required by the specified service registry",
            ));
        }
        if it.container_port.is_some() {
            // https://github.com/umotif-public/terraform-aws-ecs-fargate/issues/25
            return Err(invalid_parameter(
                "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the \
                 value and retry.",
            ));
        }
        return Ok(());
    }
    if it.port.is_some() && it.container_port.is_some() {
        return Err(invalid_parameter(
            "The values specified for serviceRegistries must be either a 'containerName' and 'containerPort' \
             combination or a 'port', but not both.",
        ));
    }
    match service.has_record(RecordType::Srv) && it.port.is_none() && !has_container {
        false => Ok(()),
        true => Err(invalid_parameter(
            "The service registry has SRV records: serviceRegistries require either a 'containerName' and \
             'containerPort' combination or a 'port'.",
        )),
    }
}

/// Tasks that are reached by ports of their host.
fn check_host_address(service: &DiscoveryService, it: &ServiceRegistry) -> Result<(), ecs::Error> {
    if it.container.is_none() || it.container_port.is_none() {
        // https://github.com/hashicorp/terraform-provider-aws/issues/8888
        return Err(invalid_parameter(
            "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be \
             specified from the task definition.",
        ));
    }
    if it.port.is_some() {
        return Err(invalid_parameter(
            "A port was provided but is not required by the specified service registry",
        ));
    }
    let has_other = |it: &RecordType| service.has_record(*it);
    match [RecordType::A, RecordType::Aaaa, RecordType::Cname]
        .iter()
        .any(has_other)
    {
        false => Ok(()),
        true => Err(invalid_parameter(
            "An SRV record is the only supported DNS record type of a service registry when specifying 'host' or 'bridge' \
             for networkMode.",
        )),
    }
}

/// As it reads back.
pub fn render(it: &ServiceRegistry) -> ecs::ServiceRegistry {
    ecs::ServiceRegistry {
        registry_arn: Some(it.registry_arn.clone()),
        port: it.port.map(i32::from),
        container_name: it.container.clone(),
        container_port: it.container_port.map(i32::from),
    }
}
