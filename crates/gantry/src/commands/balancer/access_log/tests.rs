use super::*;

fn told(log: &AccessLog) -> Vec<String> {
    let news = log.news().into_iter();
    let lines = news.flat_map(|it| match it {
        BalancerNews::Logged { lines } => lines,
        other => panic!("{other:?}"),
    });
    lines.collect()
}

#[tokio::test]
async fn lines_are_told_in_order_and_once() {
    let log = AccessLog::default();
    assert!(log.news().is_empty());
    log.line("", "one".to_owned());
    log.line("", "two".to_owned());
    log.ready().await;
    assert_eq!(told(&log), ["one", "two"]);
    assert!(log.news().is_empty());
}

#[test]
fn a_lot_is_told_in_pieces() {
    let log = AccessLog::default();
    for number in 0..3 {
        log.line("", format!("{number}{}", "x".repeat(TOLD_BYTES)));
    }
    let first: Vec<String> = (0..3).map(|_| told(&log)[0][..1].to_owned()).collect();
    assert_eq!(first, ["0", "1", "2"]);
    assert!(log.news().is_empty());
}

#[test]
fn the_oldest_go_when_nobody_takes_them() {
    let log = AccessLog::default();
    let long = "x".repeat(WAITING_BYTES_MAX / 2);
    for number in 0..4 {
        log.line("", format!("{number}{long}"));
    }
    assert!(log.waiting.lock().bytes <= WAITING_BYTES_MAX);
    assert!(told(&log)[0].starts_with('3'));
}
