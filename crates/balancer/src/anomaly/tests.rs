//! Tables of what was counted, and what is said about it.

use super::*;

/// One period: what was counted of each target, as `requests/failures`.
fn counted(text: &str) -> Vec<Counted> {
    let one = |word: &str| {
        let (requests, failures) = word.split_once('/').expect("requests/failures");
        Counted {
            requests: requests.parse().expect("a number"),
            failures: failures.parse().expect("a number"),
        }
    };
    text.split_whitespace().map(one).collect()
}

fn next(standings: &[Standing], text: &str, mitigates: bool) -> Vec<Standing> {
    let counted = counted(text);
    assert_eq!(standings.len(), counted.len(), "{text}");
    let targets: Vec<_> = standings.iter().copied().zip(counted).collect();
    judge(&targets, PERIOD, mitigates)
}

/// Which targets are anomalous after one period.
fn anomalous(text: &str) -> Vec<usize> {
    let fresh = vec![Standing::default(); text.split_whitespace().count()];
    let judged = next(&fresh, text, true);
    let found = judged.iter().enumerate().filter(|(_, it)| it.is_anomalous);
    found.map(|(at, _)| at).collect()
}

#[test]
fn one_that_fails_far_more_often_than_its_peers_is_anomalous() {
    for (text, expected) in [
        ("100/0 100/0 100/0", &[][..]),
        ("100/50 100/0 100/0", &[0]),
        ("100/0 100/1 100/100", &[2]),
        ("100/4 100/0 100/0", &[]),
        ("1000/80 1000/0 1000/0", &[0]),
        // All fail alike: that is nobody's own fault.
        ("100/50 100/50 100/50", &[]),
        ("100/100 100/100 100/100", &[]),
        // More than its peers, but not by far.
        ("1000/60 1000/40 1000/40", &[]),
        ("1000/30 1000/0 1000/0", &[]),
        // Too little is known.
        ("9/9 100/0 100/0", &[]),
        ("0/0 0/0 0/0", &[]),
        ("10/10 100/0 100/0", &[0]),
        // Peers that got nothing say nothing against it.
        ("10/1 0/0 0/0", &[]),
        // At most half of them are.
        ("100/90 100/90 100/0 100/0", &[0, 1]),
        ("100/90 100/90 100/90 100/0", &[]),
        ("100/90 100/90 100/0 100/0 100/0", &[0, 1]),
        // Fewer than three have no peers.
        ("100/0 100/100", &[]),
    ] {
        assert_eq!(anomalous(text), expected, "{text}");
    }
}

/// Shares after each of the periods, of the first of three targets.
fn shares(periods: &[&str], mitigates: bool) -> Vec<(bool, u32)> {
    let mut standings = vec![Standing::default(); 3];
    let told = periods.iter().map(|text| {
        standings = next(&standings, text, mitigates);
        (standings[0].is_anomalous, standings[0].share)
    });
    told.collect()
}

#[test]
fn an_anomalous_target_gets_less_at_once_and_more_as_it_recovers() {
    let mut periods = vec!["100/100 100/0 100/0"; 5];
    assert_eq!(
        shares(&periods, true),
        [(true, 250), (true, 62), (true, 15), (true, 10), (true, 10)]
    );
    // With what it is left with it shows that it has recovered.
    periods.extend(vec!["10/0 150/0 150/0"; 16]);
    let told = shares(&periods, true);
    let first = told.iter().skip(5).position(|(is_anomalous, _)| !is_anomalous);
    let first = 5 + first.expect("it recovers");
    assert!((10..=13).contains(&first), "{told:?}");
    assert_eq!(told[first], (false, 110));
    assert_eq!(told[first + 1], (false, 210));
    assert!(told[first..].windows(2).all(|it| it[0].1 < it[1].1), "{told:?}");
    periods.extend(vec!["100/0 100/0 100/0"; 10]);
    assert_eq!(shares(&periods, true).last(), Some(&(false, WHOLE)));
}

#[test]
fn one_that_fails_half_of_the_time_stays_anomalous_while_it_does() {
    let mut periods = vec!["100/50 100/0 100/0"];
    periods.extend(vec!["4/2 148/0 148/0"; 30]);
    assert!(
        shares(&periods, true)
            .iter()
            .all(|(is_anomalous, _)| *is_anomalous)
    );
}

#[test]
fn one_that_gets_nothing_any_more_is_given_another_chance() {
    let mut periods = vec!["100/100 100/0 100/0"];
    periods.extend(vec!["0/0 0/0 0/0"; 12]);
    let told = shares(&periods, true);
    assert!(told[1].0 && !told.last().expect("some").0, "{told:?}");
}

#[test]
fn without_mitigation_it_is_only_told() {
    let told = shares(&["100/100 100/0 100/0", "100/100 100/0 100/0"], false);
    assert_eq!(told, [(true, WHOLE), (true, WHOLE)]);
    let standing = Standing {
        is_anomalous: true,
        share: 15,
        ..Standing::default()
    };
    let off = judge(&[(standing, Counted::default()); 3], PERIOD, false);
    assert!(off.iter().all(|it| it.share == WHOLE), "it was switched off");
    let alone = judge(&[(standing, Counted::default()); 2], PERIOD, true);
    assert_eq!(alone, [Standing::default(); 2], "the third is unhealthy");
}

#[test]
fn what_is_long_ago_counts_less() {
    let fresh = Standing::default();
    let bad = Counted {
        requests: 40,
        failures: 40,
    };
    let later = fresh.with(bad, PERIOD).with(Counted::default(), PERIOD * 2);
    assert!((later.requests - 10.0).abs() < 1e-9, "{later:?}");
    // However much it was before.
    let many = Counted {
        requests: 100_000,
        failures: 100_000,
    };
    let later = fresh.with(many, PERIOD).with(Counted::default(), PERIOD);
    assert!((later.requests - REMEMBERED_MAX / 2.0).abs() < 1e-6, "{later:?}");
}

#[test]
fn a_record_counts_until_it_is_read_and_tells_changes_once() {
    let record = Record::default();
    record.note(Outcome::Answered);
    record.note(Outcome::Failed);
    let once = Counted {
        requests: 2,
        failures: 1,
    };
    assert_eq!((record.take(), record.take()), (once, Counted::default()));
    let mitigated = Standing {
        is_anomalous: true,
        share: 250,
        ..Standing::default()
    };
    assert!(record.set(mitigated) && record.share() == 250);
    assert!(!record.set(Standing {
        share: 62,
        ..mitigated
    }));
    assert!(record.set(Standing::default()) && record.share() == WHOLE);
}
