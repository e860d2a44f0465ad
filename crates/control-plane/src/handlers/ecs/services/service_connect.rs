//! `serviceConnectConfiguration` of services: what Amazon accepts of it, and how it reads back.
//! Wordings as Amazon's where they are publicly quoted.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectConfiguration.html>

use std::collections::BTreeSet;

use api::ecs;
use domain::cloud_map::Namespace;
use domain::cluster::Cluster;
use domain::container_definition::TransportProtocol;
use domain::deployment_strategy::DeploymentStrategy;
use domain::service::{DeploymentController, Service};
use domain::service_connect::{
    AppProtocol, ServiceConnectClientAlias, ServiceConnectConfiguration, ServiceConnectService,
    ServiceConnectServiceResource, TimeoutConfiguration,
};
use domain::task_definition::{NetworkMode, TaskDefinition};
use domain::{ClusterArn, Scope};
use orchestrator::transitions::{self, ServiceConnectRefusal};
use store::State;

use crate::handlers::ecs::errors::{FromRefusal, invalid_parameter, refuse_unbuilt};
use crate::handlers::ecs::{render, task_definitions};

#[cfg(test)]
mod tests;

/// Longest `discoveryName`.
const DISCOVERY_NAME_LENGTH_MAX: usize = 64;
/// Longest `dnsName`.
const DNS_NAME_LENGTH_MAX: usize = 127;
/// Ports that no proxy of a task may listen on.
const RESERVED_PORTS_MAX: i32 = 1024;
/// Whose log `logConfiguration` is about, in messages.
const PROXY: &str = "serviceConnectConfiguration";

impl FromRefusal<ServiceConnectRefusal> for ecs::Error {
    fn from_refusal(refusal: ServiceConnectRefusal) -> Self {
        match refusal {
            ServiceConnectRefusal::NamespaceNotFound => {
                namespace_not_found("of its Service Connect configuration")
            }
            ServiceConnectRefusal::AliasInUse => invalid_parameter(
                "Each discoveryName, and each dnsName and port of a client alias, must be unique within the namespace: \
                 another service of it has one of them.",
            ),
            ServiceConnectRefusal::NoAddress => {
                invalid_parameter("There are no virtual addresses left for client aliases.")
            }
        }
    }
}

/// NamespaceNotFoundException
pub fn namespace_not_found(named: &str) -> ecs::Error {
    ecs::Error::NamespaceNotFoundException(ecs::NamespaceNotFoundException {
        message: Some(format!("The specified namespace was not found: {named}.")),
    })
}

/// A namespace by its name or ARN.
///
/// # Errors
/// NamespaceNotFoundException.
pub fn namespace(state: &State, scope: &Scope, named: &str) -> Result<Namespace, ecs::Error> {
    transitions::find_namespace(state, scope, named).ok_or_else(|| namespace_not_found(named))
}

/// What CreateService says, checked against what there is.
///
/// # Errors
/// InvalidParameterException and NamespaceNotFoundException; UnsupportedFeatureException for what is not built.
pub fn of_new(
    state: &State,
    cluster: &ClusterArn,
    input: &ecs::CreateServiceInput,
    definition: &TaskDefinition,
    strategy: DeploymentStrategy,
) -> Result<Option<ServiceConnectConfiguration>, ecs::Error> {
    let parsed = parse(state, cluster, input.service_connect_configuration.as_ref())?;
    check_definition(parsed.as_ref(), definition, strategy)?;
    Ok(parsed)
}

/// The same of UpdateService: what it does not change has to fit the rest as well.
///
/// # Errors
/// As those of CreateService.
pub fn of_changed(
    state: &State,
    known: &Service,
    input: &ecs::UpdateServiceInput,
    definition: &TaskDefinition,
    strategy: DeploymentStrategy,
) -> Result<Option<ServiceConnectConfiguration>, ecs::Error> {
    let parsed = parse(
        state,
        &known.cluster,
        input.service_connect_configuration.as_ref(),
    )?;
    let wanted = parsed.as_ref().or(known.service_connect.as_ref());
    check_definition(wanted, definition, strategy)?;
    Ok(parsed)
}

