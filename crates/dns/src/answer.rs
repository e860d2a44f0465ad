//! What is answered out of what is known here: a function of names, question and dice.

use domain::cloud_map;
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
    pub rest: Option<Name>,
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

/// What is answered to somebody in a VPC; `None` if others have to be asked.
pub fn look_up(
    names: &Names,
    vpc_id: &str,
    name: &Name,
    kind: RecordType,
    dice: &mut impl Rng,
) -> Option<Reply> {
    let mut chain = Vec::new();
    let mut name = name.clone();
    loop {
        let labels = Labels::of(&name);
        let found = match names.seen(vpc_id, &labels) {
            Seen::In(zone) => in_zone(zone, &name, &labels, kind, dice),
            Seen::Nowhere => match names.vpc(vpc_id).and_then(|it| amazon::look_up(it, &name, kind)) {
                Some(reply) => Found::Reply(reply),
                None if chain.is_empty() => return None,
                None => {
                    return Some(Reply {
                        rest: Some(name),
                        ..Reply::of(chain)
                    });
                }
            },
        };
        match found {
            Found::Reply(mut reply) => {
                chain.append(&mut reply.answers);
                reply.answers = chain;
                return Some(reply);
            }
            Found::Alias(record, target) => {
                chain.push(record);
                if chain.len() > ALIASES_MAX {
                    return Some(Reply::code(ResponseCode::ServFail));
                }
                name = target;
            }
        }
    }
}

enum Found {
    Reply(Reply),
    Alias(Record, Name),
}

fn in_zone(zone: &Zone, name: &Name, labels: &Labels, kind: RecordType, dice: &mut impl Rng) -> Found {
    match zone.says(labels, kind) {
        Says::Records(sets) => Found::Reply(records(zone, name, labels, sets, kind, dice)),
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
) -> Reply {
    let mut answers = zone.apex(labels, kind);
    let mut additionals = Vec::new();
    for set in sets.iter().filter(|it| it.is_wanted(kind)) {
        for data in chosen(set, dice) {
            if let RData::SRV(it) = data {
                additionals.extend(addresses(zone, &it.target, dice));
            }
            answers.push(Record::from_rdata(name.clone(), set.ttl, data.clone()));
        }
    }
    Reply {
        additionals,
        ..Reply::of(answers)
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
        let data = chosen(set, dice);
        records.extend(data.map(|it| Record::from_rdata(name.clone(), set.ttl, it.clone())));
    }
    records
}

#[cfg(test)]
pub mod tests;
