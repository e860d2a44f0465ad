//! The names that come from one thing of the state, as resolvers are told them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use domain::Scope;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::cloud_map::{
    self, DiscoveryInstance, DiscoveryService, DnsRecord, Namespace, NamespaceKind, RecordData, RecordType,
    RoutingPolicy,
};
use domain::load_balancer::{LoadBalancer, LoadBalancerZone};
use domain::served_names::{NameKey, RecordSet, SeenBy, ServedRecord, ServedVpc, ServedZone, UnknownNames};
use domain::vpc::{Vpc, internal_domain};
use store::State;

use super::{Source, zones};

/// The zone that all load balancers have their names in, and its id.
const LOAD_BALANCERS: (&str, &str) = ("load-balancers", "amazonaws.com");
/// How long an address of a load balancer may be remembered. Amazon says a minute.
const LOAD_BALANCER_TTL: u32 = 10;
/// How long it may be remembered that a load balancer has no records of a type.
const LOAD_BALANCER_NEGATIVE_TTL: u32 = 10;

/// How long the address of a name of Service Connect may be remembered: it stays as long as the name.
const CLIENT_ALIAS_TTL: u32 = 10;

/// What comes from one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Served {
    /// A VPC.
    pub vpc: Option<ServedVpc>,
    /// A zone.
    pub zone: Option<ServedZone>,
    /// Names.
    pub names: BTreeMap<NameKey, Vec<RecordSet>>,
}

/// All that a scope has names from, but names of Service Connect, which are looked at together.
pub fn sources(state: &State, scope: &Scope) -> Vec<Source> {
    let mut sources = vec![Source::LoadBalancers];
    sources.extend(state.vpcs(scope).map(|it| Source::Vpc(it.id.clone())));
    let load_balancers = state.load_balancers(scope).map(|it| it.arn.clone());
    let classic = state.classic_load_balancers(scope).map(|it| it.arn.clone());
    sources.extend(load_balancers.chain(classic).map(Source::LoadBalancer));
    for namespace in state.namespaces(scope) {
        sources.push(Source::Namespace(namespace.id.clone()));
        let services = state.discovery_services_of(&namespace.id);
        sources.extend(services.map(|it| Source::Service(it.id.clone())));
    }
    sources
}

/// What comes from a source; `None` if it is gone, or of another scope.
pub fn served(state: &State, scope: &Scope, source: &Source) -> Option<Served> {
    match source {
        Source::LoadBalancers => Some(Served {
            zone: Some(ServedZone {
                id: LOAD_BALANCERS.0.to_owned(),
                origin: LOAD_BALANCERS.1.to_owned(),
                vpcs: SeenBy::All,
                // Others have load balancers and buckets there as well.
                unknown: UnknownNames::Forwarded,
                negative_ttl_seconds: LOAD_BALANCER_NEGATIVE_TTL,
            }),
            ..Served::default()
        }),
        Source::Vpc(id) => {
            let vpc = state.get::<Vpc>(id).filter(|it| it.scope == *scope)?;
            Some(Served {
                vpc: Some(self::vpc(vpc)),
                ..Served::default()
            })
        }
        Source::LoadBalancer(arn) if arn.scope() != *scope => None,
        Source::LoadBalancer(arn) => {
            if let Some(it) = state.get::<ClassicLoadBalancer>(arn) {
                return Some(load_balancer(&it.dns_name, &it.resolved(), &it.zones));
            }
            let it = state.get::<LoadBalancer>(arn)?;
            Some(load_balancer(
                &it.dns_name,
                &zones::resolved(state, it),
                &it.zones,
            ))
        }
        Source::Namespace(id) => {
            let namespace = state.get::<Namespace>(id).filter(|it| it.scope == *scope)?;
            Some(Served {
                zone: zone(namespace),
                ..Served::default()
            })
        }
        Source::Service(id) => {
            let service = state
                .get::<DiscoveryService>(id)
                .filter(|it| it.scope == *scope)?;
            let namespace = state.get::<Namespace>(&service.namespace_id)?;
            Some(self::service(state, namespace, service))
        }
        Source::ClientAlias(..) => client_aliases(state, scope).remove(source),
    }
}

