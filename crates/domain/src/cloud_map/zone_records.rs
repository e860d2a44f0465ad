//! What stands in the hosted zone of a namespace, as Route 53 lists it.
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>

use std::fmt::Write;

use super::{
    DiscoveryInstance, DiscoveryService, Namespace, RecordData, RecordType, RoutingPolicy, candidates, record,
};

#[cfg(test)]
mod tests;

/// Who is said to serve the zones of namespaces, as on Amazon.
pub const NAME_SERVERS: [&str; 4] = [
    "ns-1536.awsdns-00.co.uk.",
    "ns-0.awsdns-00.com.",
    "ns-1024.awsdns-00.org.",
    "ns-512.awsdns-00.net.",
];
/// Who is said to be responsible for them.
pub const HOSTMASTER: &str = "awsdns-hostmaster.amazon.com.";
/// How long it may be remembered who serves a zone, in seconds.
pub const NAME_SERVERS_TTL_SECONDS: u32 = 172_800;
/// Sets that each zone has: those of its servers and of its authority.
const OWN_SETS: usize = 2;

/// A set of records of one name and type; instances that share a name have a set each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecordSet {
    /// In small letters, with a dot at its end, and `\ooo` for what is no letter, digit, hyphen or underscore.
    pub name: String,
    /// `A`
    pub record_type: &'static str,
    /// The instance's id and how answers are chosen among those of the name; `None` where the name has no other set of
    /// the type.
    pub choice: Option<(String, RoutingPolicy)>,
    /// How long others may keep it; aliases have the time of what they stand for.
    pub ttl_seconds: Option<u32>,
    /// What it says.
    pub data: ZoneRecordData,
}

/// What a set of records says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneRecordData {
    /// A line for each record, as zone files have it.
    Values(Vec<String>),
    /// The same as the load balancer of that DNS name, which is as registered.
    Alias(String),
}

/// Where a set stands in the order of Route 53: by the name with its labels reversed, then by type and set identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZonePosition {
    /// `com.example.www.`
    pub name: String,
    /// `A`; empty before all.
    pub record_type: String,
    /// Of sets that have one.
    pub set_identifier: String,
}

impl ZoneRecordSet {
    /// Where it stands.
    pub fn position(&self) -> ZonePosition {
        let identifier = self.choice.as_ref().map(|(id, _)| id.clone());
        ZonePosition {
            name: reversed(&self.name),
            record_type: self.record_type.to_owned(),
            set_identifier: identifier.unwrap_or_default(),
        }
    }
}

/// A name as Route 53 keeps it: see [`ZoneRecordSet::name`]. What is escaped already stays so.
pub fn absolute(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\\' => out.push(char::from(byte)),
            b'A'..=b'Z' => out.push(char::from(byte.to_ascii_lowercase())),
            other => {
                let _ = write!(out, "\\{other:03o}");
            }
        }
    }
    if !out.ends_with('.') {
        out.push('.');
    }
    out
}

/// `www.example.com.` → `com.example.www.`
pub fn reversed(absolute_name: &str) -> String {
    let labels = absolute_name.strip_suffix('.').unwrap_or(absolute_name);
    let mut labels: Vec<&str> = labels.split('.').collect();
    labels.reverse();
    labels.join(".") + "."
}

/// The full name of a service, as Route 53 keeps it.
fn name_of(namespace: &Namespace, service: &DiscoveryService) -> String {
    absolute(&format!("{}.{}", service.name, namespace.name))
}

/// How many sets the instances of a service have.
pub fn count_of<'a>(
    service: &DiscoveryService,
    instances: impl Iterator<Item = &'a DiscoveryInstance> + Clone,
) -> usize {
    let records = service.dns.iter().flat_map(|it| &it.records);
    let shared = records.map(|it| candidates(service, instances.clone(), it.record_type).len());
    let shared: usize = shared.sum();
    shared + hosts(service, instances).count()
}

/// How many sets a zone has whose services have so many.
pub fn count(of_services: usize) -> usize {
    OWN_SETS + of_services
}

