//! What is answered out of what is known here: a function of names, question and dice.

use domain::cloud_map;
use domain::served_names::HOST;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rand::Rng;

use crate::amazon;
use crate::names::{Labels, Names, Says, Seen, Set, Zone};

/// Aliases that are followed; a longer chain is answered as far as it was followed.
const ALIASES_MAX: usize = 8;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// How it went.
    pub code: ResponseCode,
    /// Whether it comes from a zone of our own.
    pub is_authoritative: bool,
    /// What was asked for.
    pub answers: Vec<Record>,
    /// Who says that there is nothing.
    pub authorities: Vec<Record>,
    /// What will be asked next.
    pub additionals: Vec<Record>,
    /// The name at the end of a chain of aliases, which others have to be asked for.
    pub rest: Option<Rest>,
}

/// What others have to be asked for to end an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    /// The name.
    pub name: Name,
    /// The type of its records.
    pub kind: RecordType,
    /// Under which name they are answered, if not under their own.
    pub alias: Option<AddressAlias>,
}

/// A name that has the addresses of another one: nobody is told of which.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressAlias {
    owner: Name,
    kind: RecordType,
    /// Answers before it.
    before: usize,
    /// Who says that there are none.
    authority: Record,
}

impl AddressAlias {
    /// The answer to those who asked for the name.
    pub fn answered(self, mut reply: Reply) -> Reply {
        let before = self.before.min(reply.answers.len());
        let mut addresses = reply.answers.split_off(before);
        addresses.retain(|it| it.record_type() == self.kind);
        for it in &mut addresses {
            it.name = self.owner.clone();
        }
        reply.additionals = Vec::new();
        reply.authorities = Vec::new();
        // The name is there, whatever becomes of the other one.
        if reply.code == ResponseCode::NXDomain {
            reply.code = ResponseCode::NoError;
        }
        if addresses.is_empty() && reply.code == ResponseCode::NoError {
            reply.authorities = vec![self.authority];
        }
        reply.answers.append(&mut addresses);
        reply
    }
}

impl Reply {
    /// These records.
    pub fn of(answers: Vec<Record>) -> Self {
        Self {
            is_authoritative: true,
            answers,
            ..Self::default()
        }
    }

    /// There is such a name, without records of this type.
    pub fn nothing(authority: Record) -> Self {
        Self {
            is_authoritative: true,
            authorities: vec![authority],
            ..Self::default()
        }
    }

    /// There is no such name.
    pub fn unknown(authority: Record) -> Self {
        Self {
            code: ResponseCode::NXDomain,
            ..Self::nothing(authority)
        }
    }

    /// Nothing but how it went.
    pub fn code(code: ResponseCode) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }
}

/// What the names say that each address of a VPC has; to the host, those of the VPC that has the address.
fn internal(names: &Names, vpc_id: &str, name: &Name, kind: RecordType) -> Option<Reply> {
    if vpc_id != HOST {
        return amazon::look_up(names.vpc(vpc_id)?, name, kind);
    }
    let replies = names.vpcs().filter_map(|it| amazon::look_up(it, name, kind));
    replies.min_by_key(|it| it.answers.is_empty())
}

/// What is answered to somebody in a VPC; `None` if others have to be asked.
pub fn look_up(
    names: &Names,
    vpc_id: &str,
    name: &Name,
    kind: RecordType,
    dice: &mut impl Rng,
) -> Option<Reply> {
    let mut chain = Vec::new();
    let mut alias: Option<AddressAlias> = None;
    let (mut name, mut kind) = (name.clone(), kind);
    for step in 0..=ALIASES_MAX {
        let labels = Labels::of(&name);
        let found = match names.seen(vpc_id, &labels) {
            Seen::In(zone) => in_zone(zone, &name, &labels, kind, dice),
            Seen::Nowhere => match internal(names, vpc_id, &name, kind) {
                Some(reply) => Found::Reply(reply),
                None if step == 0 => return None,
                None => {
                    chain.truncate(alias.as_ref().map_or(chain.len(), |it| it.before));
                    return Some(Reply {
                        rest: Some(Rest { name, kind, alias }),
                        ..Reply::of(chain)
                    });
                }
            },
        };
        match found {
            Found::Reply(mut reply) => {
                chain.append(&mut reply.answers);
                reply.answers = chain;
                return Some(match alias {
                    Some(alias) => alias.answered(reply),
                    None => reply,
                });
            }
            Found::Alias(record, target) => {
                chain.push(record);
                name = target;
            }
            Found::Addresses(found) => {
                let (target, of) = *found;
                kind = of.kind;
                alias = alias.or(Some(AddressAlias {
                    before: chain.len(),
                    ..of
                }));
                name = target;
            }
        }
    }
    Some(Reply::code(ResponseCode::ServFail))
}

