//! Which instances of a service an answer of DNS has, and what stands in it.
//! <https://docs.aws.amazon.com/cloud-map/latest/api/API_DnsConfig.html>

use std::net::{Ipv4Addr, Ipv6Addr};

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::{
    DiscoveryInstance, DiscoveryService, InstanceHealth, Namespace, RecordType, RoutingPolicy, attribute,
};

/// Most records of an answer with [`RoutingPolicy::Multivalue`], as on Amazon.
pub const ANSWERS_MAX: usize = 8;

/// What a DNS record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// An address.
    A(Ipv4Addr),
    /// An address.
    Aaaa(Ipv6Addr),
    /// Priority and weight are 1.
    Srv {
        /// Where it listens.
        port: u16,
        /// See [`host_name`].
        target: String,
    },
    /// Another name.
    Cname(String),
    /// The addresses of the load balancer of that DNS name.
    Alias(String),
}

/// The instances of a service that answers of a type are chosen from: those that are not unhealthy, or all if each is.
pub fn candidates<'a>(
    service: &DiscoveryService,
    instances: impl Iterator<Item = &'a DiscoveryInstance>,
    record_type: RecordType,
) -> Vec<&'a DiscoveryInstance> {
    if !service.has_record(record_type) {
        return Vec::new();
    }
    let has_value = |it: &&DiscoveryInstance| has_value(it, record_type);
    let is_well = |it: &&DiscoveryInstance| it.health(service) != InstanceHealth::Unhealthy;
    let (well, unhealthy): (Vec<_>, Vec<_>) = instances.filter(has_value).partition(is_well);
    match well.is_empty() {
        true => unhealthy,
        false => well,
    }
}

/// Those of the candidates that an answer has, in a random order that follows the seed.
pub fn chosen<T: Copy>(policy: RoutingPolicy, candidates: &[T], seed: u64) -> Vec<T> {
    let most = match policy {
        RoutingPolicy::Multivalue => ANSWERS_MAX,
        RoutingPolicy::Weighted => 1,
    };
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let places = index::sample(&mut dice, candidates.len(), candidates.len().min(most));
    places.into_iter().map(|it| candidates[it]).collect()
}

/// `<instance id>.<service>.<namespace>`: to where SRV records point. It has the addresses of the instance alone.
pub fn host_name(namespace: &Namespace, service: &DiscoveryService, instance: &DiscoveryInstance) -> String {
    format!("{}.{}.{}", instance.id, service.name, namespace.name)
}

/// The record of a type that an instance has.
pub fn record(
    namespace: &Namespace,
    service: &DiscoveryService,
    instance: &DiscoveryInstance,
    record_type: RecordType,
) -> Option<RecordData> {
    let is_address = matches!(record_type, RecordType::A | RecordType::Aaaa);
    if let Some(name) = instance.attribute(attribute::ALIAS).filter(|_| is_address) {
        return Some(RecordData::Alias(name.to_owned()));
    }
    let value = instance.attribute(attribute_of(record_type))?;
    match record_type {
        RecordType::A => value.parse().ok().map(RecordData::A),
        RecordType::Aaaa => value.parse().ok().map(RecordData::Aaaa),
        RecordType::Srv => Some(RecordData::Srv {
            port: value.parse().ok()?,
            target: host_name(namespace, service, instance),
        }),
        RecordType::Cname => Some(RecordData::Cname(value.to_owned())),
    }
}

/// Whether an instance has a record of the type.
pub(super) fn has_value(instance: &DiscoveryInstance, record_type: RecordType) -> bool {
    let is_alias = matches!(record_type, RecordType::A | RecordType::Aaaa)
        && instance.attribute(attribute::ALIAS).is_some();
    is_alias || instance.attribute(attribute_of(record_type)).is_some()
}

fn attribute_of(record_type: RecordType) -> &'static str {
    match record_type {
        RecordType::A => attribute::IPV4,
        RecordType::Aaaa => attribute::IPV6,
        RecordType::Srv => attribute::PORT,
        RecordType::Cname => attribute::CNAME,
    }
}
