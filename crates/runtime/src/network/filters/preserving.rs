//! What load balancers send with the addresses of their clients, and what comes back. Pure.
//!
//! ```text
//! client ─▶ load balancer ─ from the client's address ─▶ target
//!    ▲            │  ▲                                      │
//!    └────────────┘  └── by the mark of the connection ─────┘
//! ```
//!
//! Such a connection has its load balancer's number in the upper bits of its mark; the lower ones say how it is tracked.
//! Packets that answer take the number along as their own mark, by which they are routed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use domain::served_network::{Guard, ServedVpc};
use domain::vpc::Cidr;

use super::super::preserving::{NUMBERS, Preserving};
use super::compile::{Borders, PROXIES, Site, Structure, scripts};
use super::interfaces::Interfaces;
use super::rule::Verdict;
use super::ruleset::{Chain, OUT_OF};

/// The chain that marks.
const CHAIN: &str = "preserving";
/// The links of those that are in a group, by group: what they send for clients, they send as members of theirs.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html>
pub(super) fn links_by_group<'a>(
    site: &'a Site,
    interfaces: &'a Interfaces,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut links: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in &site.preserving {
        for it in one.addresses.iter().filter_map(|it| interfaces.get(*it)) {
            let Guard::Groups(groups) = &it.guard else {
                continue;
            };
            for group in groups {
                links.entry(group).or_default().insert(&one.link);
            }
        }
    }
    links
}

/// What decides about what each of them sends: its own groups, by its first address.
pub(super) fn verdicts(
    site: &Site,
    structure: &Structure,
    interfaces: &Interfaces,
) -> BTreeMap<Ipv4Addr, Verdict> {
    let first = site.preserving.iter().filter_map(|it| it.address());
    let own = first.filter_map(|it| interfaces.get(it));
    let elements = own.flat_map(|it| structure.elements(it));
    let out = elements.filter(|it| it.set == OUT_OF);
    out.filter_map(|it| Some((it.address, it.verdict?))).collect()
}

/// Adds to the chains that packets enter what concerns those that send for clients. One whose verdict is unknown sends
/// nothing.
pub(super) fn add(
    chains: &mut BTreeMap<String, Chain>,
    site: &Site,
    verdicts: &BTreeMap<Ipv4Addr, Verdict>,
    vpc: Option<&ServedVpc>,
) {
    if site.preserving.is_empty() {
        return;
    }
    let mut marking = Vec::new();
    let (mut ways, mut egress, mut ingress) = (Vec::new(), Vec::new(), Vec::new());
    let borders: Vec<_> = vpc.into_iter().flat_map(|vpc| borders(site, vpc)).collect();
    for one in &site.preserving {
        let Preserving { link, .. } = one;
        let sends = sends(one);
        let mark = format!("{:#x}", one.mark());
        // The endpoint that gives tasks their credentials knows them by their addresses.
        marking.push(format!("{sends} fib daddr type local drop"));
        // What belongs to no connection has no mark, and no rule below would meet it.
        marking.push(format!("{sends} ct state invalid,untracked drop"));
        // Nobody is a client by way of a proxy, and what proxies send is let in unasked.
        marking.push(format!("{sends} ip saddr @{PROXIES} drop"));
        marking.push(format!("{sends} ct state new ct mark set {mark}"));
        // Nobody's connections but their own: not those that clients have made themselves.
        marking.push(format!("{sends} ct mark and {NUMBERS:#x} != {mark} drop"));
        // Nor is theirs anybody else's: the client has the same address and port, and groups would not be asked about it.
        marking.push(format!(
            r#"iifname != "{link}" ct direction original ct mark and {NUMBERS:#x} == {mark} drop"#
        ));
        // There its answers would not find back.
        ways.push(format!(r#"{sends} oifname "{}" drop"#, site.uplink));
        let verdict = one.address().and_then(|it| verdicts.get(&it));
        egress.push(format!("{sends} {}", verdict.unwrap_or(&Verdict::Drop)));
        ingress.push(format!("{} accept", answers(one)));
    }
    marking.push(format!(
        "ct direction reply ct mark and {NUMBERS:#x} != 0x0 meta mark set ct mark and {NUMBERS:#x}"
    ));
    let hook = Some("type filter hook prerouting priority mangle; policy accept;");
    let rules = scripts(marking);
    chains.insert(CHAIN.to_owned(), Chain { hook, rules });
    insert(chains, "ways", 0, ways);
    insert(chains, "borders", 0, borders);
    // What is tracked goes on as it was begun.
    insert(chains, "egress", TRACKED_RULES, egress);
    insert(chains, "ingress", TRACKED_RULES, ingress);
}

/// The ACLs that are asked about what they send for clients, and about the answers. They see the client's address, but it
/// is the subnet of the load balancer that such a packet leaves. It is that of its first address: where the client came to
/// is not known here. To a target beside any of its addresses no border is crossed.
fn borders(site: &Site, vpc: &ServedVpc) -> Vec<String> {
    let asked = Borders::of(vpc);
    if asked.is_empty() {
        return Vec::new();
    }
    let mut rules = Vec::new();
    for one in &site.preserving {
        let Some(first) = one.address() else { continue };
        let (sends, answers) = (sends(one), answers(one));
        let is_own = |range: Cidr| one.addresses.iter().any(|it| range.contains(*it));
        let own = vpc.subnets.iter().filter(|it| is_own(it.cidr));
        let own: Vec<String> = own.map(|it| it.cidr.to_string()).collect();
        let within = |side: &str| match own.is_empty() {
            true => None,
            false => Some(format!("{side} {{ {} }} accept", own.join(", "))),
        };
        let out = [
            within("ip daddr"),
            asked.leaving(first).map(str::to_owned),
            asked.at_destination(),
            Some("accept".to_owned()),
        ];
        let back = [
            within("ip saddr"),
            asked.at_source(),
            asked.entering(first).map(str::to_owned),
            Some("accept".to_owned()),
        ];
        rules.extend(out.into_iter().flatten().map(|it| format!("{sends} {it}")));
        rules.extend(back.into_iter().flatten().map(|it| format!("{answers} {it}")));
    }
    rules
}

/// Rules at the beginning of a chain that let pass what is tracked.
const TRACKED_RULES: usize = 3;

fn insert(chains: &mut BTreeMap<String, Chain>, name: &str, place: usize, rules: Vec<String>) {
    if let Some(chain) = chains.get_mut(name) {
        chain.rules.splice(place..place, scripts(rules));
    }
}

/// Matches what one sends with an address that is not its own.
fn sends(one: &Preserving) -> String {
    let own: Vec<String> = one.addresses.iter().map(Ipv4Addr::to_string).collect();
    format!(r#"iifname "{}" ip saddr != {{ {} }}"#, one.link, own.join(", "))
}

/// Matches what answers it there.
fn answers(one: &Preserving) -> String {
    let (link, mark) = (&one.link, one.mark());
    format!(r#"oifname "{link}" ct direction reply ct mark and {NUMBERS:#x} == {mark:#x}"#)
}
