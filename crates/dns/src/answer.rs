//! What is answered out of what is known here: a function of names, question and dice.

use domain::cloud_map;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rand::Rng;

use crate::amazon;
use crate::names::{Names, Seen, Set, Zone};

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
        let found = match names.seen(vpc_id, &name) {
            Seen::In(zone) => in_zone(zone, &name, kind, dice),
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

fn in_zone(zone: &Zone, name: &Name, kind: RecordType, dice: &mut impl Rng) -> Found {
    let sets = zone.sets(name);
    let is_wanted = |it: &&Set| it.kind == kind || kind == RecordType::ANY;
    let mut answers = zone.apex(name, kind);
    let mut additionals = Vec::new();
    for set in sets.iter().filter(is_wanted) {
        for data in chosen(set, dice) {
            if let RData::SRV(it) = data {
                additionals.extend(addresses(zone, &it.target, dice));
            }
            answers.push(Record::from_rdata(name.clone(), set.ttl, data.clone()));
        }
    }
    if !answers.is_empty() {
        return Found::Reply(Reply {
            additionals,
            ..Reply::of(answers)
        });
    }
    let alias = sets.iter().find(|it| it.kind == RecordType::CNAME);
    let alias = alias.and_then(|it| Some((it.ttl, chosen(it, dice).into_iter().next()?)));
    if let Some((ttl, RData::CNAME(target))) = alias {
        let target = target.0.clone();
        let data = RData::CNAME(hickory_proto::rr::rdata::CNAME(target.clone()));
        return Found::Alias(Record::from_rdata(name.clone(), ttl, data), target);
    }
    Found::Reply(match zone.exists(name) {
        true => Reply::nothing(zone.start_of_authority()),
        false => Reply::unknown(zone.start_of_authority()),
    })
}

/// Those of a set that are answered this time.
fn chosen<'a>(set: &'a Set, dice: &mut impl Rng) -> Vec<&'a RData> {
    let all: Vec<&RData> = set.records.iter().collect();
    match all.len() {
        0 | 1 => all,
        _ => cloud_map::chosen(set.routing, &all, dice.random()),
    }
}

fn addresses(zone: &Zone, name: &Name, dice: &mut impl Rng) -> Vec<Record> {
    let is_address = |it: &&Set| matches!(it.kind, RecordType::A | RecordType::AAAA);
    let mut records = Vec::new();
    for set in zone.sets(name).iter().filter(is_address) {
        let data = chosen(set, dice);
        records.extend(
            data.into_iter()
                .map(|it| Record::from_rdata(name.clone(), set.ttl, it.clone())),
        );
    }
    records
}

#[cfg(test)]
mod tests;
