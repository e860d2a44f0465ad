//! One zone: its names, and what it says of names that it does not have.

use std::collections::HashMap;

use domain::cloud_map::RoutingPolicy;
use domain::cloud_map::zone_records::{
    HOSTMASTER as MAILBOX, NAME_SERVERS as SERVERS, NAME_SERVERS_TTL_SECONDS as SERVERS_TTL,
};
use domain::served_names::{HOST, RecordSet, SeenBy, ServedRecord, ServedZone, UnknownNames};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, SOA, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::{Labels, absolute, is_among};

/// A zone.
#[derive(Debug)]
pub struct Zone {
    /// The name it is for.
    pub origin: Name,
    /// What becomes of names that it does not have.
    pub unknown: UnknownNames,
    seen_by: SeenBy,
    negative_ttl: u32,
    /// What says that something is not there, as it is written after the name of the origin.
    written_start_of_authority: Option<Vec<u8>>,
    /// The labels of the origin.
    apex: Box<[u8]>,
    /// By their labels.
    names: HashMap<Box<[u8]>, Vec<Set>>,
    /// Names above those that it has, and of how many.
    above: HashMap<Box<[u8]>, usize>,
}

/// What a zone says of a name to those who ask for records of a type.
#[derive(Debug)]
pub enum Says<'a> {
    /// There are some: those of that type among these, and what the origin has by being one.
    Records(&'a [Set]),
    /// Another name has what this one has.
    Alias(&'a Set),
    /// There is such a name, without any.
    Nothing,
    /// There is no such name.
    Unknown,
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
    /// Those that answers are chosen from. A name among addresses is an alias: its addresses are answered.
    pub records: Vec<RData>,
}

impl Zone {
    /// One without names.
    pub fn new(origin: Name, served: &ServedZone) -> Self {
        Self {
            written_start_of_authority: written(&origin, served.negative_ttl_seconds),
            apex: Labels::of(&origin).as_bytes().into(),
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
        self.written_start_of_authority = written(&self.origin, self.negative_ttl);
    }

    /// Whether a VPC sees it. Names of Service Connect, which forward what else there is in their VPCs, lead to proxies that
    /// only VPCs reach.
    pub fn is_seen_by(&self, vpc_id: &str) -> bool {
        is_among(&self.seen_by, vpc_id) || vpc_id == HOST && self.unknown == UnknownNames::Denied
    }

    /// Of zones of one origin the first is asked: a name of Service Connect, then the private zone of a VPC, then what all
    /// see.
    pub fn rank(&self) -> (bool, bool) {
        (self.seen_by == SeenBy::All, self.unknown == UnknownNames::Denied)
    }

    /// Gives a name its records. One that is not below the origin is left out.
    pub fn put(&mut self, name: &Labels, sets: &[RecordSet]) {
        if !name.and_above().any(|it| *it == *self.apex) {
            tracing::warn!(name = %name.as_bytes().escape_ascii(), zone = %self.origin, "not of its zone: it is not served");
            return;
        }
        let sets = sets.iter().filter_map(set).collect();
        if self.names.insert(name.as_bytes().into(), sets).is_none() {
            for it in between(&self.apex, name) {
                *self.above.entry(it.into()).or_default() += 1;
            }
        }
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &Labels) {
        if self.names.remove(name.as_bytes()).is_none() {
            return;
        }
        for it in between(&self.apex, name) {
            let Some(count) = self.above.get_mut(it) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.above.remove(it);
            }
        }
    }

    /// The sets of a name; empty for one that has none of its own.
    pub fn sets(&self, name: &Labels) -> &[Set] {
        self.names.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// Whether there is such a name, if only because there is one below it.
    pub fn exists(&self, name: &Labels) -> bool {
        let name = name.as_bytes();
        self.names.contains_key(name) || self.above.contains_key(name) || self.is_own_apex(name)
    }

    /// What it says of a name.
    pub fn says(&self, name: &Labels, kind: RecordType) -> Says<'_> {
        let is_of_origin = matches!(kind, RecordType::SOA | RecordType::NS | RecordType::ANY);
        let has_own = is_of_origin && self.is_own_apex(name.as_bytes());
        let Some(sets) = self.names.get(name.as_bytes()) else {
            return match self.exists(name) {
                true if has_own => Says::Records(&[]),
                true => Says::Nothing,
                false => Says::Unknown,
            };
        };
        if has_own || sets.iter().any(|it| it.is_wanted(kind)) {
            return Says::Records(sets);
        }
        match sets.iter().find(|it| it.kind == RecordType::CNAME) {
            Some(alias) => Says::Alias(alias),
            None => Says::Nothing,
        }
    }

    /// What says that something is not there, and for how long that is so.
    pub fn start_of_authority(&self) -> Record {
        start_of_authority(&self.origin, self.negative_ttl)
    }

    /// The same as it stands in a message after the name of the origin: type, class, seconds, length and data.
    pub fn written_start_of_authority(&self) -> Option<&[u8]> {
        self.written_start_of_authority.as_deref()
    }

    /// How many bytes of each of its names are the origin's, without the root's label.
    pub fn apex_bytes(&self) -> usize {
        self.apex.len()
    }

    /// Records that the origin has by being one.
    pub fn apex(&self, name: &Labels, kind: RecordType) -> Vec<Record> {
        match kind {
            _ if !self.is_own_apex(name.as_bytes()) => Vec::new(),
            RecordType::SOA => vec![self.start_of_authority()],
            RecordType::NS => self.servers().collect(),
            RecordType::ANY => std::iter::once(self.start_of_authority())
                .chain(self.servers())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A zone that asks others for what it does not have has no authority over its origin.
    fn is_own_apex(&self, name: &[u8]) -> bool {
        self.unknown == UnknownNames::Denied && *name == *self.apex
    }

    fn servers(&self) -> impl Iterator<Item = Record> + '_ {
        let names = SERVERS.iter().filter_map(|it| absolute(it));
        names.map(|it| Record::from_rdata(self.origin.clone(), SERVERS_TTL, RData::NS(NS(it))))
    }
}

impl Set {
    /// The name whose addresses are answered for one of its records, if that is an alias.
    pub fn alias<'a>(&self, data: &'a RData) -> Option<&'a Name> {
        match data {
            RData::CNAME(target) if self.kind != RecordType::CNAME => Some(&target.0),
            _ => None,
        }
    }

    /// Whether one of its records is an alias.
    pub fn has_aliases(&self) -> bool {
        self.records.iter().any(|it| self.alias(it).is_some())
    }

    /// Whether its records are among those that were asked for.
    pub fn is_wanted(&self, kind: RecordType) -> bool {
        self.kind == kind || kind == RecordType::ANY
    }
}

