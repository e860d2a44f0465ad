//! Instances: registered and deregistered by callers, shown.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use api::servicediscovery::{self as sd, Error};
use domain::Scope;
use domain::cloud_map::{
    CustomHealth, DiscoveryInstance, DiscoveryService, HealthCheck, OperationKind, OperationTarget,
    RecordType, RoutingPolicy, attribute,
};
use domain::container_instance::{ContainerInstance, HOST_ADDRESS_ATTRIBUTE};
use orchestrator::transitions::{self, record_cloud_map_operation};
use store::{State, Tx};

use super::errors::{duplicate, from_store, invalid_input, too_many};
use super::names;
use super::paging::{Asked, cut};
use crate::call::Call;

/// Most instances of a service that callers register, as on Amazon. Tasks of ECS are not counted against it.
const INSTANCES_MAX: usize = 1000;
/// Most attributes of an instance.
const ATTRIBUTES_MAX: usize = 30;
/// Most characters of all names and values of an instance.
const ATTRIBUTES_LENGTH_MAX: usize = 5000;
/// Longest name of an attribute.
const KEY_MAX: usize = 255;
/// Longest value of an attribute.
const VALUE_MAX: usize = 1024;

/// `RegisterInstance`: one of the same id is replaced.
///
/// # Errors
/// ServiceNotFound, InvalidInput, DuplicateRequest, ResourceLimitExceeded.
pub async fn register_instance(
    call: Call<sd::RegisterInstance>,
) -> Result<sd::RegisterInstanceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_instance_id(&input.instance_id)?;
    check_attributes(&input.attributes)?;
    let registered = call
        .access()
        .store()
        .transact(move |tx| register(tx, &scope, input));
    Ok(sd::RegisterInstanceOutput {
        operation_id: Some(registered.await.map_err(from_store)?),
    })
}

fn register(tx: &mut Tx<'_>, scope: &Scope, input: sd::RegisterInstanceInput) -> Result<String, Error> {
    let service = names::service(tx.state(), scope, &input.service_id)?.clone();
    let mut attributes = input.attributes;
    fill_in(tx.state(), scope, &service, &mut attributes)?;
    check_values(&service, &attributes)?;
    let known = names::instance(tx.state(), &service, &input.instance_id).ok();
    if let Some(known) = known
        && input.creator_request_id.is_some()
        && known.creator_request_id == input.creator_request_id
    {
        return match &known.operation_id {
            Some(operation) if known.attributes == attributes => Ok(operation.clone()),
            other => Err(duplicate(other.clone())),
        };
    }
    let registered = tx.state().discovery_instances_of(&service.id);
    let count = registered.filter(|it| it.operation_id.is_some()).count();
    if known.is_none() && count >= INSTANCES_MAX {
        return Err(too_many("instances of a service", INSTANCES_MAX));
    }
    let target = OperationTarget::Instance {
        service_id: service.id.clone(),
        instance_id: input.instance_id.clone(),
    };
    let operation = record_cloud_map_operation(tx, scope, OperationKind::RegisterInstance, target);
    let instance = DiscoveryInstance {
        service_id: service.id.clone(),
        id: input.instance_id,
        custom_health: initial_health(&attributes)?,
        attributes,
        creator_request_id: input.creator_request_id,
        operation_id: Some(operation.clone()),
        registered_at: tx.now(),
    };
    transitions::put_instance(tx, instance);
    Ok(operation)
}

fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), Error> {
    for (key, value) in attributes {
        let is_key =
            (1..=KEY_MAX).contains(&key.chars().count()) && key.bytes().all(|it| it.is_ascii_graphic());
        if !is_key || value.chars().count() > VALUE_MAX {
            return Err(invalid_input(format!(
                "Invalid attribute {key:?}: names have 1 to {KEY_MAX} printable characters without spaces, values \
                 {VALUE_MAX} at most"
            )));
        }
    }
    let length: usize = attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if attributes.len() > ATTRIBUTES_MAX || length > ATTRIBUTES_LENGTH_MAX {
        return Err(invalid_input(format!(
            "An instance can have at most {ATTRIBUTES_MAX} attributes, with {ATTRIBUTES_LENGTH_MAX} characters in all"
        )));
    }
    Ok(())
}

/// The address of an instance that is one of EC2, which is to say a container instance.
fn fill_in(
    state: &State,
    scope: &Scope,
    service: &DiscoveryService,
    attributes: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    let Some(id) = attributes.get(attribute::EC2_INSTANCE_ID) else {
        return Ok(());
    };
    if service.dns.is_some() {
        return Err(invalid_input(
            "AWS_EC2_INSTANCE_ID can be specified for services that are found by DiscoverInstances only",
        ));
    }
    let mut all = state.all::<ContainerInstance>();
    let mine = all.find(|it| it.arn.scope() == *scope && it.ec2_instance_id == *id);
    let address = mine.and_then(|it| {
        let mut attributes = it.attributes.iter();
        let address = attributes.find(|it| it.name == HOST_ADDRESS_ATTRIBUTE)?;
        address.value.clone()
    });
    let address = address.ok_or_else(|| {
        invalid_input(format!(
            "The instance {id} does not exist, or its address is not known"
        ))
    })?;
    attributes.insert(attribute::IPV4.to_owned(), address);
    Ok(())
}

