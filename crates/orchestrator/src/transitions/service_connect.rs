//! Service Connect: what a service offers becomes a Cloud Map service and a client alias with a virtual address; hosts
//! get a proxy in each VPC in which there is an alias for their tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use domain::cloud_map::{
    DiscoveryService, Namespace, NamespaceKind, Operation, OperationKind, OperationTarget,
};
use domain::host::Host;
use domain::service::Service;
use domain::service_connect::{
    AppProtocol, ClientAlias, ClientAliasKey, DRAIN_SECONDS, ServiceConnectConfiguration,
    ServiceConnectProxy, ServiceConnectService, ServiceConnectServiceResource, TaskEndpoint, virtual_address,
};
use domain::task::{Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::vpc::Subnet;
use domain::{Scope, ServiceArn, TaskArn};
use store::{State, Tx};

use super::free_address;

#[cfg(test)]
mod tests;

/// Why a service cannot offer what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceConnectRefusal {
    /// Its namespace is gone.
    NamespaceNotFound,
    /// Another service of the namespace has the name and the port, or the discovery name.
    AliasInUse,
    /// All virtual addresses are taken.
    NoAddress,
}

/// The namespace of that name or ARN.
pub fn find_namespace(state: &State, scope: &Scope, given: &str) -> Option<Namespace> {
    let arn_head = given.rsplit_once('/').map_or("", |(head, _)| head);
    let found = match arn_head.is_empty() {
        true => state.namespace_of_name(scope, given),
        false => {
            let id = given.rsplit('/').next().unwrap_or_default().to_owned();
            let found = state.get::<Namespace>(&id);
            found.filter(|it| it.arn() == given)
        }
    };
    found.map(|it| it.as_ref().clone())
}

/// The namespace of that name; if there is none, an HTTP namespace is made, as Amazon does for clusters.
pub fn ensure_namespace(tx: &mut Tx<'_>, scope: &Scope, name: &str) -> Namespace {
    if let Some(known) = tx.state().namespace_of_name(scope, name) {
        return known.as_ref().clone();
    }
    let namespace = Namespace {
        id: tx.ids().cloud_map("ns"),
        scope: scope.clone(),
        name: name.to_owned(),
        description: None,
        kind: NamespaceKind::Http,
        creator_request_id: None,
        operation_id: tx.ids().cloud_map_operation(),
        created_at: tx.now(),
        tags: Vec::new(),
    };
    tx.put(Operation {
        id: namespace.operation_id.clone(),
        scope: scope.clone(),
        kind: OperationKind::CreateNamespace,
        target: OperationTarget::Namespace(namespace.id.clone()),
        created_at: namespace.created_at,
    });
    tx.put(namespace.clone());
    namespace
}

/// What clients look up to reach an endpoint.
pub fn dns_name(namespace: &Namespace, offered: &ServiceConnectService) -> Option<String> {
    let alias = offered.client_alias.as_ref()?;
    let given = alias.dns_name.clone();
    let name = given.unwrap_or_else(|| format!("{}.{}", offered.discovery_name(), namespace.name));
    Some(name.to_ascii_lowercase())
}

/// Makes what a service offers known, and takes away what it offers no more.
///
/// # Errors
/// See [`ServiceConnectRefusal`]; nothing has changed then.
pub(super) fn publish(tx: &mut Tx<'_>, service: &Service) -> Result<(), ServiceConnectRefusal> {
    let offered = offered(service);
    let mut aliases = Vec::new();
    let mut discovered = BTreeSet::new();
    if let Some(it) = offered.filter(|it| !it.offered().is_empty()) {
        let id = it.namespace_id.clone().unwrap_or_default();
        let namespace = tx.get::<Namespace>(&id);
        let namespace = namespace.ok_or(ServiceConnectRefusal::NamespaceNotFound)?;
        let definition = service.task_definition.as_ref().and_then(|it| tx.get(it));
        for one in it.offered() {
            refuse_foreign(tx.state(), service, &namespace, one)?;
            discovered.insert((namespace.id.clone(), one.discovery_name().to_owned()));
            aliases.extend(alias(
                tx.state(),
                service,
                &namespace,
                one,
                definition.as_deref(),
                &aliases,
            )?);
        }
    }
    let wanted: BTreeSet<_> = aliases.iter().map(|it| it.key.clone()).collect();
    withdraw_others(tx, &service.arn, &wanted);
    for it in aliases {
        tx.put(it);
    }
    for (namespace_id, name) in discovered {
        discover(tx, &service.arn.scope(), namespace_id, name);
    }
    Ok(())
}