enum Found {
    Reply(Reply),
    Alias(Record, Name),
    /// The name that has the addresses.
    Addresses(Box<(Name, AddressAlias)>),
}

fn in_zone(zone: &Zone, name: &Name, labels: &Labels, kind: RecordType, dice: &mut impl Rng) -> Found {
    match zone.says(labels, kind) {
        Says::Records(sets) => records(zone, name, labels, sets, kind, dice),
        Says::Alias(set) => alias(name, set, dice),
        Says::Nothing => Found::Reply(Reply::nothing(zone.start_of_authority())),
        Says::Unknown => Found::Reply(Reply::unknown(zone.start_of_authority())),
    }
}

fn records(
    zone: &Zone,
    name: &Name,
    labels: &Labels,
    sets: &[Set],
    kind: RecordType,
    dice: &mut impl Rng,
) -> Found {
    let mut answers = zone.apex(labels, kind);
    let mut additionals = Vec::new();
    let mut aliased = None;
    for set in sets.iter().filter(|it| it.is_wanted(kind)) {
        for data in chosen(set, dice) {
            if let Some(target) = set.alias(data) {
                let alias = AddressAlias {
                    owner: name.clone(),
                    kind: set.kind,
                    before: 0,
                    authority: zone.start_of_authority(),
                };
                let found = Found::Addresses(Box::new((target.clone(), alias)));
                if kind != RecordType::ANY {
                    return found;
                }
                aliased = aliased.or(Some(found));
                continue;
            }
            if let RData::SRV(it) = data {
                additionals.extend(addresses(zone, &it.target, dice));
            }
            answers.push(Record::from_rdata(name.clone(), set.ttl, data.clone()));
        }
    }
    match aliased {
        // Whoever asks for any records gets some; what stands here itself goes first (RFC 8482, section 4.1).
        Some(found) if answers.is_empty() => found,
        _ => Found::Reply(Reply {
            additionals,
            ..Reply::of(answers)
        }),
    }
}

fn alias(name: &Name, set: &Set, dice: &mut impl Rng) -> Found {
    let Some(RData::CNAME(data)) = chosen(set, dice).next() else {
        return Found::Reply(Reply::code(ResponseCode::ServFail));
    };
    let record = Record::from_rdata(name.clone(), set.ttl, RData::CNAME(data.clone()));
    Found::Alias(record, data.0.clone())
}

/// Those of a set that are answered this time.
pub fn chosen<'a, R: Rng>(set: &'a Set, dice: &mut R) -> impl Iterator<Item = &'a RData> + use<'a, R> {
    let (only, many) = match set.records.as_slice() {
        [only] => (Some(only), Vec::new()),
        all => {
            let all: Vec<&RData> = all.iter().collect();
            (None, cloud_map::chosen(set.routing, &all, dice.random()))
        }
    };
    only.into_iter().chain(many)
}

fn addresses(zone: &Zone, name: &Name, dice: &mut impl Rng) -> Vec<Record> {
    let is_address = |it: &&Set| matches!(it.kind, RecordType::A | RecordType::AAAA);
    let mut records = Vec::new();
    for set in zone.sets(&Labels::of(name)).iter().filter(is_address) {
        let data = chosen(set, dice).filter(|it| set.alias(it).is_none());
        records.extend(data.map(|it| Record::from_rdata(name.clone(), set.ttl, it.clone())));
    }
    records
}

#[cfg(test)]
pub mod tests;
