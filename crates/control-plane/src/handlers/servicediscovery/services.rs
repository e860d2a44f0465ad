//! Services of Cloud Map: made, changed, deleted, shown.

use std::collections::BTreeMap;

use api::servicediscovery::{self as sd, Error};
use domain::Scope;
use domain::cloud_map::{
    DiscoveryService, DnsConfig, DnsRecord, HealthCheck, Namespace, NamespaceKind, OperationKind,
    OperationTarget,
};
use orchestrator::transitions::record_cloud_map_operation;
use store::{State, Tx};

use super::errors::{from_store, has_instances, invalid_input, no_namespace, service_exists};
use super::filters::{Filter, unknown};
use super::namespaces::OWN;
use super::paging::{Asked, cut};
use super::{dns_config, names, render, tags};
use crate::call::Call;

/// The service of that name in a namespace; names that differ in case only are those of one in DNS.
fn of_name<'a>(state: &'a State, namespace: &Namespace, name: &str) -> Option<&'a DiscoveryService> {
    let mut known = state.discovery_services_of_name(&namespace.id, name);
    let is_same = |it: &DiscoveryService| namespace.zone().is_some() || it.name == name;
    known.find(|it| is_same(it)).map(|it| &**it)
}

/// `CreateService`: one that comes again, with its CreatorRequestId, is the one that it was.
///
/// # Errors
/// InvalidInput, NamespaceNotFound, ServiceAlreadyExists.
pub async fn create_service(call: Call<sd::CreateService>) -> Result<sd::CreateServiceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_service_name(&input.name)?;
    names::check_description(input.description.as_deref())?;
    let store = call.access().store();
    let created = store.transact(move |tx| put(tx, &scope, &input)).await;
    let created = created.map_err(from_store)?;
    Ok(sd::CreateServiceOutput {
        service: Some(store.read(|state| render::service(state, &created))),
    })
}

fn put(tx: &mut Tx<'_>, scope: &Scope, input: &sd::CreateServiceInput) -> Result<DiscoveryService, Error> {
    let deprecated = input.dns_config.as_ref().and_then(|it| it.namespace_id.as_ref());
    let namespace = input.namespace_id.as_ref().or(deprecated);
    let namespace = namespace.ok_or_else(|| invalid_input("NamespaceId is required"))?;
    let namespace = names::namespace(tx.state(), scope, namespace)?.clone();
    let new = DiscoveryService {
        id: tx.ids().cloud_map("srv"),
        scope: scope.clone(),
        namespace_id: namespace.id.clone(),
        name: input.name.clone(),
        description: input.description.clone(),
        dns: dns_config::of_new(&namespace, input)?,
        dns_at_first: None,
        health_check: dns_config::health_check(&namespace, input)?,
        attributes: BTreeMap::new(),
        creator_request_id: input.creator_request_id.clone(),
        created_at: tx.now(),
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: tags::read(input.tags.as_deref())?,
    };
    if let Some(known) = of_name(tx.state(), &namespace, &input.name) {
        let is_again = new.creator_request_id.is_some()
            && known.creator_request_id == new.creator_request_id
            && known.dns == new.dns
            && known.health_check == new.health_check;
        return match is_again {
            true => Ok(known.clone()),
            false => Err(service_exists(known)),
        };
    }
    tx.put(new.clone());
    Ok(new)
}

/// `UpdateService`: DNS records and health checks of Route 53 that are not given are taken away, as on Amazon. Records
/// that the service was made with can be given again, no others; services in HTTP namespaces are not changed at all.
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_UpdateService.html>
///
/// # Errors
/// InvalidInput, ServiceNotFound.
pub async fn update_service(call: Call<sd::UpdateService>) -> Result<sd::UpdateServiceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_description(input.service.description.as_deref())?;
    let updated = call.access().store().transact(move |tx| {
        let known = names::service(tx.state(), &scope, &input.id)?.clone();
        let namespace = tx
            .get::<Namespace>(&known.namespace_id)
            .ok_or_else(no_namespace)?;
        let service = changed(&known, &namespace, &input.service)?;
        let target = OperationTarget::Service(service.id.clone());
        tx.put(service);
        Ok(record_cloud_map_operation(
            tx,
            &scope,
            OperationKind::UpdateService,
            target,
        ))
    });
    Ok(sd::UpdateServiceOutput {
        operation_id: Some(updated.await.map_err(from_store)?),
    })
}

