use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::listener::Protocol;
use domain::target_group::Algorithm;

use super::Group;
use crate::anomaly::{Anomalies, PERIOD};
use crate::dice::Dice;
use crate::health::machine::{Failure, Health};
use crate::l7::cookies::CookieKey;
use crate::outlier::Outcome;
use crate::plan::{CheckKind, GroupPlan, HealthCheck, Registration, TargetPlan};
use crate::report::Reporter;

fn target(number: u8, zone: Option<&str>) -> TargetPlan {
    TargetPlan {
        id: format!("10.0.0.{number}").into(),
        address: SocketAddr::from(([10, 0, 0, number], 80)),
        zone: zone.map(Into::into),
        registration: Registration::Registered,
        known: Health::Initial,
    }
}

fn plan(targets: Vec<TargetPlan>) -> GroupPlan {
    let mut plan = GroupPlan::new("g", Protocol::Http);
    plan.targets = targets;
    plan.health_check = Some(HealthCheck {
        kind: CheckKind::Tcp,
        port: None,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
        first_threshold: 1,
        is_classic: false,
    });
    plan
}

fn update(group: &Group, plan: &GroupPlan) -> super::Changed {
    group.update(
        Arc::new(plan.clone()),
        &CookieKey::new([1; 32]),
        &Reporter::default(),
    )
}

fn group(plan: &GroupPlan) -> Arc<Group> {
    let group = Group::new(Arc::new(plan.clone()));
    update(&group, plan);
    group
}

fn set(group: &Group, number: u8, health: Health, now_ms: u64) {
    let members = group.members();
    let target = members
        .all
        .iter()
        .find(|it| it.address().ip().to_string() == format!("10.0.0.{number}"));
    group.set_health(target.expect("a target"), health, now_ms);
}

/// How often each target is chosen, by its last number.
fn picks(group: &Group, zone: Option<&str>, count: usize, now_ms: u64) -> HashMap<u8, usize> {
    let dice = Dice::new(5);
    let mut hits = HashMap::new();
    for _ in 0..count {
        if let Some(entered) = group.pick(zone, &dice, now_ms) {
            let SocketAddr::V4(address) = entered.target().address() else {
                continue;
            };
            *hits.entry(address.ip().octets()[3]).or_default() += 1;
        }
    }
    hits
}

#[test]
fn healthy_targets_share_and_when_none_is_all_do() {
    let group = group(&plan(vec![target(1, None), target(2, None), target(3, None)]));
    assert_eq!(picks(&group, None, 30, 0).len(), 3, "all are new: fail open");
    set(&group, 1, Health::Healthy, 0);
    set(&group, 2, Health::Healthy, 0);
    set(&group, 3, Health::Unhealthy(Failure::Timeout), 0);
    assert_eq!(picks(&group, None, 30, 0), HashMap::from([(1, 15), (2, 15)]));
    set(&group, 1, Health::Unhealthy(Failure::Timeout), 0);
    assert_eq!(picks(&group, None, 30, 0), HashMap::from([(2, 30)]));
    set(&group, 2, Health::Unhealthy(Failure::Timeout), 0);
    assert_eq!(
        picks(&group, None, 30, 0),
        HashMap::from([(1, 10), (2, 10), (3, 10)])
    );
}

#[test]
fn too_few_healthy_targets_open_the_group() {
    let mut plan = plan(vec![target(1, None), target(2, None), target(3, None)]);
    plan.minimum_healthy = 2;
    let group = group(&plan);
    set(&group, 1, Health::Healthy, 0);
    assert_eq!(picks(&group, None, 30, 0).len(), 3);
    set(&group, 2, Health::Healthy, 0);
    assert_eq!(picks(&group, None, 30, 0).len(), 2);
    plan.minimum_healthy_percent = 67;
    update(&group, &plan);
    assert_eq!(
        picks(&group, None, 30, 0).len(),
        3,
        "67 of 100 are three of three"
    );
}

