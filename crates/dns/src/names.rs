//! All names that are served here, made for looking them up: changed in place by what is told.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use domain::served_names::{HOST, NamesMessage, SeenBy, ServedVpc, ServedZone, UnknownNames};
use domain::vpc::Cidr;
use hickory_proto::rr::Name;

mod labels;
mod zone;

pub use labels::Labels;
pub use zone::{Says, Set, Zone, start_of_authority};

/// What is served, to whom.
#[derive(Debug, Default)]
pub struct Names {
    vpcs: HashMap<String, Vpc>,
    zones: HashMap<String, Zone>,
    /// Ids of the zones of each origin, by its labels.
    origins: HashMap<Box<[u8]>, Vec<String>>,
}

/// A VPC as it matters here.
#[derive(Debug)]
pub struct Vpc {
    /// Where each address has a name.
    pub internal: Name,
    cidrs: Vec<Cidr>,
}

impl Vpc {
    /// Whether an address belongs to it.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.cidrs.iter().any(|it| it.contains(address))
    }
}

/// What the zones that a VPC sees say of a name.
#[derive(Debug)]
pub enum Seen<'a> {
    /// The zone has it, or denies it.
    In(&'a Zone),
    /// No zone knows it.
    Nowhere,
}

/// A name as DNS has it: absolute. `None` if it is none, as with a label of more than 63 bytes.
pub fn absolute(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

impl Names {
    /// Becomes what a message says; if that is the whole, what was before is gone.
    pub fn apply(&mut self, message: NamesMessage) {
        if message.is_whole {
            *self = Self::default();
        }
        for id in &message.gone_vpcs {
            self.vpcs.remove(id);
        }
        for id in &message.gone_zones {
            self.remove_zone(id);
        }
        for it in message.vpcs {
            self.put_vpc(it);
        }
        for it in message.zones {
            self.put_zone(it);
        }
        for key in &message.gone_names {
            if let (Some(zone), Some(name)) = (self.zones.get_mut(&key.zone), absolute(&key.name)) {
                zone.remove(&Labels::of(&name));
            }
        }
        for it in message.names {
            let Some(name) = absolute(&it.key.name) else {
                tracing::warn!(name = it.key.name, "this is no name in DNS: it is not served");
                continue;
            };
            if let Some(zone) = self.zones.get_mut(&it.key.zone) {
                zone.put(&Labels::of(&name), &it.sets);
            }
        }
    }

    /// The VPC of an id.
    pub fn vpc(&self, id: &str) -> Option<&Vpc> {
        self.vpcs.get(id)
    }

    /// All VPCs.
    pub fn vpcs(&self) -> impl Iterator<Item = &Vpc> {
        self.vpcs.values()
    }

    /// The most specific zone that a VPC sees and that says something of a name. The host sees those of all VPCs, first
    /// the one that has the name.
    pub fn seen(&self, vpc_id: &str, name: &Labels) -> Seen<'_> {
        for origin in name.and_above() {
            let Some(ids) = self.origins.get(origin) else {
                continue;
            };
            let zones = ids.iter().filter_map(|it| self.zones.get(it));
            let says =
                |it: &&Zone| it.is_seen_by(vpc_id) && (it.unknown == UnknownNames::Denied || it.exists(name));
            let lacks = |it: &Zone| vpc_id == HOST && !it.exists(name);
            if let Some(zone) = zones.filter(says).min_by_key(|it| (lacks(it), it.rank())) {
                return Seen::In(zone);
            }
        }
        Seen::Nowhere
    }

    fn put_vpc(&mut self, it: ServedVpc) {
        let Some(internal) = absolute(&it.internal_domain) else {
            return;
        };
        let cidrs = it.cidrs;
        self.vpcs.insert(it.id, Vpc { internal, cidrs });
    }

    /// Its names stay if its origin does.
    fn put_zone(&mut self, it: ServedZone) {
        let Some(origin) = absolute(&it.origin) else {
            tracing::warn!(
                origin = it.origin,
                "this is no name in DNS: its zone is not served"
            );
            return;
        };
        if let Some(zone) = self.zones.get_mut(&it.id).filter(|zone| zone.origin == origin) {
            zone.change(&it);
            return;
        }
        self.remove_zone(&it.id);
        self.origins
            .entry(Labels::of(&origin).as_bytes().into())
            .or_default()
            .push(it.id.clone());
        self.zones.insert(it.id.clone(), Zone::new(origin, &it));
    }

    fn remove_zone(&mut self, id: &str) {
        let Some(zone) = self.zones.remove(id) else { return };
        let origin = Labels::of(&zone.origin);
        if let Some(ids) = self.origins.get_mut(origin.as_bytes()) {
            ids.retain(|it| it != id);
            if ids.is_empty() {
                self.origins.remove(origin.as_bytes());
            }
        }
    }
}

/// Whether a VPC is one of those.
fn is_among(seen_by: &SeenBy, vpc_id: &str) -> bool {
    match seen_by {
        SeenBy::All => true,
        SeenBy::These(ids) => ids.iter().any(|it| it == vpc_id),
    }
}