fn parse(
    state: &State,
    cluster: &ClusterArn,
    given: Option<&ecs::ServiceConnectConfiguration>,
) -> Result<Option<ServiceConnectConfiguration>, ecs::Error> {
    let Some(given) = given else { return Ok(None) };
    if !given.enabled {
        return Ok(Some(ServiceConnectConfiguration::default()));
    }
    refuse_unbuilt(&[(
        "accessLogConfiguration of serviceConnectConfiguration",
        given.access_log_configuration.is_some(),
    )])?;
    let default = state.get::<Cluster>(cluster);
    let default = default.and_then(|it| it.service_connect_namespace.clone());
    let named = given.namespace.clone().filter(|it| !it.is_empty()).or(default);
    let named = named.ok_or_else(|| {
        invalid_parameter(
            "A namespace must be specified for Service Connect: the cluster has no default namespace for it.",
        )
    })?;
    let namespace = namespace(state, &cluster.scope(), &named)?;
    let services = given.services.iter().flatten().map(service);
    let log = given.log_configuration.as_ref();
    let configuration = ServiceConnectConfiguration {
        is_enabled: true,
        namespace: Some(named),
        namespace_id: Some(namespace.id.clone()),
        services: services.collect::<Result<_, _>>()?,
        log_configuration: log
            .map(|it| task_definitions::log_configuration(PROXY, it))
            .transpose()?,
    };
    refuse_doubles(&namespace, &configuration)?;
    Ok(Some(configuration))
}

fn service(given: &ecs::ServiceConnectService) -> Result<ServiceConnectService, ecs::Error> {
    let aliases = given.client_aliases.as_deref().unwrap_or_default();
    refuse_unbuilt(&[
        ("tls of serviceConnectConfiguration", given.tls.is_some()),
        (
            "testTrafficRules of serviceConnectConfiguration",
            aliases.iter().any(|it| it.test_traffic_rules.is_some()),
        ),
    ])?;
    if aliases.len() > 1 {
        return Err(invalid_parameter("clientAliases can have at most 1 items."));
    }
    if let Some(name) = &given.discovery_name {
        check_name("discoveryName", name, DISCOVERY_NAME_LENGTH_MAX, "_-")?;
    }
    let ingress = given.ingress_port_override;
    // https://github.com/hashicorp/terraform-provider-aws/issues/28293
    if ingress.is_some_and(|it| it <= RESERVED_PORTS_MAX) {
        return Err(invalid_parameter("IngressPortOverride cannot use ports <= 1024."));
    }
    Ok(ServiceConnectService {
        port_name: given.port_name.clone(),
        discovery_name: given.discovery_name.clone(),
        client_alias: aliases.first().map(client_alias).transpose()?,
        ingress_port_override: ingress.map(|it| port("ingressPortOverride", it)).transpose()?,
        timeout: given.timeout.as_ref().map(timeout).transpose()?,
    })
}

fn client_alias(given: &ecs::ServiceConnectClientAlias) -> Result<ServiceConnectClientAlias, ecs::Error> {
    if let Some(name) = &given.dns_name {
        check_name("dnsName", name, DNS_NAME_LENGTH_MAX, "_-.")?;
    }
    Ok(ServiceConnectClientAlias {
        dns_name: given.dns_name.clone(),
        port: port("port of a client alias", given.port)?,
    })
}

fn port(member: &str, given: i32) -> Result<u16, ecs::Error> {
    let port = u16::try_from(given).ok().filter(|it| *it > 0);
    port.ok_or_else(|| invalid_parameter(format!("Invalid {member}: {given}; it must be from 1 to 65535.")))
}

fn check_name(member: &str, name: &str, longest: usize, signs: &str) -> Result<(), ecs::Error> {
    let is_letter = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || signs.contains(it);
    let labels_fit = name.split('.').all(|it| !it.is_empty() && it.len() <= 63);
    if name.len() <= longest && name.chars().all(is_letter) && !name.starts_with('-') && labels_fit {
        return Ok(());
    }
    Err(invalid_parameter(format!(
        "Invalid {member}: {name:?}. It has up to {longest} lower-case letters, numbers and the signs {signs}, and does \
         not start with a hyphen."
    )))
}

fn timeout(given: &ecs::TimeoutConfiguration) -> Result<TimeoutConfiguration, ecs::Error> {
    let seconds = |member: &str, given: Option<i32>| {
        let seconds = given.map(u32::try_from).transpose();
        seconds.map_err(|_| invalid_parameter(format!("Invalid {member}: it must not be less than 0.")))
    };
    Ok(TimeoutConfiguration {
        idle_timeout_seconds: seconds("idleTimeoutSeconds", given.idle_timeout_seconds)?,
        per_request_timeout_seconds: seconds("perRequestTimeoutSeconds", given.per_request_timeout_seconds)?,
    })
}

fn refuse_doubles(namespace: &Namespace, it: &ServiceConnectConfiguration) -> Result<(), ecs::Error> {
    let (mut ports, mut names, mut aliases) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for one in &it.services {
        let alias = one.client_alias.as_ref().map(|it| it.port);
        let alias = alias.zip(transitions::service_connect_dns_name(namespace, one));
        let is_new = ports.insert(&one.port_name) && names.insert(one.discovery_name());
        if !is_new || alias.is_some_and(|it| !aliases.insert(it)) {
            return Err(invalid_parameter(format!(
                "Each portName, each discoveryName and each client alias must be unique in serviceConnectConfiguration: \
                 {} is not.",
                one.port_name
            )));
        }
    }
    Ok(())
}

