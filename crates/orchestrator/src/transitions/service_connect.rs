//! Service Connect: what a service offers becomes a Cloud Map service and a client alias with a virtual address; hosts
//! get a proxy in each VPC in which there is an alias for their tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use domain::cloud_map::{DiscoveryService, Namespace, NamespaceKind, OperationKind, OperationTarget};
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

use super::cloud_map::record_operation;
use super::free_address;

#[cfg(test)]
mod tests;

/// The tag of what ECS has made.
const MANAGED: &str = "AmazonECSManaged";

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
    let id = tx.ids().cloud_map("ns");
    let target = OperationTarget::Namespace(id.clone());
    let operation_id = record_operation(tx, scope, OperationKind::CreateNamespace, target);
    let namespace = Namespace {
        id,
        scope: scope.clone(),
        name: name.to_owned(),
        other_http_name: None,
        description: None,
        kind: NamespaceKind::Http,
        creator_request_id: None,
        operation_id,
        created_at: tx.now(),
        tags: vec![domain::tags::Pair::new(MANAGED, "true")],
    };
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

/// What the client alias of an endpoint is known by, if it has one.
fn alias_key(namespace: &Namespace, offered: &ServiceConnectService) -> Option<ClientAliasKey> {
    Some(ClientAliasKey {
        namespace_id: namespace.id.clone(),
        dns_name: dns_name(namespace, offered)?,
        port: offered.client_alias.as_ref()?.port,
    })
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
    if takes_part(tx.state(), service) {
        let wanted: BTreeSet<_> = aliases.iter().map(|it| it.key.clone()).collect();
        withdraw_others(tx, &service.arn, &wanted, &discovered);
    }
    for it in aliases {
        tx.put(it);
    }
    for (namespace_id, name) in discovered {
        discover(tx, &service.arn, namespace_id, name);
    }
    Ok(())
}

