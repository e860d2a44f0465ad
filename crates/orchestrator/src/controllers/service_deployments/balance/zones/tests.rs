use proptest::prelude::*;

use super::*;

fn zones(given: &[(&str, u32, u32)]) -> BTreeMap<String, ZoneTasks> {
    let zone = |(name, tasks, protected): &(&str, u32, u32)| {
        let (tasks, protected) = (*tasks, *protected);
        ((*name).to_owned(), ZoneTasks { tasks, protected })
    };
    given.iter().map(zone).collect()
}

fn open(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn moves(from: &str, to: &[&str]) -> ZoneWish {
    ZoneWish::Move {
        from: from.to_owned(),
        to: to.iter().map(|it| (*it).to_owned()).collect(),
    }
}

/// Zones with all tasks and those that are protected, zones that take tasks, and what is wished.
type Case<'a> = (&'a [(&'a str, u32, u32)], &'a [&'a str], ZoneWish);

#[test]
fn the_fullest_zone_gives_to_the_emptiest() {
    let all = ["a", "b", "c"];
    let cases: [Case<'_>; 9] = [
        (&[("a", 2, 0), ("b", 1, 0), ("c", 1, 0)], &all, ZoneWish::Even),
        (&[("a", 3, 0), ("b", 1, 0), ("c", 2, 0)], &all, moves("a", &["b"])),
        (&[("a", 4, 0), ("b", 2, 0)], &all, moves("a", &["c", "b"])),
        (&[("a", 4, 0), ("b", 2, 0)], &["a", "b"], moves("a", &["b"])),
        (&[("a", 4, 0)], &["a"], ZoneWish::Even),
        (&[("a", 4, 0)], &[], ZoneWish::Even),
        (&[("a", 4, 4), ("b", 1, 0)], &["a", "b"], ZoneWish::Held(4)),
        (&[("a", 4, 4), ("b", 3, 1), ("c", 1, 0)], &all, moves("b", &["c"])),
        (&[], &all, ZoneWish::Even),
    ];
    for (given, names, expected) in cases {
        assert_eq!(wish(&zones(given), &open(names)), expected, "{given:?} {names:?}");
    }
}

#[test]
fn events_name_the_fullest_zone_first() {
    let text = told(&zones(&[("a", 1, 0), ("b", 3, 0)]), &open(&["a", "b", "c"]));
    assert_eq!(text, "3 tasks in b, 1 tasks in a, 0 tasks in c");
}

proptest! {
    /// Whatever is protected, open or full, moves end; without protection, they end evenly.
    #[test]
    fn moves_come_to_an_end(
        given in proptest::collection::btree_map("[a-f]", (0_u32..30, 0_u32..10), 0..6),
        names in proptest::collection::btree_set("[a-f]", 0..6),
        choices in proptest::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let mut zones: BTreeMap<String, ZoneTasks> = given.into_iter()
            .map(|(name, (tasks, protected))| (name, ZoneTasks { tasks, protected: protected.min(tasks) }))
            .collect();
        let all: u32 = zones.values().map(|it| it.tasks).sum();
        for choice in choices {
            match wish(&zones, &names) {
                ZoneWish::Move { from, to } => {
                    prop_assert!(!to.is_empty());
                    // Some of these zones may have no room.
                    let to = &to[choice.index(to.len())];
                    let squares = |zones: &BTreeMap<String, ZoneTasks>| -> u32 {
                        zones.values().map(|it| it.tasks * it.tasks).sum()
                    };
                    let before = squares(&zones);
                    let giving = zones.get_mut(&from).expect("has tasks");
                    prop_assert!(giving.tasks > giving.protected, "a protected task moves");
                    giving.tasks -= 1;
                    zones.entry(to.clone()).or_default().tasks += 1;
                    prop_assert!(squares(&zones) < before, "nearer to even with each move");
                }
                ZoneWish::Even => {
                    let least = names.iter().map(|it| zones.get(it).map_or(0, |it| it.tasks)).min();
                    let most = zones.values().map(|it| it.tasks).max();
                    prop_assert!(least.zip(most).is_none_or(|(least, most)| most <= least + 1));
                    return Ok(());
                }
                ZoneWish::Held(_) => return Ok(()),
            }
            prop_assert_eq!(zones.values().map(|it| it.tasks).sum::<u32>(), all);
        }
        prop_assert!(false, "it never ends: {zones:?}");
    }
}
