use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn total(cpu: u32, memory: u32) -> Resources {
    Resources {
        cpu,
        memory,
        ports: BTreeSet::new(),
        gpus: 0,
    }
}

/// What it is about, the sites, and which move follows.
type Case<'a> = (&'static str, Vec<Site<'a>>, Option<(usize, usize)>);

#[test]
fn crowded_container_instances_give_to_empty_ones() {
    let size = total(1000, 1000);
    let site = |promised: u32, movable: u32, is_open: bool, spread: &[(usize, u32)]| Site {
        total: &size,
        promised: (promised, promised / 2),
        movable,
        is_open,
        spread: spread.to_vec(),
    };
    let task = (100, 50);
    let cases: [Case<'_>; 8] = [
        (
            "far apart",
            vec![site(800, 4, true, &[]), site(0, 0, true, &[])],
            Some((0, 1)),
        ),
        (
            "near enough",
            vec![site(300, 2, true, &[]), site(150, 1, true, &[])],
            None,
        ),
        (
            "just far enough",
            vec![site(300, 2, true, &[]), site(100, 1, true, &[])],
            Some((0, 1)),
        ),
        (
            "closed",
            vec![site(800, 4, true, &[]), site(0, 0, false, &[])],
            None,
        ),
        (
            "nothing that may go",
            vec![site(800, 0, true, &[]), site(0, 0, true, &[])],
            None,
        ),
        (
            "the next most crowded gives",
            vec![
                site(900, 0, true, &[]),
                site(700, 1, true, &[]),
                site(100, 1, true, &[]),
            ],
            Some((1, 2)),
        ),
        (
            "the zone that has as many takes none",
            vec![site(800, 2, true, &[(0, 2)]), site(0, 0, true, &[(1, 2)])],
            None,
        ),
        (
            "the zone that has fewer does, and so does the same",
            vec![
                site(800, 2, true, &[(0, 2)]),
                site(50, 0, true, &[(0, 2)]),
                site(0, 0, true, &[(1, 1)]),
            ],
            Some((0, 2)),
        ),
    ];
    for (what, sites, expected) in cases {
        assert_eq!(next_move(&sites, task), expected, "{what}");
    }
}

/// A host with its tasks: of which service each is.
#[derive(Clone, Debug)]
struct Host {
    size: Resources,
    zone: usize,
    tasks: Vec<usize>,
}

const SERVICES: usize = 3;

fn weight(service: usize) -> (u32, u32) {
    [(50, 10), (100, 300), (10, 150)][service]
}

fn sites(hosts: &[Host], service: usize) -> Vec<Site<'_>> {
    let of_zone = |zone: usize| {
        let tasks = hosts.iter().filter(|it| it.zone == zone).flat_map(|it| &it.tasks);
        u32::try_from(tasks.filter(|it| **it == service).count()).unwrap_or(0)
    };
    let site = |(index, host): (usize, &'_ Host)| {
        let own = host.tasks.iter().filter(|it| **it == service).count();
        let own = u32::try_from(own).unwrap_or(0);
        let sum = |of: fn((u32, u32)) -> u32| host.tasks.iter().map(|it| of(weight(*it))).sum::<u32>();
        let promised = (sum(|it| it.0), sum(|it| it.1));
        let (cpu, memory) = weight(service);
        (
            promised,
            own,
            promised.0 + cpu <= host.size.cpu && promised.1 + memory <= host.size.memory,
            vec![(host.zone, of_zone(host.zone)), (index, own)],
        )
    };
    hosts
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let (promised, movable, is_open, spread) = site((index, host));
            Site {
                total: &host.size,
                promised,
                movable,
                is_open,
                spread,
            }
        })
        .collect()
}

proptest! {
    /// Services that take turns in any order come to an end, and none of their zones gets less even on the way.
    #[test]
    fn moves_come_to_an_end(
        given in proptest::collection::vec(
            (500_u32..4000, 500_u32..4000, 0_usize..3, proptest::collection::vec(0..SERVICES, 0..12)), 1..8),
        turns in proptest::collection::vec(0..SERVICES, 40),
    ) {
        let mut hosts: Vec<Host> = given.into_iter()
            .map(|(cpu, memory, zone, tasks)| Host { size: total(cpu, memory), zone, tasks })
            .collect();
        let shares = |hosts: &[Host]| {
            let mut shares: Vec<u32> = sites(hosts, 0).iter().map(|it| it.share((0, 0))).collect();
            shares.sort_unstable_by(|a, b| b.cmp(a));
            shares
        };
        let mut turns = turns.into_iter().cycle();
        for _ in 0..3000 {
            let turn = turns.next().unwrap_or(0);
            let order = (0..SERVICES).map(|it| (it + turn) % SERVICES);
            let found = order.clone().find_map(|it| Some((it, next_move(&sites(&hosts, it), weight(it))?)));
            let Some((service, (from, to))) = found else {
                return Ok(());
            };
            let before = shares(&hosts);
            let place = hosts[from].tasks.iter().position(|it| *it == service).expect("has one");
            hosts[from].tasks.remove(place);
            hosts[to].tasks.push(service);
            prop_assert!(shares(&hosts) < before, "less crowded with each move");
        }
        prop_assert!(false, "it never ends: {hosts:?}");
    }
}