/// Whether a service offers or may have offered anything: most do not.
fn takes_part(state: &State, service: &Service) -> bool {
    let known = state.get::<Service>(&service.arn);
    let mut aliases = state.client_aliases(&service.arn.scope());
    service.service_connect.is_some()
        || known.is_some_and(|it| it.service_connect.is_some())
        || aliases.any(|it| it.service == service.arn)
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
    let Some(key) = alias_key(namespace, offered) else {
        return Ok(None);
    };
    let known = || {
        state
            .client_aliases(&namespace.scope)
            .map(AsRef::as_ref)
            .chain(new)
    };
    let same = known().find(|it| it.key.namespace_id == key.namespace_id && it.key.dns_name == key.dns_name);
    let address = same.map(|it| it.address).or_else(|| {
        let taken: BTreeSet<Ipv4Addr> = known().map(|it| it.address).collect();
        virtual_address(&key.namespace_id, &key.dns_name, |it| taken.contains(&it))
    });
    let mapping = definition.and_then(|it| port_mapping(it, &offered.port_name));
    let protocol = AppProtocol::of(mapping.and_then(|(_, it)| it.app_protocol.as_deref()));
    let timeout = offered.timeout.as_ref();
    let idle = timeout.and_then(|it| it.idle_timeout_seconds);
    let per_request = timeout.and_then(|it| it.per_request_timeout_seconds);
    Ok(Some(ClientAlias {
        key,
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

/// Makes sure that there is a Cloud Map service of that name, which knows who offers it.
fn discover(tx: &mut Tx<'_>, offering: &ServiceArn, namespace_id: String, name: String) {
    let state = tx.state();
    let known = state.discovery_services_of_name(&namespace_id, &name).next();
    if let Some(known) = known.cloned() {
        if !known.offered_by.contains(offering) {
            let mut service = DiscoveryService::clone(&known);
            service.offered_by.push(offering.clone());
            tx.put(service);
        }
        return;
    }
    let service = DiscoveryService {
        id: tx.ids().cloud_map("srv"),
        scope: offering.scope(),
        namespace_id,
        name,
        description: None,
        dns: None,
        dns_at_first: None,
        health_check: None,
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: tx.now(),
        instances_revision: 1,
        is_ecs_managed: true,
        offered_by: vec![offering.clone()],
        tags: vec![domain::tags::Pair::new(MANAGED, "true")],
    };
    tx.put(service);
}

/// A service offers nothing any more.
pub(crate) fn withdraw(tx: &mut Tx<'_>, service: &ServiceArn) {
    let known = tx.get::<Service>(service);
    if known.is_some_and(|it| takes_part(tx.state(), &it)) {
        withdraw_others(tx, service, &BTreeSet::new(), &BTreeSet::new());
    }
}

/// Takes away the aliases of a service that are not wanted, and its part in Cloud Map services that are not: by namespace
/// and name.
fn withdraw_others(
    tx: &mut Tx<'_>,
    service: &ServiceArn,
    wanted: &BTreeSet<ClientAliasKey>,
    discovered: &BTreeSet<(String, String)>,
) {
    let scope = service.scope();
    let state = tx.state();
    let own = state.client_aliases(&scope).filter(|it| it.service == *service);
    let gone: Vec<_> = own.filter(|it| !wanted.contains(&it.key)).cloned().collect();
    // An older version has not noted who offers what.
    let of_gone = gone.iter().flat_map(|it| {
        let named = state.discovery_services_of_name(&it.key.namespace_id, &it.discovery_name);
        named.filter(|it| it.offered_by.is_empty())
    });
    let namespaces = state.namespaces(&scope);
    let offered = namespaces.flat_map(|it| state.discovery_services_of(&it.id));
    let offered = offered.filter(|it| it.offered_by.contains(service));
    let left = of_gone.chain(offered);
    let left = left.filter(|it| !discovered.contains(&(it.namespace_id.clone(), it.name.clone())));
    let left: BTreeMap<String, _> = left.map(|it| (it.id.clone(), it.clone())).collect();
    for alias in gone {
        tx.delete::<ClientAlias>(&alias.key);
    }
    for known in left.into_values() {
        leave(tx, DiscoveryService::clone(&known), service);
    }
}

/// A service does not offer a Cloud Map service any more. One that was made for it goes with the last that does, unless
/// somebody has registered an instance with it.
fn leave(tx: &mut Tx<'_>, mut known: DiscoveryService, service: &ServiceArn) {
    known.offered_by.retain(|it| it != service);
    let is_managed = known.is_ecs_managed || known.tags.iter().any(|tag| tag.name == MANAGED);
    let has_instances = tx.state().discovery_instances_of(&known.id).next().is_some();
    match known.offered_by.is_empty() && is_managed && !has_instances {
        true => tx.delete::<DiscoveryService>(&known.id),
        false => drop(tx.put(known)),
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
    state: &State,
    configuration: Option<&ServiceConnectConfiguration>,
    definition: &TaskDefinition,
) -> Vec<TaskEndpoint> {
    let offered = configuration.map_or(&[][..], ServiceConnectConfiguration::offered);
    let namespace = configuration.and_then(|it| state.get::<Namespace>(it.namespace_id.as_ref()?));
    let endpoints = offered.iter().filter_map(|it| {
        let (container, mapping) = port_mapping(definition, &it.port_name)?;
        Some(TaskEndpoint {
            discovery_name: it.discovery_name().to_owned(),
            client_alias: namespace.and_then(|namespace| alias_key(namespace, it)),
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
    let is_offered =
        |it: &ClientAlias| Some(&it.service) == task.service.as_ref() && connect.endpoint_of(it).is_some();
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

/// A subnet is gone: proxies that had their address there get another where their hosts still have tasks.
pub(super) fn leave_subnet(tx: &mut Tx<'_>, subnet_id: &str) {
    let proxies = tx.state().all::<ServiceConnectProxy>();
    let proxies = proxies.filter(|it| it.subnet_id == subnet_id);
    let keys: Vec<_> = proxies
        .map(|it| (it.host_id.clone(), it.vpc_id.clone()))
        .collect();
    for key in keys {
        tx.delete::<ServiceConnectProxy>(&key);
        keep_proxies(tx, &key.0);
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
