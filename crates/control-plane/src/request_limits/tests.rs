//! Buckets as Amazon describes them, by table.

use std::collections::BTreeSet;

use super::*;

const START: i64 = 1_800_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(START + millis).expect("in range")
}

fn scope(account: &str) -> Scope {
    Scope::new(account, "us-east-1")
}

/// How many of `tries` requests pass at a moment.
fn admitted(buckets: &Buckets, operation: &str, tries: usize, millis: i64) -> usize {
    let admit = || buckets.admit(&scope("111111111111"), "ecs", operation, at(millis));
    (0..tries).filter(|_| admit().is_ok()).count()
}

#[test]
fn buckets_empty_and_refill() {
    // Milliseconds since the start, requests made, requests admitted. DescribeClusters: 50 tokens, 20 a second.
    let steps = [
        (0, 60, 50),
        (0, 1, 0),
        (49, 1, 0),
        (50, 2, 1),
        (1050, 30, 20),
        (3550, 60, 50),
        (3600, 1, 1),
        (1_000_000, 60, 50),
    ];
    let buckets = Buckets::new(RequestLimits::Amazon);
    for (millis, tries, expected) in steps {
        let found = admitted(&buckets, "DescribeClusters", tries, millis);
        assert_eq!(found, expected, "{tries} at {millis} ms");
    }
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_and_locks_nobody_out() {
    let buckets = Buckets::new(RequestLimits::Amazon);
    assert_eq!(admitted(&buckets, "DescribeClusters", 60, 3_600_000), 50);
    assert_eq!(admitted(&buckets, "DescribeClusters", 1, 0), 0);
    assert_eq!(admitted(&buckets, "DescribeClusters", 60, 1000), 20);
}

#[test]
fn operations_of_a_kind_share_a_bucket_and_others_do_not() {
    let buckets = Buckets::new(RequestLimits::Amazon);
    assert_eq!(admitted(&buckets, "CreateCluster", 15, 0), 15);
    assert_eq!(admitted(&buckets, "DeleteCluster", 15, 0), 5);
    assert_eq!(admitted(&buckets, "ListClusters", 15, 0), 15);
    let other = buckets.admit(&scope("222222222222"), "ecs", "CreateCluster", at(0));
    assert_eq!(other, Ok(()), "another account has buckets of its own");
    let elsewhere = Scope::new("111111111111", "eu-west-1");
    assert_eq!(buckets.admit(&elsewhere, "ecs", "CreateCluster", at(0)), Ok(()));
}

#[test]
fn what_amazon_does_not_list_is_free() {
    let buckets = Buckets::new(RequestLimits::Amazon);
    assert_eq!(admitted(&buckets, "DiscoverPollEndpoint", 1000, 0), 1000);
    let logs = (0..1000).filter(|_| {
        buckets
            .admit(&scope("111111111111"), "logs", "PutLogEvents", at(0))
            .is_ok()
    });
    assert_eq!(logs.count(), 1000);
}

#[test]
fn nothing_is_limited_unless_told() {
    let buckets = Buckets::new(RequestLimits::default());
    assert_eq!(admitted(&buckets, "CreateCluster", 1000, 0), 1000);
}

#[test]
fn the_refusal_is_one_that_sdks_try_again() {
    let buckets = Buckets::new(RequestLimits::Amazon);
    assert_eq!(admitted(&buckets, "DeleteTaskDefinitions", 5, 0), 5);
    let refused = buckets.admit(&scope("111111111111"), "ecs", "DeleteTaskDefinitions", at(0));
    let refused = refused.expect_err("the bucket is empty");
    assert_eq!(
        (refused.status, refused.json_code, refused.message.as_str()),
        (400, "ThrottlingException", "Rate exceeded")
    );
}

#[test]
fn the_table_names_operations_of_the_model_once() {
    let mut seen = BTreeSet::new();
    for operation in QUOTAS.iter().flat_map(|it| it.operations) {
        assert!(api::ecs::SERVICE.operations.contains(operation), "{operation}");
        assert!(seen.insert(operation), "{operation} stands twice");
    }
}