/// Without support of DNS nobody is answered.
fn vpc(it: &Vpc) -> ServedVpc {
    ServedVpc {
        id: it.id.clone(),
        cidrs: it.has_dns_support.then_some(it.cidr).into_iter().collect(),
        internal_domain: internal_domain(&it.scope.region),
    }
}

/// Under its name the addresses that it leads to, and those of each zone under that zone's name before it, as on Amazon.
fn load_balancer(dns_name: &str, addresses: &[IpAddr], zones: &[LoadBalancerZone]) -> Served {
    let of_zones = zones
        .iter()
        .map(|it| (format!("{}.{dns_name}", it.name), it.addresses.as_slice()));
    let all = of_zones.chain([(dns_name.to_owned(), addresses)]);
    let names = all.map(|(name, addresses)| (key(LOAD_BALANCERS.0, name), address_sets(addresses)));
    Served {
        names: names.collect(),
        ..Served::default()
    }
}

fn address_sets(addresses: &[IpAddr]) -> Vec<RecordSet> {
    let set = |records: Vec<ServedRecord>| RecordSet {
        ttl_seconds: LOAD_BALANCER_TTL,
        routing: RoutingPolicy::Multivalue,
        records,
        alias_of: None,
    };
    let of_version_4 = addresses.iter().filter_map(|it| match it {
        IpAddr::V4(it) => Some(ServedRecord::A(*it)),
        IpAddr::V6(_) => None,
    });
    let of_version_6 = addresses.iter().filter_map(|it| match it {
        IpAddr::V6(it) => Some(ServedRecord::Aaaa(*it)),
        IpAddr::V4(_) => None,
    });
    let sets = [set(of_version_4.collect()), set(of_version_6.collect())];
    sets.into_iter().filter(|it| !it.records.is_empty()).collect()
}

/// The zone of a namespace, if it has one. A public one may be served elsewhere too.
fn zone(namespace: &Namespace) -> Option<ServedZone> {
    let (vpcs, unknown) = match &namespace.kind {
        NamespaceKind::Http => return None,
        NamespaceKind::PrivateDns { vpc_id, .. } => {
            (SeenBy::These(vec![vpc_id.clone()]), UnknownNames::Denied)
        }
        NamespaceKind::PublicDns { .. } => (SeenBy::All, UnknownNames::Forwarded),
    };
    Some(ServedZone {
        id: namespace.id.clone(),
        origin: namespace.name.clone(),
        vpcs,
        unknown,
        negative_ttl_seconds: namespace.zone()?.soa_ttl_seconds,
    })
}

fn service(state: &State, namespace: &Namespace, service: &DiscoveryService) -> Served {
    let mut names = BTreeMap::new();
    let Some(dns) = service.dns.as_ref().filter(|_| namespace.zone().is_some()) else {
        return Served::default();
    };
    let instances = || state.discovery_instances_of(&service.id).map(AsRef::as_ref);
    let set = |it: &DnsRecord, routing, instances: &[&DiscoveryInstance]| {
        let said = instances.iter();
        let said = said.filter_map(|one| cloud_map::record(namespace, service, one, it.record_type));
        let said: Vec<RecordData> = said.collect();
        let has_alias = said.iter().any(|it| matches!(it, RecordData::Alias(_)));
        RecordSet {
            ttl_seconds: it.ttl_seconds,
            routing,
            records: said.into_iter().map(record).collect(),
            alias_of: has_alias.then_some(it.record_type),
        }
    };
    let sets = dns.records.iter().map(|it| {
        let candidates = cloud_map::candidates(service, instances(), it.record_type);
        set(it, dns.routing_policy, &candidates)
    });
    let sets: Vec<RecordSet> = sets.filter(|it| !it.records.is_empty()).collect();
    if !sets.is_empty() {
        let name = format!("{}.{}", service.name, namespace.name);
        names.insert(key(&namespace.id, name), sets);
    }
    let ports = dns.records.iter().find(|it| it.record_type == RecordType::Srv);
    for (instance, ports) in instances().flat_map(|it| ports.map(|ports| (it, ports))) {
        let sets = [RecordType::A, RecordType::Aaaa].map(|record_type| {
            let addresses = DnsRecord {
                record_type,
                ttl_seconds: ports.ttl_seconds,
            };
            set(&addresses, RoutingPolicy::Multivalue, &[instance])
        });
        let sets: Vec<_> = sets.into_iter().filter(|it| !it.records.is_empty()).collect();
        if !sets.is_empty() {
            let name = cloud_map::host_name(namespace, service, instance);
            names.insert(key(&namespace.id, name), sets);
        }
    }
    Served {
        names,
        ..Served::default()
    }
}

