use std::cell::Cell;

use proptest::prelude::*;

use super::{by_hash, least, slow_start_share, turns, weighted};
use crate::dice::{Dice, mix};

#[test]
fn weights_are_kept_within_a_few_percent() {
    let dice = Dice::new(7);
    let weights = [10u32, 0, 90];
    let mut hits = [0u32; 3];
    for _ in 0..10_000 {
        hits[weighted(weights.iter().copied(), &dice).expect("a choice")] += 1;
    }
    assert_eq!(hits[1], 0);
    assert!((800..1200).contains(&hits[0]), "{hits:?}");
}

#[test]
fn nothing_weighs_nothing() {
    let dice = Dice::new(1);
    assert_eq!(weighted([0u32, 0].into_iter(), &dice), None);
    assert_eq!(weighted(std::iter::empty(), &dice), None);
    assert_eq!(least(0, 3, |_| 0), None);
    assert_eq!(turns(0, || 3, |_| 1000, &dice), None);
    assert_eq!(by_hash(3, std::iter::empty()), None);
}

#[test]
fn equals_take_turns() {
    let dice = Dice::new(1);
    let next = in_turn(3);
    let order: Vec<_> = (0..6).filter_map(|_| turns(3, &next, |_| 1000, &dice)).collect();
    assert_eq!(order, [0, 1, 2, 0, 1, 2]);
    let order: Vec<_> = (0..4).filter_map(|start| least(2, start, |_| 5)).collect();
    assert_eq!(order, [0, 1, 0, 1]);
    assert_eq!(least(3, 0, |index| [4, 2, 3][index]), Some(1));
}

#[test]
fn newcomers_get_their_share_of_turns() {
    assert_eq!(slow_start_share(0, 30_000), 10);
    assert_eq!(slow_start_share(15_000, 30_000), 500);
    assert_eq!(slow_start_share(30_000, 30_000), 1000);
    assert_eq!(slow_start_share(0, 0), 1000);
    let dice = Dice::new(3);
    let share = |index| if index == 0 { 200 } else { 1000 };
    let next = in_turn(3);
    let mut taken = [0_u32; 3];
    for _ in 0..11_000 {
        taken[turns(3, &next, share, &dice).expect("somebody")] += 1;
    }
    let [newcomer, first, second] = taken;
    assert!(
        (900..1100).contains(&newcomer),
        "a fifth of what others get: {taken:?}"
    );
    assert!(
        first.abs_diff(second) < 2,
        "what it does not take goes to all: {taken:?}"
    );
}

fn in_turn(count: usize) -> impl Fn() -> usize {
    let turn = Cell::new(0);
    move || turn.replace(turn.get() + 1) % count
}

proptest! {
    #[test]
    fn a_key_moves_only_when_its_own_entry_goes(key: u64, count in 2usize..20, gone in 0usize..20) {
        let entries: Vec<u64> = (0..count as u64).map(mix).collect();
        let before = by_hash(key, entries.iter().copied()).map(|index| entries[index]);
        let left: Vec<u64> =
            entries.iter().copied().enumerate().filter(|(index, _)| *index != gone).map(|(_, it)| it).collect();
        let after = by_hash(key, left.iter().copied()).map(|index| left[index]);
        if entries.get(gone).copied() != before {
            prop_assert_eq!(before, after);
        }
    }
}

#[test]
fn keys_spread_over_all_entries() {
    let entries: Vec<u64> = (0..5).map(mix).collect();
    let mut hits = [0u32; 5];
    for key in 0..10_000 {
        hits[by_hash(mix(key), entries.iter().copied()).expect("a choice")] += 1;
    }
    assert!(hits.iter().all(|it| (1700..2300).contains(it)), "{hits:?}");
}
