//! From what a host is told of a VPC to the table of its namespace. Pure.
//!
//! What one interface of a VPC sends another passes, in the hook `forward`, one base chain after the other; each of them
//! has to let it pass:
//!
//! ```text
//! ways      out of the VPC: a route that leads there, or it is dropped
//! egress    the security groups of who sends
//! borders   the network ACLs of both subnets, unless they are one; without connections: each packet for itself
//! ingress   the security groups of who receives
//! ```
//!
//! Connections are tracked for each of their ends, by a bit of the connection's mark: what passes at an end as a rule
//! says that needs tracking passes until the connection ends. As on Amazon, an end whose rule lets in (or out) all
//! addresses, while the group lets everything out (or in), needs none: it is judged by the rules of the moment.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html>
//!
//! The maps `ways_of`, `out_of` and `into` lead from an address to the chain that decides. An address that is not there
//! sends and receives nothing. Each group has a set of its members, `members-sg-…`, so that a change of membership is an
//! element, and no rule; it is there before rules name the group, so that a rule that does is one rule, and no element.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use domain::network_acl::{AclAction, NetworkAclEntry};
use domain::network_traffic::{Direction, PortRange, Traffic};
use domain::served_network::{
    Exit, Guard, ServedGroup, ServedInterface, ServedPeer, ServedRouteTable, ServedRule, ServedVpc, Way,
};
use domain::service_connect::VIRTUAL_ADDRESSES;
use domain::vpc::Cidr;
use ipnet::{IpNet, Ipv4Net};
use sha2::{Digest, Sha256};

use super::super::overlay::{LINK, TUNNELS};
use super::super::preserving::Preserving;
use super::interfaces::Interfaces;
use super::preserving;
use super::rule::{Match, Rule, Side, Verdict, matching, within};
use super::ruleset::{Chain, Element, INTO, OUT_OF, Ruleset, WAYS_OF};

/// Addresses of hosts and of their VPCs among themselves: no way out leads there.
const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// The set of proxies of Service Connect.
pub(super) const PROXIES: &str = "proxies";

/// The mark of connections that are tracked at the end that began them.
const BEGUN: &str = "0x1";
/// The same, at the other end.
const ACCEPTED: &str = "0x2";
/// The chain that a rule which needs tracking leads to, by direction.
const TRACKED_IN: &str = "tracked-in";
const TRACKED_OUT: &str = "tracked-out";

/// Where a VPC is on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::network) struct Site {
    /// Its link to the host.
    pub(in crate::network) uplink: &'static str,
    /// The host's address on it.
    pub(in crate::network) host: Ipv4Addr,
    /// Those in it that send with the addresses of their clients.
    pub(in crate::network) preserving: BTreeSet<Preserving>,
}

/// What of a VPC decides which elements an interface has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Structure {
    groups: BTreeSet<String>,
    /// Route tables by subnet.
    route_tables: BTreeMap<String, String>,
}

impl Structure {
    pub(super) fn of(vpc: &ServedVpc) -> Self {
        let is_there = |table: &String| vpc.route_tables.iter().any(|it| it.id == *table);
        let routed = vpc.subnets.iter().filter_map(|it| {
            let table = it.route_table.clone().filter(is_there)?;
            Some((it.id.clone(), table))
        });
        Self {
            groups: vpc.groups.iter().map(|it| it.id.clone()).collect(),
            route_tables: routed.collect(),
        }
    }

    /// Whether an interface may have other elements in the other structure.
    pub(super) fn differs_for(&self, other: &Self, it: &ServedInterface) -> bool {
        let table = |structure: &Self| structure.route_tables.get(&it.subnet_id).cloned();
        let is_of_one = |group: &String| self.groups.contains(group) != other.groups.contains(group);
        let groups = match &it.guard {
            Guard::Groups(groups) => &groups[..],
            Guard::Nothing | Guard::Proxy => &[],
        };
        table(self) != table(other) || groups.iter().any(is_of_one)
    }