/// All names of Service Connect.
pub fn client_aliases(state: &State, scope: &Scope) -> BTreeMap<Source, Served> {
    let mut seen: BTreeMap<(&str, &str), (Ipv4Addr, Vec<String>)> = BTreeMap::new();
    for it in state.client_aliases(scope) {
        let name = (it.key.namespace_id.as_str(), it.key.dns_name.as_str());
        seen.entry(name).or_insert((it.address, Vec::new()));
    }
    for vpc in state.vpcs(scope) {
        for it in state.client_aliases_in(&vpc.id) {
            let name = (it.key.namespace_id.as_str(), it.key.dns_name.as_str());
            let vpcs = seen.get_mut(&name).map(|(_, vpcs)| vpcs);
            // One name may have several ports.
            if let Some(vpcs) = vpcs.filter(|it| it.last() != Some(&vpc.id)) {
                vpcs.push(vpc.id.clone());
            }
        }
    }
    let served = seen
        .into_iter()
        .map(|((namespace_id, dns_name), (address, vpcs))| {
            let source = Source::ClientAlias(namespace_id.to_owned(), dns_name.to_owned());
            (source, client_alias(namespace_id, dns_name, address, vpcs))
        });
    served.collect()
}

/// A name of Service Connect is a zone of its own, whatever it is called: those VPCs see it in which it works.
fn client_alias(namespace_id: &str, dns_name: &str, address: Ipv4Addr, vpcs: Vec<String>) -> Served {
    let zone = ServedZone {
        id: format!("{namespace_id}/{dns_name}"),
        origin: dns_name.to_owned(),
        vpcs: SeenBy::These(vpcs),
        // What lies below it is nothing of Service Connect.
        unknown: UnknownNames::Forwarded,
        negative_ttl_seconds: CLIENT_ALIAS_TTL,
    };
    let addresses = RecordSet {
        ttl_seconds: CLIENT_ALIAS_TTL,
        routing: RoutingPolicy::Multivalue,
        records: vec![ServedRecord::A(address)],
        alias_of: None,
    };
    Served {
        names: BTreeMap::from([(key(&zone.id, dns_name.to_owned()), vec![addresses])]),
        zone: Some(zone),
        vpc: None,
    }
}

fn record(it: RecordData) -> ServedRecord {
    match it {
        RecordData::A(address) => ServedRecord::A(address),
        RecordData::Aaaa(address) => ServedRecord::Aaaa(address),
        RecordData::Srv { port, target } => ServedRecord::Srv {
            priority: 1,
            weight: 1,
            port,
            target,
        },
        // The alias of a load balancer has its addresses: see `RecordSet::alias_of`.
        RecordData::Cname(name) | RecordData::Alias(name) => ServedRecord::Cname(name),
    }
}

fn key(zone: &str, name: String) -> NameKey {
    NameKey {
        zone: zone.to_owned(),
        name: name.to_ascii_lowercase(),
    }
}
