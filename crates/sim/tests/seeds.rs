//! Two hundred seeds, in parts that run side by side, and the promise that a seed is all there is to a world.

use sim::{Keep, run};

/// Seeds of each part.
const EACH: u64 = 25;

fn part(number: u64) {
    let first = number * EACH;
    for seed in first..first + EACH {
        let outcome = run(seed, Keep::Last);
        if let Some(violation) = &outcome.violation {
            let last: Vec<&str> = outcome.journal.lines().collect();
            panic!(
                "seed {seed}: {violation}\nreproduce: cargo xtask sim --seed {seed}\n\n{}",
                last.join("\n")
            );
        }
    }
}

#[test]
fn seeds_from_0() {
    part(0);
}

#[test]
fn seeds_from_25() {
    part(1);
}

#[test]
fn seeds_from_50() {
    part(2);
}

#[test]
fn seeds_from_75() {
    part(3);
}

#[test]
fn seeds_from_100() {
    part(4);
}

#[test]
fn seeds_from_125() {
    part(5);
}

#[test]
fn seeds_from_150() {
    part(6);
}

#[test]
fn seeds_from_175() {
    part(7);
}

#[test]
fn a_seed_gives_the_same_log_again_and_another_seed_another() {
    let hashes = |seed| {
        let (first, second) = (run(seed, Keep::Last), run(seed, Keep::All));
        assert_eq!(first.journal.count(), second.journal.count(), "seed {seed}");
        (first.journal.hash(), second.journal.hash())
    };
    let (first, again) = hashes(40);
    assert_eq!(first, again);
    let (other, again) = hashes(41);
    assert_eq!(other, again);
    assert_ne!(first, other);
}