    /// The elements of an interface.
    pub(super) fn elements(&self, it: &ServedInterface) -> Vec<Element> {
        let address = it.key.address;
        let element = |set: &str, verdict| Element {
            set: set.to_owned(),
            address,
            verdict,
        };
        let mut elements = Vec::new();
        match &it.guard {
            Guard::Nothing | Guard::Proxy => {
                elements.push(element(INTO, Some(Verdict::Accept)));
                elements.push(element(OUT_OF, Some(Verdict::Accept)));
                if it.guard == Guard::Proxy {
                    elements.push(element(PROXIES, None));
                }
            }
            Guard::Groups(groups) => {
                let groups = self.known(groups);
                if !groups.is_empty() {
                    elements.push(element(INTO, Some(Verdict::Goto(chain_of("in", &groups)))));
                    elements.push(element(OUT_OF, Some(Verdict::Goto(chain_of("out", &groups)))));
                }
                elements.extend(groups.iter().map(|it| element(&members(it), None)));
            }
        }
        let way = match it.exit {
            Exit::LoadBalancer => Some(Verdict::Accept),
            Exit::Private | Exit::Public => {
                let table = self.route_tables.get(&it.subnet_id);
                table.map(|table| Verdict::Goto(way(table, it.exit)))
            }
        };
        elements.extend(way.map(|it| element(WAYS_OF, Some(it))));
        elements
    }

    /// The chains that join groups of an interface, if it has several.
    pub(super) fn joined(&self, groups: &[String]) -> Option<[(String, Chain); 2]> {
        let groups = self.known(groups);
        if groups.len() < 2 {
            return None;
        }
        let chain = |direction: &str| {
            let jump = |group: &&str| Rule::plain([], Verdict::Jump(format!("{direction}-{group}")));
            let rules = groups.iter().map(jump);
            let chain = Chain {
                hook: None,
                rules: rules.collect(),
            };
            (chain_of(direction, &groups), chain)
        };
        Some([chain("in"), chain("out")])
    }

    fn known<'a>(&self, groups: &'a [String]) -> BTreeSet<&'a str> {
        let known = groups.iter().filter(|it| self.groups.contains(*it));
        known.map(String::as_str).collect()
    }
}

/// The table of a VPC, without what is in its sets and maps; nothing passes to or from interfaces that are not in them.
pub(super) fn compile(
    site: &Site,
    vpc: Option<&ServedVpc>,
    structure: &Structure,
    interfaces: &Interfaces,
) -> Ruleset {
    let mut ruleset = Ruleset {
        chains: base(site, vpc),
        sets: BTreeSet::from([PROXIES.to_owned()]),
    };
    let Some(vpc) = vpc else {
        preserving::add(&mut ruleset.chains, site, &BTreeMap::new(), None);
        return ruleset;
    };
    let through = preserving::links_by_group(site, interfaces);
    ruleset.sets.extend(member_sets(vpc));
    for group in &vpc.groups {
        for (direction, word) in [(Direction::Ingress, "in"), (Direction::Egress, "out")] {
            ruleset.add_chain(
                format!("{word}-{}", group.id),
                group_rules(group, direction, &through),
            );
        }
    }
    for acl in &vpc.acls {
        for (direction, word) in [(Direction::Ingress, "in"), (Direction::Egress, "out")] {
            ruleset.add_chain(format!("{word}-{}", acl.id), acl_rules(&acl.entries, direction));
        }
    }
    for table in &vpc.route_tables {
        for exit in [Exit::Private, Exit::Public] {
            ruleset.add_chain(way(&table.id, exit), routes(table, exit));
        }
    }
    let out = preserving::verdicts(site, structure, interfaces);
    preserving::add(&mut ruleset.chains, site, &out, Some(vpc));
    let joined = interfaces.combinations().filter_map(|it| structure.joined(it));
    ruleset.chains.extend(joined.flatten());
    ruleset
}

/// Sets of members: those of all groups, and of others that rules name, which have none.
fn member_sets(vpc: &ServedVpc) -> impl Iterator<Item = String> {
    let rules = vpc.groups.iter().flat_map(|it| &it.rules);
    let named = rules.filter_map(|it| match &it.peer {
        ServedPeer::Group(group) => Some(group),
        ServedPeer::Ranges(_) => None,
    });
    let groups = vpc.groups.iter().map(|it| &it.id);
    groups.chain(named).map(|it| members(it))
}

impl Ruleset {
    fn add_chain(&mut self, name: String, rules: Vec<Rule>) {
        self.chains.insert(name, Chain { hook: None, rules });
    }
}

