use super::*;

const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/service-connect";

fn counted(count: usize, requests: u64) -> Vec<(Arc<str>, ServiceConnectMetrics)> {
    let metrics = ServiceConnectMetrics {
        requests,
        ..ServiceConnectMetrics::default()
    };
    (0..count)
        .map(|number| (format!("{GROUP}/ns-1_web{number}_80").into(), metrics))
        .collect()
}

/// How many aliases each part of the news has.
fn parts(news: &[BalancerNews]) -> Vec<usize> {
    let parts = news.iter().map(|it| match it {
        BalancerNews::Counted { since, aliases } => {
            assert_eq!(*since, Timestamp::UNIX_EPOCH);
            aliases.len()
        }
        other => panic!("{other:?}"),
    });
    parts.collect()
}

#[test]
fn only_what_has_changed_is_told_and_never_too_much_at_once() {
    let mut metrics = Metrics::new(Timestamp::UNIX_EPOCH);
    assert!(
        metrics.news(counted(3, 0)).is_empty(),
        "nothing came to any of them"
    );
    assert_eq!(parts(&metrics.news(counted(3, 1))), [3]);
    assert!(metrics.news(counted(3, 1)).is_empty());
    let mut one = counted(3, 1);
    one[1].1.active_connections = 1;
    assert_eq!(parts(&metrics.news(one)), [1]);
    metrics.forget_told();
    assert_eq!(parts(&metrics.news(counted(3, 1))), [3], "another agent");
    assert_eq!(parts(&metrics.news(counted(1001, 2))), [500, 500, 1]);
}
