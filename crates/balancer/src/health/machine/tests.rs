use proptest::prelude::*;

use super::{Failure, Health, Machine, Thresholds};

const THRESHOLDS: Thresholds = Thresholds {
    first: 1,
    healthy: 3,
    unhealthy: 2,
};
const PASS: Result<(), Failure> = Ok(());
const FAIL: Result<(), Failure> = Err(Failure::Timeout);

fn run(results: &[Result<(), Failure>]) -> Vec<Option<Health>> {
    let mut machine = Machine::default();
    results
        .iter()
        .map(|it| machine.observe(*it, THRESHOLDS))
        .collect()
}

#[test]
fn one_pass_makes_a_new_target_healthy() {
    assert_eq!(run(&[PASS, PASS]), [Some(Health::Healthy), None]);
    assert_eq!(run(&[FAIL, PASS]), [None, Some(Health::Healthy)]);
}

#[test]
fn thresholds_count_results_in_a_row() {
    let unhealthy = Some(Health::Unhealthy(Failure::Timeout));
    assert_eq!(run(&[FAIL, FAIL, FAIL]), [None, unhealthy, None]);
    assert_eq!(
        run(&[PASS, FAIL, PASS, FAIL, FAIL]),
        [Some(Health::Healthy), None, None, None, unhealthy]
    );
    assert_eq!(
        run(&[FAIL, FAIL, PASS, PASS, FAIL, PASS, PASS, PASS]),
        [
            None,
            unhealthy,
            None,
            None,
            None,
            None,
            None,
            Some(Health::Healthy)
        ]
    );
}

#[test]
fn another_reason_is_a_change() {
    let mismatch = Err(Failure::Code(404));
    assert_eq!(
        run(&[FAIL, FAIL, mismatch, mismatch]),
        [
            None,
            Some(Health::Unhealthy(Failure::Timeout)),
            Some(Health::Unhealthy(Failure::Code(404))),
            None
        ]
    );
}

#[test]
fn reasons_are_in_amazons_words() {
    let said = |it: Failure| {
        let record = Health::Unhealthy(it).record();
        format!(
            "{} {}",
            record.reason.map_or("", |it| it.as_str()),
            record.description.unwrap_or_default()
        )
    };
    assert_eq!(said(Failure::Timeout), "Target.Timeout Request timed out");
    assert_eq!(
        said(Failure::Connection),
        "Target.FailedHealthChecks Health checks failed"
    );
    assert_eq!(
        said(Failure::Code(404)),
        "Target.ResponseCodeMismatch Health checks failed with these codes: [404]"
    );
}

proptest! {
    #[test]
    fn health_follows_the_last_long_streak(results in prop::collection::vec(any::<bool>(), 0..60)) {
        let mut machine = Machine::default();
        for passed in &results {
            machine.observe(if *passed { PASS } else { FAIL }, THRESHOLDS);
        }
        let last = |count: usize, passed: bool| {
            results.len() >= count && results.iter().rev().take(count).all(|it| *it == passed)
        };
        if last(3, true) {
            prop_assert_eq!(machine.health(), Health::Healthy);
        }
        if last(2, false) {
            prop_assert_eq!(machine.health(), Health::Unhealthy(Failure::Timeout));
        }
    }
}

#[test]
fn a_known_health_takes_as_long_to_change_as_any() {
    let mut machine = Machine::known(Health::Healthy);
    assert_eq!(machine.observe(PASS, THRESHOLDS), None);
    assert_eq!(machine.observe(FAIL, THRESHOLDS), None);
    assert_eq!(
        machine.observe(FAIL, THRESHOLDS),
        Some(Health::Unhealthy(Failure::Timeout))
    );
    let mut machine = Machine::known(Health::Unhealthy(Failure::Timeout));
    let results = [PASS, PASS, PASS].map(|it| machine.observe(it, THRESHOLDS));
    assert_eq!(results, [None, None, Some(Health::Healthy)]);
}
