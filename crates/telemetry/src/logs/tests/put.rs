//! Which batches and events are taken, and which texts refuse them.

use super::{DAY_MS, Fixture, GROUP, HOUR_MS, InputEvent, LogsError, NOW_MS, event, get, scope};
use crate::logs::RejectedEvents;

fn refusal(events: &[InputEvent]) -> String {
    match Fixture::new().put("a", events) {
        Err(error @ LogsError::InvalidParameter(_)) => error.to_string(),
        other => panic!("expected an invalid parameter, got {other:?}"),
    }
}

#[test]
fn bad_batches_are_refused_as_cloudwatch_does() {
    let big = |bytes: usize| event(NOW_MS, &"x".repeat(bytes));
    let cases = [
        (
            vec![event(NOW_MS, "later"), event(NOW_MS - 1, "earlier")],
            "Log events in a single PutLogEvents request must be in chronological order.",
        ),
        (
            vec![big(1_048_551)],
            "Log event too large: 1048577 bytes exceeds limit of 1048576",
        ),
        (
            vec![big(600_000), big(600_000)],
            "Upload too large: 1200052 bytes exceeds limit of 1048576",
        ),
        (
            vec![event(NOW_MS - DAY_MS - 1, "first"), event(NOW_MS, "last")],
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
        (
            vec![],
            "1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
        ),
        (
            vec![event(NOW_MS, "")],
            "1 validation error detected: Value '' at 'logEvents.1.member.message' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
        ),
        (
            vec![event(NOW_MS, "x"); 10_001],
            "1 validation error detected: Value '[...]' at 'logEvents' failed to satisfy constraint: \
             Member must have length less than or equal to 10000",
        ),
    ];
    for (events, text) in cases {
        assert_eq!(refusal(&events), text);
    }
}

#[test]
fn the_largest_event_and_the_fullest_batch_are_taken() {
    let fixture = Fixture::new();
    let largest = "x".repeat(1_048_576 - 26);
    fixture
        .put("a", &[event(NOW_MS, &largest)])
        .expect("the largest event");
    fixture
        .put("b", &vec![event(NOW_MS, "line"); 10_000])
        .expect("the most events");
    let page = fixture.logs().get_events(&scope(), &get("a")).expect("a page");
    assert_eq!(page.events[0].message, largest);
    assert_eq!(
        fixture
            .logs()
            .get_events(&scope(), &get("b"))
            .expect("a page")
            .events
            .len(),
        10_000
    );
}

#[test]
fn old_and_future_events_are_rejected_and_the_rest_stored() {
    // Offsets from now; retention; what is rejected; what is stored.
    type Case<'a> = (&'a [i64], Option<u32>, RejectedEvents, &'a [i64]);
    let none = RejectedEvents::default();
    let cases: [Case; 6] = [
        (
            &[-14 * DAY_MS, -13 * DAY_MS - 1],
            None,
            none,
            &[-14 * DAY_MS, -13 * DAY_MS - 1],
        ),
        (
            &[-14 * DAY_MS - 1, 0],
            None,
            RejectedEvents {
                too_old_end: Some(1),
                ..none
            },
            &[0],
        ),
        (&[0, 2 * HOUR_MS], None, none, &[0, 2 * HOUR_MS]),
        (
            &[0, 2 * HOUR_MS + 1],
            None,
            RejectedEvents {
                too_new_start: Some(1),
                ..none
            },
            &[0],
        ),
        (
            &[-3 * DAY_MS - 1, -DAY_MS, 0],
            Some(3),
            RejectedEvents {
                expired_end: Some(1),
                ..none
            },
            &[-DAY_MS, 0],
        ),
        (
            &[-15 * DAY_MS, -9 * DAY_MS, 3 * HOUR_MS],
            Some(5),
            RejectedEvents {
                too_old_end: Some(1),
                expired_end: Some(2),
                too_new_start: Some(2),
            },
            &[],
        ),
    ];
    for (offsets, retention, rejected, stored) in cases {
        let fixture = Fixture::new();
        if let Some(days) = retention {
            fixture
                .logs()
                .put_retention(&scope(), GROUP, days)
                .expect("a retention");
        }
        let events: Vec<_> = offsets.iter().map(|it| event(NOW_MS + it, "line")).collect();
        assert_eq!(
            fixture.put("a", &events).expect("an answer").rejected,
            rejected,
            "{offsets:?}"
        );
        let page = fixture.logs().get_events(&scope(), &get("a")).expect("a page");
        let found: Vec<_> = page.events.iter().map(|it| it.timestamp_ms - NOW_MS).collect();
        assert_eq!(found, stored, "{offsets:?}");
    }
}

#[test]
fn missing_groups_and_streams_are_told_apart() {
    let fixture = Fixture::new();
    let line = [event(NOW_MS, "line")];
    let missing = fixture.put("c", &line).expect_err("no such stream");
    assert_eq!(missing.to_string(), "The specified log stream does not exist.");
    fixture.logs().delete_group(&scope(), GROUP).expect("deleted");
    let missing = fixture.put("a", &line).expect_err("no such group");
    assert_eq!(missing.to_string(), "The specified log group does not exist.");
}