fn changed(
    known: &DiscoveryService,
    namespace: &Namespace,
    change: &sd::ServiceChange,
) -> Result<DiscoveryService, Error> {
    if namespace.kind == NamespaceKind::Http {
        return Err(invalid_input(
            "The service cannot be updated: it is associated with an HTTP namespace",
        ));
    }
    let at_first = known.dns_at_first.as_ref().or(known.dns.as_ref());
    let dns = match (at_first, &change.dns_config) {
        (_, None) => None,
        (None, Some(_)) => {
            return Err(invalid_input(
                "DnsConfig cannot be specified: the service is found by DiscoverInstances only",
            ));
        }
        (Some(at_first), Some(given)) => Some(changed_dns(at_first, given)?),
    };
    let count = dns.as_ref().map_or(0, |it| it.records.len());
    let dns_at_first = at_first.filter(|it| count < it.records.len());
    let health_check = match (&known.health_check, &change.health_check_config) {
        (Some(HealthCheck::Custom), Some(_)) => {
            return Err(invalid_input(
                "HealthCheckConfig cannot be specified for a service with HealthCheckCustomConfig",
            ));
        }
        (Some(HealthCheck::Custom), None) => Some(HealthCheck::Custom),
        (_, Some(given)) => Some(dns_config::route53(namespace, given)?),
        (_, None) => None,
    };
    Ok(DiscoveryService {
        description: change.description.clone().or_else(|| known.description.clone()),
        dns_at_first: dns_at_first.cloned(),
        dns,
        health_check,
        ..known.clone()
    })
}

/// The records that a service is to have: of the types that it was made with.
fn changed_dns(at_first: &DnsConfig, given: &sd::DnsConfigChange) -> Result<DnsConfig, Error> {
    let records = dns_config::records(at_first.routing_policy, &given.dns_records)?;
    let is_new = |it: &&DnsRecord| at_first.records.iter().all(|of| of.record_type != it.record_type);
    match records.iter().find(is_new) {
        Some(new) => Err(invalid_input(format!(
            "The DNS record type {} cannot be added to the service: only the TTL of its records can be changed",
            new.record_type.as_str()
        ))),
        None => Ok(DnsConfig {
            routing_policy: at_first.routing_policy,
            records,
        }),
    }
}

/// `DeleteService`.
///
/// # Errors
/// ServiceNotFound; ResourceInUse while it has instances.
pub async fn delete_service(call: Call<sd::DeleteService>) -> Result<sd::DeleteServiceOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().id.clone());
    let deleted = call.access().store().transact(move |tx| {
        let known = names::service(tx.state(), &scope, &given)?;
        let (id, is_offered) = (known.id.clone(), !known.offered_by.is_empty());
        // On Amazon the tasks of such a service are its instances.
        if is_offered || tx.state().discovery_instances_of(&id).next().is_some() {
            return Err(has_instances());
        }
        tx.delete::<DiscoveryService>(&id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(sd::DeleteServiceOutput {})
}

/// `GetService`.
///
/// # Errors
/// ServiceNotFound.
pub async fn get_service(call: Call<sd::GetService>) -> Result<sd::GetServiceOutput, Error> {
    let service = call.access().store().read(|state| {
        let known = names::service(state, call.scope(), &call.input().id)?;
        Ok(render::service(state, known))
    })?;
    Ok(sd::GetServiceOutput {
        service: Some(service),
    })
}

/// `ListServices`, by namespace and name.
///
/// # Errors
/// InvalidInput.
pub async fn list_services(call: Call<sd::ListServices>) -> Result<sd::ListServicesOutput, Error> {
    let input = call.input();
    let filters = input.filters.iter().flatten().map(|it| {
        let filter = Filter::read(it.name.as_str(), it.condition.as_ref(), &it.values)?;
        match &it.name {
            sd::ServiceFilterName::Unmodelled(name) => Err(unknown(name)),
            name => Ok((name.as_str(), filter)),
        }
    });
    let filters = filters.collect::<Result<Vec<_>, Error>>()?;
    let asked = Asked {
        listing: format!("services {:?}", input.filters),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
    };
    let lets = |it: &Namespace| {
        filters.iter().all(|(name, filter)| match *name {
            "NAMESPACE_ID" => filter.lets(&it.id) || filter.lets(&it.arn()),
            "RESOURCE_OWNER" => filter.lets(OWN),
            _ => false,
        })
    };
    let (services, next_token) = call.access().store().read(|state: &State| {
        let namespaces = state.namespaces(call.scope()).filter(|it| lets(it));
        let found = namespaces.flat_map(|namespace| {
            let head = format!("{} {}", namespace.name.to_ascii_lowercase(), namespace.id);
            let services = state.discovery_services_of(&namespace.id);
            services.map(move |it| {
                // No name has a space: a namespace's services stay together.
                let key = format!("{head} {} {}", it.name.to_ascii_lowercase(), it.id);
                (key, render::service_summary(state, it))
            })
        });
        cut(call.access(), &asked, found)
    })?;
    Ok(sd::ListServicesOutput {
        next_token,
        services: Some(services),
    })
}