fn offered(service: &Service) -> Option<&ServiceConnectConfiguration> {
    service.service_connect.as_ref()
}

/// A discovery name, and a name with its port, are one service's within a namespace.
fn refuse_foreign(
    state: &State,
    service: &Service,
    namespace: &Namespace,
    offered: &ServiceConnectService,
) -> Result<(), ServiceConnectRefusal> {
    let name = dns_name(namespace, offered);
    let port = offered.client_alias.as_ref().map(|it| it.port);
    let is_foreign = state.client_aliases(&namespace.scope).any(|it| {
        let is_name = it.discovery_name == offered.discovery_name();
        let is_alias = Some(&it.key.dns_name) == name.as_ref() && Some(it.key.port) == port;
        it.service != service.arn && it.key.namespace_id == namespace.id && (is_name || is_alias)
    });
    match is_foreign {
        true => Err(ServiceConnectRefusal::AliasInUse),
        false => Ok(()),
    }
}

/// The client alias of an endpoint, if it has one. All ports of a name have the same address.
fn alias(
    state: &State,
    service: &Service,
    namespace: &Namespace,
    offered: &ServiceConnectService,
    definition: Option<&TaskDefinition>,
    new: &[ClientAlias],
) -> Result<Option<ClientAlias>, ServiceConnectRefusal> {
    let (Some(dns_name), Some(given)) = (dns_name(namespace, offered), &offered.client_alias) else {
        return Ok(None);
    };
    let known = || {
        state
            .client_aliases(&namespace.scope)
            .map(AsRef::as_ref)
            .chain(new)
    };
    let same = known().find(|it| it.key.namespace_id == namespace.id && it.key.dns_name == dns_name);
    let address = same.map(|it| it.address).or_else(|| {
        let taken: BTreeSet<Ipv4Addr> = known().map(|it| it.address).collect();
        virtual_address(&namespace.id, &dns_name, |it| taken.contains(&it))
    });
    let mapping = definition.and_then(|it| port_mapping(it, &offered.port_name));
    let protocol = AppProtocol::of(mapping.and_then(|(_, it)| it.app_protocol.as_deref()));
    let timeout = offered.timeout.as_ref();
    let idle = timeout.and_then(|it| it.idle_timeout_seconds);
    let per_request = timeout.and_then(|it| it.per_request_timeout_seconds);
    Ok(Some(ClientAlias {
        key: ClientAliasKey {
            namespace_id: namespace.id.clone(),
            dns_name,
            port: given.port,
        },
        scope: namespace.scope.clone(),
        address: address.ok_or(ServiceConnectRefusal::NoAddress)?,
        service: service.arn.clone(),
        discovery_name: offered.discovery_name().to_owned(),
        protocol,
        idle_timeout_seconds: idle.unwrap_or(protocol.idle_timeout_seconds()),
        per_request_timeout_seconds: per_request.unwrap_or(protocol.per_request_timeout_seconds()),
    }))
}

/// The port mapping of that name, with its container.
pub fn port_mapping<'a>(
    definition: &'a TaskDefinition,
    name: &str,
) -> Option<(&'a str, &'a domain::container_definition::PortMapping)> {
    definition.containers.iter().find_map(|container| {
        let mut mappings = container.port_mappings.iter();
        let found = mappings.find(|it| it.name.as_deref() == Some(name))?;
        Some((container.name.as_str(), found))
    })
}

