use domain::served_network::{Exit, Guard, ServedHost, ServedVpc};

use super::*;

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn host(number: u16, last: u8) -> ServedHost {
    let address = at(last);
    ServedHost { number, address }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 31, 0, last)
}

fn key(last: u8) -> InterfaceKey {
    let address = address(last);
    InterfaceKey {
        vpc_id: "vpc-1".to_owned(),
        address,
    }
}

fn on(last: u8, host: Option<u16>) -> ServedInterface {
    ServedInterface {
        key: key(last),
        subnet_id: "subnet-1".to_owned(),
        guard: Guard::Nothing,
        exit: Exit::Private,
        host,
    }
}

fn vpc(vni: u32) -> ServedVpc {
    ServedVpc {
        id: "vpc-1".to_owned(),
        vni,
        groups: Vec::new(),
        acls: Vec::new(),
        route_tables: Vec::new(),
        subnets: Vec::new(),
    }
}

/// Hosts 1, which is this one, 2 and 3, each with the address of its number.
fn whole() -> NetworksMessage {
    NetworksMessage {
        is_whole: true,
        own: Some(1),
        hosts: vec![host(1, 1), host(2, 2), host(3, 3)],
        vpcs: vec![vpc(7)],
        interfaces: vec![on(11, Some(1)), on(12, Some(2)), on(13, Some(3)), on(14, None)],
        ..NetworksMessage::default()
    }
}

fn changed(change: impl FnOnce(&mut NetworksMessage)) -> NetworksMessage {
    let mut message = NetworksMessage::default();
    change(&mut message);
    message
}

/// What the VPC reaches: the address of each host, with last bytes there.
fn reached(others: &Others) -> Option<Vec<(Ipv4Addr, Vec<u8>)>> {
    let overlay = others.overlay("vpc-1")?;
    let of_host = |(host, addresses): (OverlayHost, BTreeSet<Ipv4Addr>)| {
        let last = addresses.iter().map(|it| it.octets()[3]).collect();
        (host.address, last)
    };
    Some(overlay.others.into_iter().map(of_host).collect())
}

#[test]
fn a_vpc_is_led_to_what_is_on_other_hosts() {
    let mut others = Others::default();
    assert_eq!(others.note(&whole()), ["vpc-1".to_owned()].into());
    let overlay = others.overlay("vpc-1").expect("all is known");
    assert_eq!(
        (overlay.vni, overlay.own.number, overlay.own.address),
        (7, 1, at(1))
    );
    assert_eq!(reached(&others), Some(vec![(at(2), vec![12]), (at(3), vec![13])]));
    assert_eq!(others.addresses(), Some([at(2), at(3)].into()));
}

#[test]
fn what_changes_concerns_the_vpc_and_what_does_not_change_concerns_none() {
    let mut others = Others::default();
    others.note(&whole());
    let one = || BTreeSet::from(["vpc-1".to_owned()]);
    let same = changed(|it| it.interfaces = vec![on(12, Some(2)), on(14, None)]);
    assert_eq!(others.note(&same), BTreeSet::new());
    let rules = changed(|it| it.vpcs = vec![vpc(7)]);
    assert_eq!(others.note(&rules), BTreeSet::new());

    let moved = changed(|it| it.interfaces = vec![on(12, Some(3)), on(14, Some(2))]);
    assert_eq!(others.note(&moved), one());
    assert_eq!(
        reached(&others),
        Some(vec![(at(2), vec![14]), (at(3), vec![12, 13])])
    );
    assert_eq!(others.note(&changed(|it| it.gone = vec![key(14)])), one());
    assert_eq!(reached(&others), Some(vec![(at(3), vec![12, 13])]));
    assert_eq!(others.note(&changed(|it| it.hosts = vec![host(3, 33)])), one());
    assert_eq!(reached(&others), Some(vec![(at(33), vec![12, 13])]));
    let elsewhere = changed(|it| it.hosts = vec![host(4, 4)]);
    assert_eq!(
        others.note(&elsewhere),
        BTreeSet::new(),
        "it has nothing of the VPC"
    );
    assert_eq!(others.note(&changed(|it| it.gone_hosts = vec![3])), one());
    assert_eq!(reached(&others), Some(Vec::new()));
    assert_eq!(others.addresses(), Some([at(2), at(4)].into()));
    assert_eq!(
        others.note(&changed(|it| it.gone_vpcs = vec!["vpc-1".to_owned()])),
        one()
    );
    assert_eq!(reached(&others), None);
}

#[test]
fn as_long_as_something_is_not_known_nothing_is_led() {
    let lacking: [fn(&mut NetworksMessage); 3] = [
        |it| it.own = None,
        |it| it.hosts.retain(|it| it.number != 1),
        |it| it.vpcs = vec![vpc(0)],
    ];
    for lack in lacking {
        let (mut others, mut message) = (Others::default(), whole());
        lack(&mut message);
        others.note(&message);
        assert_eq!(reached(&others), None);
        let rest = changed(|it| {
            it.own = Some(1);
            it.hosts = vec![host(1, 1)];
            it.vpcs = vec![vpc(7)];
        });
        assert_eq!(others.note(&rest), ["vpc-1".to_owned()].into());
        assert!(reached(&others).is_some_and(|it| it.len() == 2));
    }
}

#[test]
fn the_whole_takes_the_place_of_everything() {
    let mut others = Others::default();
    others.note(&whole());
    let other = NetworksMessage {
        hosts: vec![host(1, 1), host(2, 2)],
        interfaces: vec![on(15, Some(2))],
        ..whole()
    };
    others.note(&other);
    assert_eq!(reached(&others), Some(vec![(at(2), vec![15])]));
    assert_eq!(others.addresses(), Some([at(2)].into()));
}