/// What the DNS records of the service need is there, and is what it should be.
fn check_values(service: &DiscoveryService, attributes: &BTreeMap<String, String>) -> Result<(), Error> {
    type Check = fn(&str) -> bool;
    let value = |name: &str| attributes.get(name).map(String::as_str);
    let is_wrong = |name: &str, is_right: Check| value(name).is_some_and(|it| !is_right(it));
    let checks: [(&str, Check); 3] = [
        (attribute::IPV4, |it| it.parse::<Ipv4Addr>().is_ok()),
        (attribute::IPV6, |it| it.parse::<Ipv6Addr>().is_ok()),
        (attribute::PORT, |it| it.parse::<u16>().is_ok()),
    ];
    if let Some((name, _)) = checks.iter().find(|(name, is_right)| is_wrong(name, *is_right)) {
        return Err(invalid_input(format!(
            "Invalid value of {name}: {:?}",
            value(name).unwrap_or_default()
        )));
    }
    let Some(dns) = &service.dns else {
        return Ok(());
    };
    if value(attribute::ALIAS).is_some() {
        let is_address = |it: RecordType| matches!(it, RecordType::A | RecordType::Aaaa);
        let fits = dns.routing_policy == RoutingPolicy::Weighted
            && dns.records.iter().all(|it| is_address(it.record_type))
            && !matches!(service.health_check, Some(HealthCheck::Route53 { .. }));
        return match fits {
            true => Ok(()),
            false => Err(invalid_input(
                "AWS_ALIAS_DNS_NAME needs a service with the routing policy WEIGHTED, with A or AAAA records and without \
                 HealthCheckConfig",
            )),
        };
    }
    for record in &dns.records {
        let needed = match record.record_type {
            RecordType::A => attribute::IPV4,
            RecordType::Aaaa => attribute::IPV6,
            RecordType::Srv => attribute::PORT,
            RecordType::Cname => attribute::CNAME,
        };
        if value(needed).is_none() {
            return Err(invalid_input(format!(
                "The service has DNS records of the type {}: specify {needed}",
                record.record_type.as_str()
            )));
        }
    }
    if service.has_record(RecordType::Srv)
        && value(attribute::IPV4).is_none()
        && value(attribute::IPV6).is_none()
    {
        return Err(invalid_input(
            "The service has DNS records of the type SRV: specify AWS_INSTANCE_IPV4 or AWS_INSTANCE_IPV6",
        ));
    }
    Ok(())
}

fn initial_health(attributes: &BTreeMap<String, String>) -> Result<CustomHealth, Error> {
    match attributes.get(attribute::INIT_HEALTH).map(String::as_str) {
        None | Some("HEALTHY") => Ok(CustomHealth::Healthy),
        Some("UNHEALTHY") => Ok(CustomHealth::Unhealthy),
        Some(other) => Err(invalid_input(format!(
            "Invalid value of AWS_INIT_HEALTH_STATUS: {other:?}"
        ))),
    }
}

/// `DeregisterInstance`.
///
/// # Errors
/// ServiceNotFound, InstanceNotFound.
pub async fn deregister_instance(
    call: Call<sd::DeregisterInstance>,
) -> Result<sd::DeregisterInstanceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let deregistered = call.access().store().transact(move |tx| {
        let service = names::service(tx.state(), &scope, &input.service_id)?.clone();
        names::instance(tx.state(), &service, &input.instance_id)?;
        let key = (service.id.clone(), input.instance_id.clone());
        transitions::deregister_instance(tx, &key);
        let target = OperationTarget::Instance {
            service_id: key.0,
            instance_id: key.1,
        };
        Ok(record_cloud_map_operation(
            tx,
            &scope,
            OperationKind::DeregisterInstance,
            target,
        ))
    });
    Ok(sd::DeregisterInstanceOutput {
        operation_id: Some(deregistered.await.map_err(from_store)?),
    })
}

/// `GetInstance`.
///
/// # Errors
/// ServiceNotFound, InstanceNotFound.
pub async fn get_instance(call: Call<sd::GetInstance>) -> Result<sd::GetInstanceOutput, Error> {
    let input = call.input();
    let account = call.scope().account.clone();
    let found = call.access().store().read(|state| {
        let service = names::service(state, call.scope(), &input.service_id)?;
        names::instance(state, service, &input.instance_id).cloned()
    })?;
    Ok(sd::GetInstanceOutput {
        instance: Some(sd::Instance {
            attributes: Some(found.attributes.clone()),
            created_by_account: Some(account.clone()),
            creator_request_id: found.creator_request_id.clone(),
            id: found.id.clone(),
        }),
        resource_owner: Some(account),
    })
}

/// `ListInstances`, by id.
///
/// # Errors
/// ServiceNotFound, InvalidInput.
pub async fn list_instances(call: Call<sd::ListInstances>) -> Result<sd::ListInstancesOutput, Error> {
    let input = call.input();
    let account = &call.scope().account;
    let (instances, next_token) = call.access().store().read(|state| {
        let service = names::service(state, call.scope(), &input.service_id)?;
        let asked = Asked {
            listing: format!("instances of {}", service.id),
            next_token: input.next_token.as_deref(),
            max_results: input.max_results,
        };
        let instances = state.discovery_instances_of(&service.id).map(|it| {
            let summary = sd::InstanceSummary {
                attributes: Some(it.attributes.clone()),
                created_by_account: Some(account.clone()),
                id: Some(it.id.clone()),
            };
            (it.id.clone(), summary)
        });
        cut(call.access(), &asked, instances)
    })?;
    Ok(sd::ListInstancesOutput {
        instances: Some(instances),
        next_token,
        resource_owner: Some(account.clone()),
    })
}