/// Makes sure that there is a Cloud Map service of that name.
fn discover(tx: &mut Tx<'_>, scope: &Scope, namespace_id: String, name: String) {
    let is_there = |state: &State| {
        state
            .discovery_services_of_name(&namespace_id, &name)
            .next()
            .is_some()
    };
    if is_there(tx.state()) {
        return;
    }
    let service = DiscoveryService {
        id: tx.ids().cloud_map("srv"),
        scope: scope.clone(),
        namespace_id,
        name,
        description: None,
        dns: None,
        health_check: None,
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: tx.now(),
        instances_revision: 1,
        tags: vec![domain::tags::Pair::new("AmazonECSManaged", "true")],
    };
    tx.put(service);
}

/// A service offers nothing any more.
pub(crate) fn withdraw(tx: &mut Tx<'_>, service: &ServiceArn) {
    withdraw_others(tx, service, &BTreeSet::new());
}

/// Its Cloud Map services that nobody has registered anything with go as well.
fn withdraw_others(tx: &mut Tx<'_>, service: &ServiceArn, wanted: &BTreeSet<ClientAliasKey>) {
    let scope = service.scope();
    let own = tx
        .state()
        .client_aliases(&scope)
        .filter(|it| it.service == *service);
    let (kept, gone): (Vec<_>, Vec<_>) = own.cloned().partition(|it| wanted.contains(&it.key));
    for alias in gone {
        tx.delete::<ClientAlias>(&alias.key);
        let mut others = kept.iter();
        if others.any(|it| it.discovery_name == alias.discovery_name) {
            continue;
        }
        let state = tx.state();
        let services = state.discovery_services_of_name(&alias.key.namespace_id, &alias.discovery_name);
        let is_managed = |it: &&std::sync::Arc<DiscoveryService>| {
            it.tags.iter().any(|tag| tag.name == "AmazonECSManaged")
                && state.discovery_instances_of(&it.id).next().is_none()
        };
        let unused: Vec<String> = services.filter(is_managed).map(|it| it.id.clone()).collect();
        for id in unused {
            tx.delete::<DiscoveryService>(&id);
        }
    }
}

/// The Cloud Map services of what a service offers.
pub(super) fn resources(state: &State, service: &Service) -> Vec<ServiceConnectServiceResource> {
    let Some(configuration) = offered(service) else {
        return Vec::new();
    };
    let namespace_id = configuration.namespace_id.as_deref().unwrap_or_default();
    let resources = configuration.offered().iter().filter_map(|it| {
        let name = it.discovery_name();
        let found = state.discovery_services_of_name(namespace_id, name).next()?;
        Some(ServiceConnectServiceResource {
            discovery_name: name.to_owned(),
            discovery_arn: found.arn(),
        })
    });
    resources.collect()
}

/// What tasks of a definition offer.
pub(crate) fn endpoints(
    configuration: Option<&ServiceConnectConfiguration>,
    definition: &TaskDefinition,
) -> Vec<TaskEndpoint> {
    let offered = configuration.map_or(&[][..], ServiceConnectConfiguration::offered);
    let endpoints = offered.iter().filter_map(|it| {
        let (container, mapping) = port_mapping(definition, &it.port_name)?;
        Some(TaskEndpoint {
            discovery_name: it.discovery_name().to_owned(),
            container: container.to_owned(),
            container_port: mapping.container_port?,
        })
    });
    endpoints.collect()
}

/// The proxy of a host has nothing in flight any more, by way of an alias, to a task that is to stop.
pub fn endpoint_is_idle(tx: &mut Tx<'_>, task: &TaskArn, (host_id, alias): (&str, &str)) {
    let Some(known) = tx.get::<Task>(task) else { return };
    if known.last_status != TaskStatus::Deactivating {
        return;
    }
    let mut task = Task::clone(&known);
    let Some(connect) = &mut task.service_connect else {
        return;
    };
    let way = format!("{host_id} {alias}");
    if !connect.idle_on.contains(&way) {
        connect.idle_on.push(way);
        tx.put(task);
    }
}

