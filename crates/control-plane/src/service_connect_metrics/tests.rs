use super::*;

fn group(name: &str) -> TargetGroupArn {
    let scope = domain::Scope::new("123456789012", "us-east-1");
    TargetGroupArn::of(&scope, "service-connect", name)
}

fn counted(name: &str, requests: u64, longest: u64) -> ClientAliasMetrics {
    ClientAliasMetrics {
        group: group(name),
        metrics: ServiceConnectMetrics {
            requests,
            target_response_microseconds_max: longest,
            ..ServiceConnectMetrics::default()
        },
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Alias, proxies, since when, requests and the longest of them.
fn totals(all: &CountedByProxies) -> Vec<(TargetGroupArn, usize, i64, u64, u64)> {
    let totals = all.totals().into_iter().map(|(group, it)| {
        let metrics = it.metrics;
        (
            group,
            it.proxies,
            it.since.as_second(),
            metrics.requests,
            metrics.target_response_microseconds_max,
        )
    });
    totals.collect()
}

#[test]
fn what_proxies_have_counted_is_added_up() {
    let all = CountedByProxies::default();
    let both = vec![counted("api", 1, 9), counted("web", 2, 5)];
    all.take(("a", "vpc-1"), at(20), both, |_| true);
    all.take(("b", "vpc-1"), at(10), vec![counted("web", 3, 7)], |_| true);
    let web = (group("web"), 2, 10, 5, 7);
    assert_eq!(totals(&all), [(group("api"), 1, 20, 1, 9), web]);
    all.take(("a", "vpc-1"), at(20), vec![counted("web", 4, 5)], |_| true);
    let web = (group("web"), 2, 10, 7, 7);
    assert_eq!(
        totals(&all),
        [(group("api"), 1, 20, 1, 9), web],
        "what is told again takes the place of what was told, and nothing else's"
    );
}

#[test]
fn a_proxy_that_begins_anew_has_counted_nothing_before() {
    let all = CountedByProxies::default();
    let both = vec![counted("api", 1, 9), counted("web", 2, 5)];
    all.take(("a", "vpc-1"), at(20), both, |_| true);
    all.take(("a", "vpc-1"), at(30), vec![counted("web", 1, 1)], |_| true);
    assert_eq!(totals(&all), [(group("web"), 1, 30, 1, 1)]);
}

#[test]
fn nothing_is_kept_of_aliases_proxies_and_hosts_that_are_gone() {
    let all = CountedByProxies::default();
    let both = vec![counted("api", 1, 9), counted("web", 2, 5)];
    all.take(("a", "vpc-1"), at(20), both.clone(), |_| true);
    all.keep(("a", "vpc-1"), |it| *it == group("web"));
    assert_eq!(totals(&all), [(group("web"), 1, 20, 2, 5)]);
    let late = vec![counted("api", 1, 9)];
    all.take(("a", "vpc-1"), at(20), late, |it| *it == group("web"));
    assert_eq!(totals(&all), [(group("web"), 1, 20, 2, 5)], "it is not served");
    all.take(("a", "vpc-2"), at(20), both.clone(), |_| true);
    all.forget("a", "vpc-2");
    assert_eq!(totals(&all), [(group("web"), 1, 20, 2, 5)]);
    all.take(("b", "vpc-1"), at(20), both, |_| true);
    all.forget_host("b");
    assert_eq!(totals(&all), [(group("web"), 1, 20, 2, 5)]);
    all.forget_host("a");
    assert_eq!(totals(&all), []);
}
