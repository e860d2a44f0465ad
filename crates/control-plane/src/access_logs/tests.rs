use super::*;

fn arn(name: &str) -> LoadBalancerArn {
    let text = format!(
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/{name}/0123456789abcdef"
    );
    LoadBalancerArn::parse(&text).expect("an ARN")
}

#[test]
fn lines_wait_for_each_load_balancer_and_are_taken_out_once() {
    let logs = AccessLogs::default();
    assert_eq!(logs.take(&arn("one"), &["a".to_owned(), "b".to_owned()]), None);
    assert_eq!(logs.take(&arn("two"), &["c".to_owned()]), None);
    assert_eq!(logs.take(&arn("one"), &["d".to_owned()]), None);
    let drained: Vec<_> = logs.drain().into_values().collect();
    assert_eq!(drained, [b"a\nb\nd\n".to_vec(), b"c\n".to_vec()]);
    assert!(logs.drain().is_empty());
}

#[test]
fn a_lot_does_not_wait() {
    let logs = AccessLogs::default();
    let line = "x".repeat(WAITING_BYTES_MAX - 1);
    let full = logs.take(&arn("one"), &[line]);
    assert!(full.is_some_and(|it| it.len() == WAITING_BYTES_MAX));
    assert!(logs.drain().is_empty());
    assert_eq!(logs.waiting.lock().bytes, 0);
}

#[test]
fn lines_are_dropped_when_too_many_wait() {
    let logs = AccessLogs::default();
    let line = vec!["x".repeat(WAITING_BYTES_MAX - 2)];
    for number in 0..1000 {
        assert_eq!(logs.take(&arn(&format!("n{number}")), &line), None);
    }
    let waiting: usize = logs.drain().values().map(Vec::len).sum();
    assert!((ALL_BYTES_MAX..ALL_BYTES_MAX + WAITING_BYTES_MAX).contains(&waiting));
}