/// The sets that the zone of a namespace has before any service is there; none if it has no zone.
pub fn own_sets(namespace: &Namespace) -> Vec<ZoneRecordSet> {
    let Some(zone) = namespace.zone() else {
        return Vec::new();
    };
    let set = |record_type, ttl_seconds, values| ZoneRecordSet {
        name: absolute(&namespace.name),
        record_type,
        choice: None,
        ttl_seconds: Some(ttl_seconds),
        data: ZoneRecordData::Values(values),
    };
    let servers = NAME_SERVERS.map(str::to_owned).to_vec();
    let authority = format!("{} {HOSTMASTER} 1 7200 900 1209600 86400", NAME_SERVERS[0]);
    vec![
        set("NS", NAME_SERVERS_TTL_SECONDS, servers),
        set("SOA", zone.soa_ttl_seconds, vec![authority]),
    ]
}

/// The sets of the instances of a service: of those that answers are chosen from, and of the hosts of SRV records.
pub fn sets_of<'a>(
    namespace: &Namespace,
    service: &DiscoveryService,
    instances: impl Iterator<Item = &'a DiscoveryInstance> + Clone,
) -> Vec<ZoneRecordSet> {
    let Some(dns) = service.dns.as_ref().filter(|_| namespace.zone().is_some()) else {
        return Vec::new();
    };
    let name = name_of(namespace, service);
    let mut sets = Vec::new();
    for it in &dns.records {
        let shown = candidates(service, instances.clone(), it.record_type).into_iter();
        sets.extend(shown.filter_map(|instance| {
            let data = record(namespace, service, instance, it.record_type)?;
            let choice = Some((instance.id.clone(), dns.routing_policy));
            Some(set(name.clone(), it.record_type, choice, it.ttl_seconds, data))
        }));
    }
    sets.extend(
        hosts(service, instances).filter_map(|(instance, record_type, ttl_seconds)| {
            let data = record(namespace, service, instance, record_type)?;
            let host = absolute(&super::host_name(namespace, service, instance));
            Some(set(host, record_type, None, ttl_seconds, data))
        }),
    );
    sets
}

/// Where the sets of a service begin: none of them stands before this, and all names begin like it.
pub fn beginning(namespace: &Namespace, service: &DiscoveryService) -> String {
    reversed(&name_of(namespace, service))
}

/// The addresses of the hosts to which SRV records point.
fn hosts<'a>(
    service: &DiscoveryService,
    instances: impl Iterator<Item = &'a DiscoveryInstance>,
) -> impl Iterator<Item = (&'a DiscoveryInstance, RecordType, u32)> {
    let records = service.dns.iter().flat_map(|it| &it.records);
    let mut ports = records.filter(|it| it.record_type == RecordType::Srv);
    let ttl_seconds = ports.next().map(|it| it.ttl_seconds);
    let hosts = instances.flat_map(move |it| ttl_seconds.map(|ttl_seconds| (it, ttl_seconds)));
    hosts.flat_map(|(it, ttl_seconds)| {
        let kinds = [RecordType::A, RecordType::Aaaa].into_iter();
        let kinds = kinds.filter(|kind| super::answers::has_value(it, *kind));
        kinds.map(move |kind| (it, kind, ttl_seconds))
    })
}

fn set(
    name: String,
    record_type: RecordType,
    choice: Option<(String, RoutingPolicy)>,
    ttl_seconds: u32,
    data: RecordData,
) -> ZoneRecordSet {
    let (ttl_seconds, data) = match data {
        RecordData::A(it) => (Some(ttl_seconds), ZoneRecordData::Values(vec![it.to_string()])),
        RecordData::Aaaa(it) => (Some(ttl_seconds), ZoneRecordData::Values(vec![it.to_string()])),
        RecordData::Srv { port, target } => {
            let value = format!("1 1 {port} {}", absolute(&target));
            (Some(ttl_seconds), ZoneRecordData::Values(vec![value]))
        }
        RecordData::Cname(it) => (Some(ttl_seconds), ZoneRecordData::Values(vec![it])),
        RecordData::Alias(it) => (None, ZoneRecordData::Alias(it)),
    };
    ZoneRecordSet {
        name,
        record_type: record_type.as_str(),
        choice,
        ttl_seconds,
        data,
    }
}