/// Names strictly between an origin and a name below it.
fn between<'a>(apex: &[u8], name: &'a Labels) -> impl Iterator<Item = &'a [u8]> {
    let apex = apex.len();
    name.and_above().skip(1).take_while(move |it| it.len() > apex)
}

/// That of a zone which Amazon keeps for its customers.
pub fn start_of_authority(origin: &Name, ttl: u32) -> Record {
    let server = absolute(SERVERS[0]).unwrap_or_default();
    let mailbox = absolute(MAILBOX).unwrap_or_default();
    let data = SOA::new(server, mailbox, 1, 7200, 900, 1_209_600, 86_400);
    Record::from_rdata(origin.clone(), ttl, RData::SOA(data))
}

/// That of a zone after its name, without pointers: it may stand anywhere in a message.
fn written(origin: &Name, ttl: u32) -> Option<Vec<u8>> {
    let mut record = start_of_authority(origin, ttl);
    record.name = Name::root();
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.emit(&mut encoder).ok()?;
    // the name of the root is a single byte
    bytes.split_first().map(|(_, rest)| rest.to_vec())
}

/// Empty sets, and records of another type than the first one, are nothing that can be answered. Aliases are of the type
/// that they stand for.
fn set(it: &RecordSet) -> Option<Set> {
    let mut records: Vec<RData> = it.records.iter().filter_map(data).collect();
    let first = records.first()?.record_type();
    let (kind, has_aliases) = match it.alias_of {
        Some(domain::cloud_map::RecordType::A) => (RecordType::A, true),
        Some(domain::cloud_map::RecordType::Aaaa) => (RecordType::AAAA, true),
        _ => (first, false),
    };
    let is_alias = |it: &RData| has_aliases && it.record_type() == RecordType::CNAME;
    records.retain(|it| it.record_type() == kind || is_alias(it));
    if records.is_empty() {
        return None;
    }
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