#[test]
fn a_group_of_a_classic_load_balancer_never_opens() {
    let mut plan = plan(vec![target(1, None), target(2, None)]);
    plan.minimum_healthy = 0;
    let group = group(&plan);
    assert_eq!(picks(&group, None, 30, 0), HashMap::new());
    set(&group, 1, Health::Healthy, 0);
    assert_eq!(picks(&group, None, 30, 0), HashMap::from([(1, 30)]));
    set(&group, 1, Health::Unhealthy(Failure::Timeout), 0);
    assert_eq!(picks(&group, None, 30, 0), HashMap::new());
}

#[test]
fn zones_keep_to_themselves_where_asked() {
    let group = group(&plan(vec![
        target(1, Some("a")),
        target(2, Some("b")),
        target(3, None),
    ]));
    assert_eq!(picks(&group, None, 30, 0).len(), 3);
    assert_eq!(picks(&group, Some("a"), 30, 0), HashMap::from([(1, 15), (3, 15)]));
    assert_eq!(picks(&group, Some("c"), 30, 0), HashMap::new());
}

#[test]
fn newcomers_warm_up_unless_they_are_alone() {
    let mut plan = plan(vec![target(1, None), target(2, None)]);
    plan.slow_start = Duration::from_secs(30);
    let group = group(&plan);
    // what comes into an empty group together begins together
    set(&group, 1, Health::Healthy, 0);
    set(&group, 2, Health::Healthy, 1000);
    assert_eq!(picks(&group, None, 10, 1000), HashMap::from([(1, 5), (2, 5)]));
    plan.targets.push(target(3, None));
    update(&group, &plan);
    set(&group, 3, Health::Healthy, 2000);
    let early = picks(&group, None, 1000, 5000);
    assert!(early[&3] < 100 && early[&1].abs_diff(early[&2]) < 2, "{early:?}");
    // one that comes back warms up, though it was among the first
    set(&group, 2, Health::Unhealthy(Failure::Timeout), 6000);
    set(&group, 2, Health::Healthy, 6000);
    let early = picks(&group, None, 1000, 7000);
    assert!(early[&2] < 100 && early[&1] > 800, "{early:?}");
    // and alone with those that warm up, nobody does
    set(&group, 1, Health::Unhealthy(Failure::Timeout), 8000);
    set(&group, 1, Health::Healthy, 8000);
    assert!(picks(&group, None, 1000, 8000)[&1] > 700);
    let later = picks(&group, None, 999, 60_000);
    assert_eq!(later, HashMap::from([(1, 333), (2, 333), (3, 333)]));
}

#[test]
fn the_least_loaded_gets_the_next() {
    let mut plan = plan(vec![target(1, None), target(2, None)]);
    plan.algorithm = Algorithm::LeastOutstandingRequests;
    let group = group(&plan);
    let busy = group.pick_by_hash(None, 1, &[]).expect("a target");
    let free = if busy.target().address().ip().to_string() == "10.0.0.1" {
        2
    } else {
        1
    };
    assert_eq!(picks(&group, None, 10, 0), HashMap::from([(free, 10)]));
    drop(busy);
    assert_eq!(picks(&group, None, 10, 0).len(), 2);
}

#[test]
fn targets_live_through_changes_and_draining_ones_get_nothing() {
    let mut wanted = plan(vec![target(1, None), target(2, None)]);
    let group = group(&wanted);
    let before = group.members().all[0].clone();
    let held = before.enter().expect("in");
    wanted.targets.push(target(3, None));
    wanted.targets[0].registration = Registration::Draining;
    let changed = update(&group, &wanted);
    assert_eq!((changed.added.len(), changed.removed.len()), (1, 0));
    assert!(Arc::ptr_eq(&before, &group.members().all[0]));
    assert!(!picks(&group, None, 30, 0).contains_key(&1));
    assert!(before.enter().is_none());
    assert_eq!(before.in_flight(), 1);
    wanted.targets.remove(0);
    let changed = update(&group, &wanted);
    assert_eq!(changed.removed.len(), 1);
    assert!(before.gone.is_cancelled());
    drop(held);
}

