//! From what is told of a VPC to scripts.

mod kernel;

use domain::network_acl::AclAction;
use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use domain::served_network::{Exit, NetworksMessage, ServedVpc};
use expect_test::expect;

use super::*;
use crate::network::tests::networks::{
    acl, all_out, allow_in, changed, from_group, from_range, group, interface, rule, tcp_port, vpc, whole,
};

const SITE: Site = Site {
    uplink: "host0",
    host: Ipv4Addr::new(169, 254, 172, 0),
    preserving: BTreeSet::new(),
};

fn known(interfaces: &[ServedInterface]) -> Interfaces {
    let mut known = Interfaces::default();
    interfaces.iter().for_each(|it| known.insert(it.clone()));
    known
}

fn compiled(vpc: &ServedVpc, interfaces: &[ServedInterface]) -> Ruleset {
    compile(&SITE, Some(vpc), &Structure::of(vpc), &known(interfaces))
}

/// The elements of interfaces, sorted.
fn elements(vpc: &ServedVpc, interfaces: &[ServedInterface]) -> Vec<Element> {
    let structure = Structure::of(vpc);
    let all = interfaces.iter().flat_map(|it| structure.elements(it));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Rules of a chain, one a line.
fn chain(ruleset: &Ruleset, name: &str) -> String {
    let rules = ruleset.chains.get(name).map_or(&[][..], |it| &it.rules);
    let lines: Vec<_> = rules.iter().map(Rule::to_string).collect();
    lines.join("\n")
}

#[test]
fn rules_of_groups_say_what_they_allow() {
    let udp = Traffic::Udp(PortRange { first: 53, last: 60 });
    let ping = Traffic::Icmp(IcmpKind {
        icmp_type: Some(8),
        code: None,
    });
    let unreachable = Traffic::Icmp(IcmpKind {
        icmp_type: Some(3),
        code: Some(4),
    });
    let ipv6 = Traffic::Icmpv6(IcmpKind {
        icmp_type: None,
        code: None,
    });
    let lists = ServedPeer::Ranges(
        ["10.0.0.0/25", "10.0.0.128/25", "10.0.0.7/32", "192.0.2.0/24"]
            .map(|it| it.parse().unwrap())
            .to_vec(),
    );
    let rules = [
        allow_in(tcp_port(80), from_range("0.0.0.0/0")),
        allow_in(udp, from_group("sg-2")),
        allow_in(ping, from_range("10.0.0.0/8")),
        allow_in(unreachable, lists),
        allow_in(ipv6, from_range("0.0.0.0/0")),
        allow_in(Traffic::Other(50), from_group("sg-1")),
        allow_in(Traffic::All, from_range("0.0.0.0/0")),
        rule(
            Direction::Egress,
            Traffic::Tcp(PortRange::ALL),
            from_group("sg-2"),
        ),
    ];
    let ruleset = compiled(&vpc("vpc-1", vec![group("sg-1", &rules)]), &[]);
    expect![[r#"
        tcp dport 80 goto tracked-in
        ip saddr @members-sg-2 udp dport 53-60 goto tracked-in
        ip saddr 10.0.0.0/8 icmp type 8 goto tracked-in
        ip saddr 10.0.0.0/24 icmp type 3 icmp code 4 goto tracked-in
        ip saddr 192.0.2.0/24 icmp type 3 icmp code 4 goto tracked-in
        ip saddr @members-sg-1 meta l4proto 50 goto tracked-in
        goto tracked-in"#]]
    .assert_eq(&chain(&ruleset, "in-sg-1"));
    expect!["ip daddr @members-sg-2 meta l4proto tcp goto tracked-out"]
        .assert_eq(&chain(&ruleset, "out-sg-1"));
}

#[test]
fn what_answers_pass_anyway_is_not_tracked() {
    let everywhere = || from_range("0.0.0.0/0");
    let all_tcp = Traffic::Tcp(PortRange::ALL);
    let cases = [
        (
            allow_in(tcp_port(80), everywhere()),
            Traffic::All,
            "tcp dport 80 accept",
        ),
        (
            allow_in(tcp_port(80), everywhere()),
            all_tcp,
            "tcp dport 80 accept",
        ),
        (
            allow_in(tcp_port(80), everywhere()),
            tcp_port(80),
            "tcp dport 80 goto tracked-in",
        ),
        (allow_in(Traffic::All, everywhere()), Traffic::All, "accept"),
        (allow_in(Traffic::All, everywhere()), all_tcp, "goto tracked-in"),
        (
            allow_in(Traffic::Other(50), everywhere()),
            Traffic::All,
            "meta l4proto 50 goto tracked-in",
        ),
    ];
    for (rule_in, out, expected) in cases {
        let out = rule(Direction::Egress, out, everywhere());
        let ruleset = compiled(&vpc("vpc-1", vec![group("sg-1", &[rule_in, out])]), &[]);
        assert_eq!(chain(&ruleset, "in-sg-1"), expected);
    }
}

#[test]
fn entries_of_acls_stand_in_their_order_and_end_with_a_refusal() {
    let mut vpc = vpc("vpc-1", Vec::new());
    let open = compiled(&vpc, &[]);
    assert!(
        !chain(&open, "borders").contains("jump"),
        "what lets everything pass is not asked"
    );
    vpc.acls = vec![acl(&[
        (200, Direction::Ingress, Traffic::All),
        (100, Direction::Ingress, tcp_port(80)),
        (100, Direction::Egress, Traffic::All),
    ])];
    vpc.acls[0].entries[1].action = AclAction::Deny;
    vpc.subnets.truncate(2);
    let ruleset = compiled(&vpc, &[]);
    expect![[r#"
        tcp dport 80 drop
        return
        drop"#]]
    .assert_eq(&chain(&ruleset, "in-acl-1"));
    expect![[r#"
        iifname "host0" ip saddr 169.254.172.0 accept
        oifname "host0" ip daddr 169.254.172.0 accept
        iifname "vx0" ip saddr 169.254.192.0/18 accept
        oifname "vx0" ip daddr 169.254.192.0/18 ct direction reply accept
        ip saddr . ip daddr { 172.31.0.0/26 . 172.31.0.0/26, 172.31.0.64/26 . 172.31.0.64/26 } accept
        ip daddr vmap { 172.31.0.0/26 : jump in-acl-1, 172.31.0.64/26 : jump in-acl-1 }"#]]
    .assert_eq(&chain(&ruleset, "borders"));
}

#[test]
fn the_most_specific_route_is_taken() {
    let mut vpc = vpc("vpc-1", Vec::new());
    let table = &mut vpc.route_tables[0];
    let mut hole = table.routes[0];
    hole.destination = "192.0.2.0/24".parse().unwrap();
    hole.way = domain::served_network::Way::Nowhere;
    table.routes.push(hole);
    let ruleset = compiled(&vpc, &[]);
    expect![[r#"
        ip daddr 169.254.0.0/16 drop
        ip daddr 192.0.2.0/24 drop
        accept"#]]
    .assert_eq(&chain(&ruleset, "public-rtb-public"));
    expect![[r#"
        ip daddr 169.254.0.0/16 drop
        ip daddr 192.0.2.0/24 drop
        drop"#]]
    .assert_eq(&chain(&ruleset, "private-rtb-public"));
}

#[test]
fn a_change_touches_only_what_differs() {
    let web = |ports| {
        group(
            "sg-web",
            &[all_out(), allow_in(tcp_port(ports), from_group("sg-lb"))],
        )
    };
    let lb = || group("sg-lb", &[all_out()]);
    let interfaces = [
        interface("vpc-1", 5, &["sg-lb"]),
        interface("vpc-1", 6, &["sg-web", "sg-lb"]),
    ];
    let both = vpc("vpc-1", vec![web(80), lb()]);
    let before = compiled(&both, &interfaces);
    let after = compiled(&vpc("vpc-1", vec![web(81), lb()]), &interfaces);
    assert_eq!(before.steps(&before, Moves::default()), []);
    expect![[r#"
        flush chain ip gantry in-sg-web
        add rule ip gantry in-sg-web ip saddr @members-sg-lb tcp dport 81 goto tracked-in
    "#]]
    .assert_eq(&script(&before.steps(&after, Moves::default()), "gantry"));
    let one = vpc("vpc-1", vec![lb()]);
    let gone = compiled(&one, &interfaces[..1]);
    let (had, has) = (elements(&both, &interfaces), elements(&one, &interfaces[..1]));
    let removed: Vec<_> = had.iter().filter(|it| !has.contains(it)).cloned().collect();
    let moves = Moves {
        removed: &removed,
        added: &[],
    };
    expect![[r#"
        delete element ip gantry into { 172.31.0.6 : goto in-all-238ee23287477558 }
        delete element ip gantry members-sg-lb { 172.31.0.6 }
        delete element ip gantry members-sg-web { 172.31.0.6 }
        delete element ip gantry out_of { 172.31.0.6 : goto out-all-238ee23287477558 }
        delete element ip gantry ways_of { 172.31.0.6 : goto private-rtb-public }
        flush chain ip gantry in-all-238ee23287477558
        flush chain ip gantry in-sg-web
        flush chain ip gantry out-all-238ee23287477558
        flush chain ip gantry out-sg-web
        delete chain ip gantry in-all-238ee23287477558
        delete chain ip gantry in-sg-web
        delete chain ip gantry out-all-238ee23287477558
        delete chain ip gantry out-sg-web
        delete set ip gantry members-sg-web
    "#]]
    .assert_eq(&script(&before.steps(&gone, moves), "gantry"));
}

#[test]
fn a_rule_that_names_a_group_is_no_element() {
    let members: Vec<_> = (1..=200).map(|it| interface("vpc-1", it, &["sg-lb"])).collect();
    let told = |rules: &[domain::served_network::ServedRule]| {
        vpc("vpc-1", vec![group("sg-lb", &[]), group("sg-web", rules)])
    };
    let mut vpcs = BTreeMap::new();
    note(&mut vpcs, whole(vec![told(&[])], members.clone()));
    let named = told(&[allow_in(tcp_port(80), from_group("sg-lb"))]);
    let before = compiled(&told(&[]), &members);
    let after = compiled(&named, &members);
    let touched = note(&mut vpcs, changed(named)).remove("vpc-1").unwrap();
    assert!(touched.rules_are_new && touched.interfaces.is_empty());
    expect![[r#"
        flush chain ip gantry in-sg-web
        add rule ip gantry in-sg-web ip saddr @members-sg-lb tcp dport 80 goto tracked-in
    "#]]
    .assert_eq(&script(&before.steps(&after, Moves::default()), "gantry"));
}

#[test]
fn what_decides_about_interfaces_touches_those_alone() {
    let interfaces = vec![
        interface("vpc-1", 5, &["sg-lb"]),
        interface("vpc-1", 6, &["sg-lb", "sg-later"]),
        interface("vpc-1", 70, &["sg-lb"]),
    ];
    let mut told = vpc("vpc-1", vec![group("sg-lb", &[])]);
    let mut vpcs = BTreeMap::new();
    note(&mut vpcs, whole(vec![told.clone()], interfaces));
    let lasts = |touched: &Touched| {
        let lasts = touched.interfaces.iter().map(|it| it.octets()[3]);
        lasts.collect::<Vec<_>>()
    };
    told.groups.push(group("sg-later", &[]));
    let touched = note(&mut vpcs, changed(told.clone())).remove("vpc-1").unwrap();
    assert_eq!(lasts(&touched), [6], "who is in the new group");
    let vpc = &vpcs["vpc-1"];
    let (removed, added) = vpc.moved(&touched);
    assert_eq!((removed.len(), added.len()), (2, 3), "{removed:?} {added:?}");
    told.subnets[1].route_table = Some("rtb-none".to_owned());
    let touched = note(&mut vpcs, changed(told)).remove("vpc-1").unwrap();
    assert_eq!(
        lasts(&touched),
        [70],
        "who is in the subnet with another route table"
    );
}

#[test]
fn a_member_that_comes_or_goes_is_elements_alone() {
    let groups = vec![
        group("sg-lb", &[all_out()]),
        group("sg-web", &[allow_in(tcp_port(80), from_group("sg-lb"))]),
    ];
    let rules = vpc("vpc-1", groups);
    let mut vpcs = BTreeMap::new();
    note(
        &mut vpcs,
        whole(vec![rules.clone()], vec![interface("vpc-1", 5, &["sg-lb"])]),
    );
    let moved = NetworksMessage {
        interfaces: vec![interface("vpc-1", 5, &["sg-web"])],
        ..NetworksMessage::default()
    };
    let touched = note(&mut vpcs, moved).remove("vpc-1").unwrap();
    assert!(
        !touched.rules_are_new && touched.before.len() == 4,
        "{:?}",
        touched.before
    );
    let after = vpcs["vpc-1"]
        .structure
        .elements(&interface("vpc-1", 5, &["sg-web"]));
    let kept: Vec<_> = after.iter().filter(|it| touched.before.contains(*it)).collect();
    assert_eq!(kept.len(), 1, "the way out alone stays: {kept:?}");
    let other = ServedInterface {
        exit: Exit::LoadBalancer,
        ..interface("vpc-1", 6, &["sg-unknown"])
    };
    let elements = vpcs["vpc-1"].structure.elements(&other);
    assert_eq!(
        elements.len(),
        1,
        "whose groups are unknown receives nothing: {elements:?}"
    );
}