/// Whether a service with this task definition can be a part of Service Connect in this way.
fn check_definition(
    it: Option<&ServiceConnectConfiguration>,
    definition: &TaskDefinition,
    strategy: DeploymentStrategy,
) -> Result<(), ecs::Error> {
    let Some(it) = it.filter(|it| it.is_enabled) else {
        return Ok(());
    };
    let mode = definition.effective_network_mode();
    if !matches!(mode, NetworkMode::Awsvpc | NetworkMode::Bridge) {
        return Err(invalid_parameter(format!(
            "Service Connect is not supported with the {} network mode. Use awsvpc or bridge.",
            mode.as_str()
        )));
    }
    let shifts_in_steps = !matches!(
        strategy,
        DeploymentStrategy::Rolling | DeploymentStrategy::BlueGreen
    );
    refuse_unbuilt(&[(
        "serviceConnectConfiguration with the deployment strategies LINEAR and CANARY",
        shifts_in_steps && !it.services.is_empty(),
    )])?;
    it.services.iter().try_for_each(|one| check_port(one, definition))
}

fn check_port(one: &ServiceConnectService, definition: &TaskDefinition) -> Result<(), ecs::Error> {
    let name = &one.port_name;
    let Some((_, mapping)) = transitions::port_mapping(definition, name) else {
        return Err(invalid_parameter(format!(
            "portName({name}) does not refer to any named PortMapping in the task definition."
        )));
    };
    if mapping.protocol != TransportProtocol::Tcp || mapping.container_port.is_none() {
        return Err(invalid_parameter(format!(
            "portName({name}) refers to a PortMapping that is not one port of the protocol tcp."
        )));
    }
    let timeout = one.timeout.and_then(|it| it.per_request_timeout_seconds);
    let is_tcp = AppProtocol::of(mapping.app_protocol.as_deref()) == AppProtocol::Tcp;
    match timeout.is_some() && is_tcp {
        true => Err(invalid_parameter(format!(
            "perRequestTimeoutSeconds can only be set for an appProtocol of http, http2 or grpc; portName({name}) has none."
        ))),
        false => Ok(()),
    }
}

/// Service Connect is a matter of services that deploy by themselves.
///
/// # Errors
/// InvalidParameterException.
pub fn check_controller(
    given: Option<&ecs::ServiceConnectConfiguration>,
    controller: DeploymentController,
) -> Result<(), ecs::Error> {
    let is_enabled = given.is_some_and(|it| it.enabled);
    match controller {
        DeploymentController::CodeDeploy | DeploymentController::External if is_enabled => {
            Err(invalid_parameter(format!(
                "Service Connect is not supported for services with the {} deployment controller.",
                controller.as_str()
            )))
        }
        _ => Ok(()),
    }
}

/// As it reads back.
pub fn render(it: &ServiceConnectConfiguration) -> ecs::ServiceConnectConfiguration {
    let services = it.services.iter().map(|it| ecs::ServiceConnectService {
        port_name: it.port_name.clone(),
        discovery_name: it.discovery_name.clone(),
        client_aliases: it.client_alias.as_ref().map(|it| {
            vec![ecs::ServiceConnectClientAlias {
                dns_name: it.dns_name.clone(),
                port: it.port.into(),
                test_traffic_rules: None,
            }]
        }),
        ingress_port_override: it.ingress_port_override.map(i32::from),
        timeout: it.timeout.map(|it| ecs::TimeoutConfiguration {
            idle_timeout_seconds: it.idle_timeout_seconds.and_then(|it| i32::try_from(it).ok()),
            per_request_timeout_seconds: it
                .per_request_timeout_seconds
                .and_then(|it| i32::try_from(it).ok()),
        }),
        tls: None,
    });
    ecs::ServiceConnectConfiguration {
        enabled: it.is_enabled,
        namespace: it.namespace.clone(),
        services: it.is_enabled.then(|| services.collect()),
        log_configuration: it.log_configuration.as_ref().map(render::log_configuration),
        access_log_configuration: None,
    }
}

/// `serviceConnectResources`; absent if there are none.
pub fn render_resources(
    all: &[ServiceConnectServiceResource],
) -> Option<Vec<ecs::ServiceConnectServiceResource>> {
    let rendered = all.iter().map(|it| ecs::ServiceConnectServiceResource {
        discovery_name: Some(it.discovery_name.clone()),
        discovery_arn: Some(it.discovery_arn.clone()),
    });
    (!all.is_empty()).then(|| rendered.collect())
}