/// The chains that packets enter.
fn base(site: &Site, vpc: Option<&ServedVpc>) -> BTreeMap<String, Chain> {
    let Site { uplink, host, .. } = site;
    let ways = vec![
        format!(r#"oifname != "{uplink}" accept"#),
        // Answers to who came from there.
        "ct direction reply accept".to_owned(),
        format!("ip saddr vmap @{WAYS_OF}"),
    ];
    let mut egress = tracked(BEGUN, ACCEPTED);
    egress.push(format!(r#"iifname "{uplink}" accept"#));
    // What the host of another part of the VPC sends: only hosts have these addresses.
    let (from_hosts, to_hosts) = (
        format!(r#"iifname "{LINK}" ip saddr {TUNNELS}"#),
        format!(r#"oifname "{LINK}" ip daddr {TUNNELS} ct direction reply"#),
    );
    egress.push(format!("{from_hosts} accept"));
    // What proxies of Service Connect answer.
    egress.push(format!("ip saddr {VIRTUAL_ADDRESSES} accept"));
    egress.push(format!("ip saddr vmap @{OUT_OF}"));
    let mut between = vec![
        format!(r#"iifname "{uplink}" ip saddr {host} accept"#),
        format!(r#"oifname "{uplink}" ip daddr {host} accept"#),
        format!("{from_hosts} accept"),
        format!("{to_hosts} accept"),
    ];
    between.extend(vpc.map(borders).unwrap_or_default());
    let mut ingress = tracked(ACCEPTED, BEGUN);
    ingress.push(format!(
        r#"iifname "{uplink}" ip saddr {host} ct mark set ct mark or {ACCEPTED} accept"#
    ));
    ingress.push(format!("{from_hosts} ct mark set ct mark or {ACCEPTED} accept"));
    ingress.push(format!("{to_hosts} accept"));
    ingress.push(format!(r#"oifname "{uplink}" accept"#));
    ingress.push(format!("ip daddr {VIRTUAL_ADDRESSES} accept"));
    ingress.push(format!("ip saddr @{PROXIES} goto {TRACKED_IN}"));
    ingress.push(format!("ip daddr vmap @{INTO}"));
    // What leaves takes the VPC's own address on the host, since two VPCs may have equal ranges.
    let leaving = vec![
        format!(r#"oifname "{uplink}" masquerade"#),
        // What the host sends to another one has its address inside of tunnels, so that the answer comes back to it.
        format!(r#"oifname "{LINK}" ip saddr {host} masquerade"#),
    ];
    hooked(ways, egress, between, ingress, leaving)
}

/// Base chains with their hooks, and those that mark connections.
fn hooked(
    ways: Vec<String>,
    egress: Vec<String>,
    between: Vec<String>,
    ingress: Vec<String>,
    leaving: Vec<String>,
) -> BTreeMap<String, Chain> {
    let chains = [
        (
            "ways",
            "type filter hook forward priority -40; policy drop;",
            ways,
        ),
        (
            "egress",
            "type filter hook forward priority -30; policy drop;",
            egress,
        ),
        (
            "borders",
            "type filter hook forward priority -20; policy accept;",
            between,
        ),
        (
            "ingress",
            "type filter hook forward priority -10; policy drop;",
            ingress,
        ),
        (
            "leaving",
            "type nat hook postrouting priority srcnat; policy accept;",
            leaving,
        ),
    ];
    let chains = chains
        .into_iter()
        .map(|(name, hook, rules)| (name, Some(hook), scripts(rules)));
    let marking = [(TRACKED_IN, ACCEPTED), (TRACKED_OUT, BEGUN)].map(|(name, mark)| {
        let mark = format!("ct direction original ct mark set ct mark or {mark}");
        let accept = Rule::plain([], Verdict::Accept);
        (name, None, vec![Rule::script(mark), accept])
    });
    let chains = chains.chain(marking);
    let chains = chains.map(|(name, hook, rules)| (name.to_owned(), Chain { hook, rules }));
    chains.collect()
}

/// Rules that `nft` alone can write.
pub(super) fn scripts(rules: impl IntoIterator<Item = String>) -> Vec<Rule> {
    rules.into_iter().map(Rule::Script).collect()
}

/// Lets pass what belongs to connections that are tracked at the end that is asked: the one end where they go on, the
/// other where they are answered.
fn tracked(original: &str, reply: &str) -> Vec<String> {
    vec![
        format!("ct direction original ct mark and {original} == {original} accept"),
        format!("ct direction reply ct mark and {reply} == {reply} accept"),
        "ct state related accept".to_owned(),
    ]
}

/// Which ACLs a packet has to pass: elements of maps that lead from the range of a subnet to the chain of its ACL. Those
/// that let everything pass are not asked.
pub(super) struct Borders {
    out: Vec<(Cidr, String)>,
    into: Vec<(Cidr, String)>,
}

impl Borders {
    pub(super) fn of(vpc: &ServedVpc) -> Self {
        let asked = |direction| {
            let word = match direction {
                Direction::Ingress => "in",
                Direction::Egress => "out",
            };
            let subnets = vpc.subnets.iter().filter_map(move |subnet| {
                let id = subnet.acl.as_ref()?;
                let acl = vpc.acls.iter().find(|it| it.id == *id)?;
                let is_asked = !passes_all(&acl.entries, direction);
                is_asked.then(|| (subnet.cidr, format!("jump {word}-{id}")))
            });
            subnets.collect()
        };
        Self {
            out: asked(Direction::Egress),
            into: asked(Direction::Ingress),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty() && self.into.is_empty()
    }

    /// Asks the ACL of the subnet that a packet leaves by its source.
    pub(super) fn at_source(&self) -> Option<String> {
        Self::map("ip saddr", &self.out)
    }

    /// Asks that of the subnet which it enters by its destination.
    pub(super) fn at_destination(&self) -> Option<String> {
        Self::map("ip daddr", &self.into)
    }

    /// Asks that of the subnet of this address, if something leaves it.
    pub(super) fn leaving(&self, address: Ipv4Addr) -> Option<&str> {
        Self::at(address, &self.out)
    }

    /// The same, if something enters it.
    pub(super) fn entering(&self, address: Ipv4Addr) -> Option<&str> {
        Self::at(address, &self.into)
    }

    fn map(side: &str, asked: &[(Cidr, String)]) -> Option<String> {
        let elements: Vec<_> = asked
            .iter()
            .map(|(range, jump)| format!("{range} : {jump}"))
            .collect();
        (!elements.is_empty()).then(|| format!("{side} vmap {{ {} }}", elements.join(", ")))
    }

    fn at(address: Ipv4Addr, asked: &[(Cidr, String)]) -> Option<&str> {
        let mut found = asked.iter().filter(|(range, _)| range.contains(address));
        found.next().map(|(_, jump)| jump.as_str())
    }
}

fn borders(vpc: &ServedVpc) -> Vec<String> {
    let borders = Borders::of(vpc);
    if borders.is_empty() {
        return Vec::new();
    }
    let within: Vec<_> = vpc
        .subnets
        .iter()
        .map(|it| format!("{0} . {0}", it.cidr))
        .collect();
    let within = format!("ip saddr . ip daddr {{ {} }} accept", within.join(", "));
    let asked = [borders.at_source(), borders.at_destination()];
    [within].into_iter().chain(asked.into_iter().flatten()).collect()
}

/// `through` has the links of load balancers that send for clients, by the groups that these load balancers are in.
fn group_rules(
    group: &ServedGroup,
    direction: Direction,
    through: &BTreeMap<&str, BTreeSet<&str>>,
) -> Vec<Rule> {
    let (rules, others): (Vec<_>, Vec<_>) = group.rules.iter().partition(|it| it.direction == direction);
    let verdict = |it: &ServedRule| match (needs_tracking(it, &others), direction) {
        (false, _) => Verdict::Accept,
        (true, Direction::Ingress) => Verdict::Goto(TRACKED_IN.to_owned()),
        (true, Direction::Egress) => Verdict::Goto(TRACKED_OUT.to_owned()),
    };
    let rules = rules.into_iter();
    rules
        .flat_map(|it| group_rule(it, &verdict(it), through))
        .collect()
}

fn group_rule(rule: &ServedRule, verdict: &Verdict, through: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Rule> {
    let Some(traffic) = matching(rule.traffic) else {
        return Vec::new();
    };
    let side = Side::of_peer(rule.direction);
    let accept = |peer: Option<Match>| Rule::plain(peer.into_iter().chain(traffic.clone()), verdict.clone());
    match &rule.peer {
        ServedPeer::Group(group) => {
            let links = through.get(group.as_str()).into_iter().flatten();
            let links = links.filter(|_| rule.direction == Direction::Ingress);
            let through = links.map(|it| Match::Link((*it).to_owned()));
            let peers = [Match::Member(side, members(group))].into_iter().chain(through);
            peers.map(|it| accept(Some(it))).collect()
        }
        ServedPeer::Ranges(ranges) => Ipv4Net::aggregate(ranges)
            .into_iter()
            .map(|it| accept(within(side, it)))
            .collect(),
    }
}

/// Whether answers to what a rule lets through might not pass by the rules of the other direction.
fn needs_tracking(rule: &ServedRule, others: &[&ServedRule]) -> bool {
    let is_everywhere = |it: &ServedRule| matches!(&it.peer, ServedPeer::Ranges(all) if all.iter().any(|it| it.prefix_len() == 0));
    if !is_everywhere(rule) {
        return true;
    }
    let is_answered = |it: &&ServedRule| match (rule.traffic, it.traffic) {
        (Traffic::Tcp(_) | Traffic::Udp(_) | Traffic::All, Traffic::All) => true,
        (Traffic::Tcp(_), Traffic::Tcp(ports)) | (Traffic::Udp(_), Traffic::Udp(ports)) => {
            ports == PortRange::ALL
        }
        _ => false,
    };
    let mut others = others.iter().copied().filter(|it| is_everywhere(it));
    !others.any(|it| is_answered(&it))
}

fn acl_rules(entries: &[NetworkAclEntry], direction: Direction) -> Vec<Rule> {
    let mut entries: Vec<_> = entries.iter().filter(|it| it.direction == direction).collect();
    entries.sort_by_key(|it| it.number);
    let rules = entries.into_iter().filter_map(|it| {
        let IpNet::V4(net) = it.range else { return None };
        let verdict = match it.action {
            AclAction::Allow => Verdict::Return,
            AclAction::Deny => Verdict::Drop,
        };
        let range = within(Side::of_peer(direction), net.trunc());
        Some(Rule::plain(
            range.into_iter().chain(matching(it.traffic)?),
            verdict,
        ))
    });
    rules.chain([Rule::plain([], Verdict::Drop)]).collect()
}

/// Whether the first entry lets everything pass.
fn passes_all(entries: &[NetworkAclEntry], direction: Direction) -> bool {
    let of_ipv4 = entries
        .iter()
        .filter(|it| it.direction == direction && matches!(it.range, IpNet::V4(_)));
    of_ipv4.min_by_key(|it| it.number).is_some_and(|it| {
        it.action == AclAction::Allow && it.traffic == Traffic::All && it.range.prefix_len() == 0
    })
}

fn routes(table: &ServedRouteTable, exit: Exit) -> Vec<Rule> {
    let mut routes = table.routes.clone();
    routes.sort_by_key(|it| (std::cmp::Reverse(it.destination.prefix_len()), it.destination));
    let to = |range| within(Side::Destination, range);
    let rules = routes.iter().map(|it| {
        let verdict = match (it.way, exit) {
            (Way::Nat, _) | (Way::Internet, Exit::Public | Exit::LoadBalancer) => Verdict::Accept,
            (Way::Internet, Exit::Private) | (Way::Nowhere, _) => Verdict::Drop,
        };
        Rule::plain(to(it.destination.trunc()), verdict)
    });
    [Rule::plain(to(LINK_LOCAL), Verdict::Drop)]
        .into_iter()
        .chain(rules)
        .collect()
}

/// The set of a group's members.
fn members(group: &str) -> String {
    format!("members-{group}")
}

fn way(route_table: &str, exit: Exit) -> String {
    match exit {
        Exit::Private => format!("private-{route_table}"),
        Exit::Public | Exit::LoadBalancer => format!("public-{route_table}"),
    }
}

/// The chain of one group, or that which joins several.
fn chain_of(direction: &str, groups: &BTreeSet<&str>) -> String {
    let mut groups_left = groups.iter();
    match (groups_left.next(), groups_left.next()) {
        (Some(one), None) => format!("{direction}-{one}"),
        _ => {
            let mut hash = Sha256::new();
            for group in groups {
                hash.update(group);
                hash.update([0]);
            }
            format!("{direction}-all-{}", hex::encode(&hash.finalize()[..8]))
        }
    }
}