#[test]
fn one_that_is_registered_again_while_it_drains_is_checked_from_the_beginning() {
    let mut wanted = plan(vec![target(1, None), target(2, None)]);
    wanted.targets[0].known = Health::Healthy;
    wanted.targets[1].known = Health::Healthy;
    let group = group(&wanted);
    let before = group.members().all[0].clone();
    let held = before.enter().expect("in");
    wanted.targets[0].registration = Registration::Draining;
    update(&group, &wanted);
    wanted.targets[0].registration = Registration::Registered;
    wanted.targets[0].known = Health::Initial;
    let changed = update(&group, &wanted);
    assert_eq!((changed.added.len(), changed.removed.len()), (0, 0));
    assert!(Arc::ptr_eq(&before, &group.members().all[0]));
    assert!(!before.gone.is_cancelled(), "what is in flight goes on");
    assert_eq!(before.known(), Health::Initial);
    assert_eq!(picks(&group, None, 10, 0), HashMap::from([(2, 10)]));
    set(&group, 1, Health::Healthy, 0);
    assert_eq!(picks(&group, None, 10, 0).len(), 2);
    drop(held);
}

#[test]
fn flows_keep_their_target() {
    let group = group(&plan((1..9).map(|it| target(it, None)).collect()));
    for key in 0..50 {
        let first = group
            .pick_by_hash(None, key, &[])
            .expect("a target")
            .target()
            .address();
        let again = group
            .pick_by_hash(None, key, &[])
            .expect("a target")
            .target()
            .address();
        assert_eq!(first, again);
        let other = group.pick_by_hash(None, key, &[first]).expect("a target");
        assert_ne!(first, other.target().address());
    }
}

#[test]
fn what_is_known_of_targets_counts_before_they_are_checked() {
    let mut plan = plan(vec![target(1, None), target(2, None)]);
    plan.targets[0].known = Health::Healthy;
    plan.targets[1].known = Health::Unhealthy(Failure::Timeout);
    assert_eq!(picks(&group(&plan), None, 10, 0), HashMap::from([(1, 10)]));
}

/// Counts what came of requests to a target.
fn note(group: &Group, number: u8, outcome: Outcome, times: usize) {
    let members = group.members();
    let ip = format!("10.0.0.{number}");
    let target = members.all.iter().find(|it| it.address().ip().to_string() == ip);
    for _ in 0..times {
        group.note(target.expect("a target"), outcome, 0);
    }
}

#[test]
fn an_anomalous_target_gets_less_by_chance_until_it_recovers() {
    let mut plan = plan((1..=4).map(|it| target(it, None)).collect());
    plan.algorithm = Algorithm::WeightedRandom;
    plan.anomalies = Anomalies::Mitigated;
    let group = group(&plan);
    for number in 1..=4 {
        set(&group, number, Health::Healthy, 0);
    }
    for number in 2..=4 {
        note(&group, number, Outcome::Answered, 100);
    }
    note(&group, 1, Outcome::Failed, 100);
    group.look_for_anomalies(PERIOD);
    let hits = picks(&group, None, 13_000, 0);
    assert!((800..1200).contains(&hits[&1]) && hits[&2] > 3500, "{hits:?}");
    for number in 1..=4 {
        note(&group, number, Outcome::Answered, 10_000);
    }
    for _ in 0..10 {
        group.look_for_anomalies(PERIOD);
    }
    let hits = picks(&group, None, 4000, 0);
    assert!(hits.values().all(|it| (800..1200).contains(it)), "{hits:?}");
}

#[test]
fn one_that_becomes_unhealthy_begins_anew() {
    let mut plan = plan((1..=3).map(|it| target(it, None)).collect());
    plan.anomalies = Anomalies::Detected;
    let group = group(&plan);
    for number in 1..=3 {
        set(&group, number, Health::Healthy, 0);
        note(&group, number, Outcome::Answered, 50);
    }
    note(&group, 1, Outcome::Failed, 50);
    group.look_for_anomalies(PERIOD);
    let shown = || group.members().all[0].anomaly.standing().shown();
    assert!(shown().is_anomalous && !shown().is_mitigated);
    set(&group, 1, Health::Unhealthy(Failure::Connection), 0);
    group.look_for_anomalies(PERIOD);
    assert!(shown().is_normal());
}
