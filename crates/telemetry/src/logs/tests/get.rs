//! `GetLogEvents`: order, ranges, tokens.

use super::{Fixture, NOW_MS, get, scope, tiny};
use crate::logs::{GetLogEvents, LogEventPage, LogsError, StartFrom};

fn page(fixture: &Fixture, input: &GetLogEvents) -> LogEventPage {
    fixture.logs().get_events(&scope(), input).expect("a page")
}

fn offsets(page: &LogEventPage) -> Vec<i64> {
    page.events.iter().map(|it| it.timestamp_ms - NOW_MS).collect()
}

#[test]
fn pages_forward_end_with_the_token_that_was_given() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 2, 3, 4, 5]);
    let mut input = GetLogEvents {
        start_from: StartFrom::Head,
        limit: Some(2),
        ..get("a")
    };
    let mut pages = Vec::new();
    loop {
        let page = page(&fixture, &input);
        pages.push(offsets(&page));
        if input.next_token.as_ref() == Some(&page.next_forward_token) {
            break;
        }
        input.next_token = Some(page.next_forward_token);
    }
    assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5], vec![]]);

    // The same token goes on when there is more.
    fixture.put_at("a", &[6]);
    assert_eq!(offsets(&page(&fixture, &input)), [6]);
}

#[test]
fn pages_backward_begin_with_the_latest_events() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 2, 3, 4, 5]);
    let mut input = GetLogEvents {
        limit: Some(2),
        ..get("a")
    };
    let mut pages = Vec::new();
    loop {
        let page = page(&fixture, &input);
        pages.push(offsets(&page));
        if input.next_token.as_ref() == Some(&page.next_backward_token) {
            break;
        }
        input.next_token = Some(page.next_backward_token);
    }
    assert_eq!(pages, [vec![4, 5], vec![2, 3], vec![1], vec![]]);
}

#[test]
fn one_can_turn_round_at_any_page() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 2, 3, 4, 5, 6]);
    let latest = page(
        &fixture,
        &GetLogEvents {
            limit: Some(2),
            ..get("a")
        },
    );
    let turn = |token: &str| GetLogEvents {
        limit: Some(2),
        next_token: Some(token.to_owned()),
        ..get("a")
    };
    let before = page(&fixture, &turn(&latest.next_backward_token));
    assert_eq!(offsets(&before), [3, 4]);
    assert_eq!(
        offsets(&page(&fixture, &turn(&before.next_forward_token))),
        [5, 6]
    );
    let end = page(&fixture, &turn(&latest.next_forward_token));
    assert!(end.events.is_empty());
    assert_eq!(end.next_forward_token, latest.next_forward_token);
    assert_eq!(offsets(&page(&fixture, &turn(&end.next_backward_token))), [5, 6]);
}

#[test]
fn an_empty_stream_can_be_followed_from_its_beginning() {
    let fixture = Fixture::new();
    let empty = page(&fixture, &get("a"));
    assert!(empty.events.is_empty());
    fixture.put_at("a", &[0]);
    let input = GetLogEvents {
        next_token: Some(empty.next_forward_token),
        ..get("a")
    };
    assert_eq!(offsets(&page(&fixture, &input)), [0]);
}

#[test]
fn the_start_is_included_and_the_end_is_not() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 2, 3, 4]);
    let input = GetLogEvents {
        start_ms: Some(NOW_MS + 2),
        end_ms: Some(NOW_MS + 4),
        ..get("a")
    };
    assert_eq!(offsets(&page(&fixture, &input)), [2, 3]);
}

#[test]
fn events_are_ordered_by_time_however_batches_arrive() {
    let fixture = Fixture::with(tiny());
    fixture.put_at("a", &[50, 60, 70]);
    fixture.put_at("b", &[0, 100]);
    fixture.put_at("a", &[10, 65, 90]);
    fixture.put_at("a", &[60]);
    let mut input = GetLogEvents {
        start_from: StartFrom::Head,
        ..get("a")
    };
    let mut found = Vec::new();
    loop {
        let page = page(&fixture, &input);
        found.extend(offsets(&page));
        if input.next_token.as_ref() == Some(&page.next_forward_token) {
            break;
        }
        input.next_token = Some(page.next_forward_token);
    }
    assert_eq!(found, [10, 50, 60, 60, 65, 70, 90]);
}

#[test]
fn a_page_has_at_most_a_mebibyte() {
    let fixture = Fixture::new();
    let message = "x".repeat(300_000);
    for offset in 0..5 {
        fixture
            .put("a", &[super::event(NOW_MS + offset, &message)])
            .expect("stored");
    }
    let first = page(
        &fixture,
        &GetLogEvents {
            start_from: StartFrom::Head,
            ..get("a")
        },
    );
    assert_eq!(offsets(&first), [0, 1, 2]);
    let rest = page(
        &fixture,
        &GetLogEvents {
            next_token: Some(first.next_forward_token),
            ..get("a")
        },
    );
    assert_eq!(offsets(&rest), [3, 4]);
}

#[test]
fn bad_tokens_and_limits_are_refused() {
    let fixture = Fixture::new();
    for token in [
        "",
        "f/",
        "f/1/s",
        "x/00000000000000000000000000000000000000000000000000000001/s",
        "é/1",
    ] {
        let input = GetLogEvents {
            next_token: Some(token.to_owned()),
            ..get("a")
        };
        let refused = fixture.logs().get_events(&scope(), &input).expect_err(token);
        assert_eq!(
            refused.to_string(),
            "The specified nextToken is invalid.",
            "{token}"
        );
    }
    for limit in [0, 10_001] {
        let refused = fixture.logs().get_events(
            &scope(),
            &GetLogEvents {
                limit: Some(limit),
                ..get("a")
            },
        );
        assert!(matches!(refused, Err(LogsError::InvalidParameter(_))), "{limit}");
    }
}