/// How long a task that is to stop may still have something in flight: until all proxies that reach it say that it has
/// not, or the time is over.
pub(super) fn until_drained(tx: &Tx<'_>, task: &Task) -> Duration {
    let Some(connect) = &task.service_connect else {
        return Duration::ZERO;
    };
    let state = tx.state();
    let vpc_id = task
        .eni
        .as_ref()
        .and_then(|it| state.get::<Subnet>(&it.subnet_id));
    let is_offered = |it: &ClientAlias| {
        let mut endpoints = connect.endpoints.iter();
        Some(&it.service) == task.service.as_ref()
            && endpoints.any(|one| one.discovery_name == it.discovery_name)
    };
    let aliases = state
        .client_aliases(&task.arn.scope())
        .filter(|it| is_offered(it))
        .count();
    let is_busy = |it: &ServiceConnectProxy| {
        let ways = connect.idle_on.iter().filter(|way| way.starts_with(&it.host_id));
        ways.count() < aliases
    };
    let waits = match vpc_id {
        Some(subnet) => state
            .service_connect_proxies_of(&subnet.vpc_id)
            .any(|it| is_busy(it)),
        None => state
            .service_connect_proxies_on(&task.host_id)
            .any(|it| is_busy(it)),
    };
    let Some(since) = task.times.stopping_at.filter(|_| waits) else {
        return Duration::ZERO;
    };
    let due = since.as_millisecond() + i64::from(DRAIN_SECONDS) * 1000;
    Duration::from_millis(u64::try_from(due - tx.now().as_millisecond()).unwrap_or_default())
}

/// Gives a host a proxy in each VPC in which it has tasks and there are client aliases, and takes those away that have
/// no alias left or no host. A proxy stays when the last task has gone: another one is likely to come.
pub(crate) fn keep_proxies(tx: &mut Tx<'_>, host_id: &str) {
    let host = tx.get::<Host>(&host_id.to_owned());
    let known: Vec<_> = tx.state().service_connect_proxies_on(host_id).cloned().collect();
    for proxy in &known {
        let is_used = host.is_some() && !tx.state().client_aliases_in(&proxy.vpc_id).is_empty();
        if !is_used {
            tx.delete::<ServiceConnectProxy>(&(host_id.to_owned(), proxy.vpc_id.clone()));
        }
    }
    let Some(host) = host else { return };
    let tasks = tx.state().tasks_of_host(host_id);
    let subnets = tasks.filter(|it| it.last_status != TaskStatus::Stopped);
    let subnets: BTreeSet<String> = subnets
        .filter_map(|it| Some(it.eni.as_ref()?.subnet_id.clone()))
        .collect();
    let mut wanted: BTreeMap<String, Subnet> = BTreeMap::new();
    for id in subnets {
        if let Some(subnet) = tx.get::<Subnet>(&id) {
            wanted
                .entry(subnet.vpc_id.clone())
                .or_insert_with(|| Subnet::clone(&subnet));
        }
    }
    for (vpc_id, subnet) in wanted {
        let key = (host_id.to_owned(), vpc_id.clone());
        let is_there = tx.get::<ServiceConnectProxy>(&key).is_some();
        if is_there || tx.state().client_aliases_in(&vpc_id).is_empty() {
            continue;
        }
        let Some((subnet_id, address)) = place(tx, &vpc_id, &subnet, &host) else {
            tracing::warn!(
                vpc_id,
                host_id,
                "no subnet has an address for the proxy of Service Connect"
            );
            continue;
        };
        tx.put(ServiceConnectProxy {
            host_id: host_id.to_owned(),
            vpc_id,
            scope: subnet.scope.clone(),
            subnet_id,
            address,
        });
    }
}

/// An address for a proxy: in a subnet of its tasks, or any other of the VPC, those of its zone first.
fn place(tx: &Tx<'_>, vpc_id: &str, preferred: &Subnet, host: &Host) -> Option<(String, Ipv4Addr)> {
    let others = tx
        .state()
        .subnets(&preferred.scope)
        .filter(|it| it.vpc_id == vpc_id);
    let mut subnets: Vec<&Subnet> = others.map(AsRef::as_ref).collect();
    subnets.sort_by_key(|it| {
        (
            it.id != preferred.id,
            it.availability_zone != host.availability_zone,
        )
    });
    subnets
        .into_iter()
        .find_map(|it| Some((it.id.clone(), free_address(tx, it)?)))
}
