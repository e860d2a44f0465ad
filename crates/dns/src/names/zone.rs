//! One zone: its names, and what it says of names that it does not have.

use std::collections::HashMap;

use domain::cloud_map::RoutingPolicy;
use domain::cloud_map::zone_records::{
    HOSTMASTER as MAILBOX, NAME_SERVERS as SERVERS, NAME_SERVERS_TTL_SECONDS as SERVERS_TTL,
};
use domain::served_names::{RecordSet, SeenBy, ServedRecord, ServedZone, UnknownNames};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, SOA, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::{absolute, is_among};

/// A zone.
#[derive(Debug)]
pub struct Zone {
    /// The name it is for.
    pub origin: Name,
    /// What becomes of names that it does not have.
    pub unknown: UnknownNames,
    seen_by: SeenBy,
    negative_ttl: u32,
    names: HashMap<Name, Vec<Set>>,
    /// Names above those that it has, and of how many.
    above: HashMap<Name, usize>,
}

/// Records of one name and type.
#[derive(Debug)]
pub struct Set {
    /// Their type.
    pub kind: RecordType,
    /// Seconds.
    pub ttl: u32,
    /// Which are answered.
    pub routing: RoutingPolicy,
    /// Those that answers are chosen from.
    pub records: Vec<RData>,
}

impl Zone {
    /// One without names.
    pub fn new(origin: Name, served: &ServedZone) -> Self {
        Self {
            origin,
            unknown: served.unknown,
            seen_by: served.vpcs.clone(),
            negative_ttl: served.negative_ttl_seconds,
            names: HashMap::new(),
            above: HashMap::new(),
        }
    }

    /// Who sees it and how long is another now.
    pub fn change(&mut self, served: &ServedZone) {
        self.unknown = served.unknown;
        self.seen_by = served.vpcs.clone();
        self.negative_ttl = served.negative_ttl_seconds;
    }

    /// Whether a VPC sees it.
    pub fn is_seen_by(&self, vpc_id: &str) -> bool {
        is_among(&self.seen_by, vpc_id)
    }

    /// Gives a name its records. One that is not below the origin is left out.
    pub fn put(&mut self, name: Name, sets: &[RecordSet]) {
        if !self.origin.zone_of(&name) {
            tracing::warn!(%name, zone = %self.origin, "this name is not of its zone: it is not served");
            return;
        }
        let sets = sets.iter().filter_map(set).collect();
        let above: Vec<Name> = self.between(&name).collect();
        if self.names.insert(name, sets).is_none() {
            for it in above {
                *self.above.entry(it).or_default() += 1;
            }
        }
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &Name) {
        if self.names.remove(name).is_none() {
            return;
        }
        let above: Vec<Name> = self.between(name).collect();
        for it in above {
            let Some(count) = self.above.get_mut(&it) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.above.remove(&it);
            }
        }
    }

    /// The sets of a name; empty for one that has none of its own.
    pub fn sets(&self, name: &Name) -> &[Set] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether there is such a name, if only because there is one below it.
    pub fn exists(&self, name: &Name) -> bool {
        self.names.contains_key(name) || self.above.contains_key(name) || self.is_own_apex(name)
    }

    /// What says that something is not there, and for how long that is so.
    pub fn start_of_authority(&self) -> Record {
        start_of_authority(&self.origin, self.negative_ttl)
    }

    /// Records that the origin has by being one.
    pub fn apex(&self, name: &Name, kind: RecordType) -> Vec<Record> {
        match kind {
            _ if !self.is_own_apex(name) => Vec::new(),
            RecordType::SOA => vec![self.start_of_authority()],
            RecordType::NS => self.servers().collect(),
            RecordType::ANY => std::iter::once(self.start_of_authority())
                .chain(self.servers())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A zone that asks others for what it does not have has no authority over its origin.
    fn is_own_apex(&self, name: &Name) -> bool {
        self.unknown == UnknownNames::Denied && *name == self.origin
    }

    fn servers(&self) -> impl Iterator<Item = Record> + '_ {
        let names = SERVERS.iter().filter_map(|it| absolute(it));
        names.map(|it| Record::from_rdata(self.origin.clone(), SERVERS_TTL, RData::NS(NS(it))))
    }

    /// Names strictly between the origin and a name below it.
    fn between(&self, name: &Name) -> impl Iterator<Item = Name> + use<> {
        let (low, high) = (self.origin.num_labels(), name.num_labels());
        let name = name.clone();
        (low + 1..high).map(move |count| name.trim_to(usize::from(count)))
    }
}

/// That of a zone which Amazon keeps for its customers.
pub fn start_of_authority(origin: &Name, ttl: u32) -> Record {
    let server = absolute(SERVERS[0]).unwrap_or_default();
    let mailbox = absolute(MAILBOX).unwrap_or_default();
    let data = SOA::new(server, mailbox, 1, 7200, 900, 1_209_600, 86_400);
    Record::from_rdata(origin.clone(), ttl, RData::SOA(data))
}

/// Empty sets, and records of another type than the first one, are nothing that can be answered.
fn set(it: &RecordSet) -> Option<Set> {
    let mut records: Vec<RData> = it.records.iter().filter_map(data).collect();
    let kind = records.first()?.record_type();
    records.retain(|it| it.record_type() == kind);
    Some(Set {
        kind,
        ttl: it.ttl_seconds,
        routing: it.routing,
        records,
    })
}

fn data(it: &ServedRecord) -> Option<RData> {
    Some(match it {
        ServedRecord::A(address) => RData::A(A(*address)),
        ServedRecord::Aaaa(address) => RData::AAAA(AAAA(*address)),
        ServedRecord::Cname(target) => RData::CNAME(CNAME(absolute(target)?)),
        ServedRecord::Srv {
            priority,
            weight,
            port,
            target,
        } => RData::SRV(SRV::new(*priority, *weight, *port, absolute(target)?)),
    })
}
