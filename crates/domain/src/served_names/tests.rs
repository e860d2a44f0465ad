//! Tests of what hosts are told of names.

use super::*;

fn name(zone: &str, name: &str, count: u8) -> ServedName {
    let record = |last| ServedRecord::A(Ipv4Addr::new(10, 0, 0, last));
    ServedName {
        key: NameKey {
            zone: zone.to_owned(),
            name: name.to_owned(),
        },
        sets: vec![RecordSet {
            ttl_seconds: 5,
            routing: RoutingPolicy::Multivalue,
            records: (0..count).map(record).collect(),
            alias_of: None,
        }],
    }
}

fn zone(id: &str) -> ServedZone {
    ServedZone {
        id: id.to_owned(),
        origin: format!("{id}.test"),
        vpcs: SeenBy::All,
        unknown: UnknownNames::Denied,
        negative_ttl_seconds: 5,
    }
}

#[test]
fn parts_make_the_whole_again() {
    let whole = NamesMessage {
        is_whole: true,
        zones: vec![zone("a"), zone("b")],
        names: vec![name("a", "x.a", 3), name("a", "y.a", 3), name("b", "z.b", 9)],
        ..NamesMessage::default()
    };
    let parts = whole.clone().into_parts(6);
    let more: Vec<_> = parts.iter().map(|it| (it.names.len(), it.has_more)).collect();
    assert_eq!(more, [(2, true), (1, false)]);
    let mut told = ServedNames::default();
    told.apply(NamesMessage {
        is_whole: true,
        zones: vec![zone("of before")],
        ..NamesMessage::default()
    });
    parts.into_iter().for_each(|it| told.apply(it));
    assert_eq!(told.whole(), whole);
}

#[test]
fn a_zone_that_goes_takes_its_names_along() {
    let mut told = ServedNames::default();
    told.apply(NamesMessage {
        zones: vec![zone("a"), zone("b")],
        names: vec![name("a", "x.a", 1), name("b", "z.b", 1)],
        ..NamesMessage::default()
    });
    told.apply(NamesMessage {
        gone_zones: vec!["a".to_owned()],
        ..NamesMessage::default()
    });
    assert_eq!(told.whole().names, [name("b", "z.b", 1)]);
}
