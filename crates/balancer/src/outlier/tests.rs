use super::*;

fn fail(record: &Record, times: u32, now_ms: u64) {
    for _ in 0..times {
        record.note(Outcome::Failed, now_ms, || true);
    }
}

#[test]
fn five_failures_in_a_row_eject_for_half_a_minute() {
    let record = Record::default();
    fail(&record, 4, 1000);
    assert!(!record.is_ejected(1000));
    record.note(Outcome::Answered, 1000, || true);
    fail(&record, 4, 1000);
    assert!(!record.is_ejected(1000), "an answer lies in between");
    fail(&record, 1, 1000);
    assert!(record.is_ejected(1000) && record.is_ejected(30_999));
    assert!(!record.is_ejected(31_000));
    fail(&record, 4, 31_000);
    assert!(!record.is_ejected(31_000), "it counts anew");
    fail(&record, 1, 31_000);
    assert!(record.is_ejected(31_000));
}

#[test]
fn what_may_not_be_ejected_stays() {
    let record = Record::default();
    for _ in 0..20 {
        record.note(Outcome::Failed, 5, || false);
    }
    assert!(!record.is_ejected(5));
    fail(&record, 1, 5);
    assert!(record.is_ejected(5), "it goes as soon as it may");
}

#[test]
fn half_of_the_targets_stay() {
    let most = |count: usize| (0..count).take_while(|it| may_eject_one_more(count, *it)).count();
    assert_eq!([0, 1, 2, 3, 4, 5, 10].map(most), [0, 0, 1, 1, 2, 2, 5]);
}

#[test]
fn server_errors_are_failures() {
    let of = |code| Outcome::of(http::StatusCode::from_u16(code).expect("a status"));
    assert_eq!([200, 404, 499].map(of), [Outcome::Answered; 3]);
    assert_eq!([500, 502, 503, 599].map(of), [Outcome::Failed; 4]);
}
