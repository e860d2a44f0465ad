//! `FilterLogEvents`: interleaving, choice of streams, ids, patterns, pages.

use std::collections::BTreeSet;

use super::{Fixture, GROUP, NOW_MS, event, messages_of, scope, tiny};
use crate::logs::{FilterLogEvents, FilteredPage, LogsError, StartFrom, StreamChoice};

fn filter(fixture: &Fixture, input: FilterLogEvents) -> FilteredPage {
    fixture
        .logs()
        .filter_events(
            &scope(),
            &FilterLogEvents {
                group: GROUP.to_owned(),
                ..input
            },
        )
        .expect("a page")
}

fn messages(page: &FilteredPage) -> Vec<&str> {
    page.events.iter().map(|it| it.message.as_str()).collect()
}

#[test]
fn streams_are_interleaved_by_time() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 4, 5]);
    fixture.put_at("b", &[2, 3, 6]);
    let page = filter(&fixture, FilterLogEvents::default());
    assert_eq!(messages(&page), ["a1", "b2", "b3", "a4", "a5", "b6"]);
    assert_eq!(page.next_token, None);
    let latest = FilterLogEvents {
        start_from: Some(StartFrom::Tail),
        limit: Some(2),
        ..FilterLogEvents::default()
    };
    let page = filter(&fixture, latest);
    assert_eq!(messages(&page), ["b6", "a5"]);
    assert!(page.next_token.is_some());
}

#[test]
fn both_ends_of_the_time_range_are_included() {
    let fixture = Fixture::new();
    fixture.put_at("a", &[1, 2, 3, 4]);
    let (start_ms, end_ms) = (Some(NOW_MS + 2), Some(NOW_MS + 3));
    let page = filter(
        &fixture,
        FilterLogEvents {
            start_ms,
            end_ms,
            ..FilterLogEvents::default()
        },
    );
    assert_eq!(messages(&page), ["a2", "a3"]);
}

#[test]
fn streams_are_chosen_by_name_or_prefix() {
    let fixture = Fixture::new();
    for name in ["web/1", "web/2", "worker/1"] {
        fixture.create_stream(name).expect("a stream");
        fixture.put_at(name, &[0]);
    }
    let chosen = |streams| {
        let page = filter(
            &fixture,
            FilterLogEvents {
                streams,
                ..FilterLogEvents::default()
            },
        );
        page.events.into_iter().map(|it| it.stream).collect::<Vec<_>>()
    };
    assert_eq!(
        chosen(StreamChoice::Prefix("web/".to_owned())),
        ["web/1", "web/2"]
    );
    let names = vec!["worker/1".to_owned(), "web/1".to_owned()];
    assert_eq!(chosen(StreamChoice::Names(names)), ["web/1", "worker/1"]);

    let missing = FilterLogEvents {
        group: GROUP.to_owned(),
        streams: StreamChoice::Names(vec!["web/3".to_owned()]),
        ..FilterLogEvents::default()
    };
    let refused = fixture.logs().filter_events(&scope(), &missing);
    assert!(matches!(refused, Err(LogsError::StreamNotFound)));
    let both = StreamChoice::new(Some(vec!["web/1".to_owned()]), Some("web".to_owned()));
    assert!(matches!(both, Err(LogsError::InvalidParameter(_))));
}

#[test]
fn patterns_apply_and_bad_ones_are_refused() {
    let fixture = Fixture::new();
    let lines = [
        "GET / 200",
        r#"{"level":"error","status":503}"#,
        "GET /cart 500 ERROR",
    ];
    let events: Vec<_> = lines.iter().map(|it| event(NOW_MS, it)).collect();
    fixture.put("a", &events).expect("stored");
    let matching = |pattern: &str| {
        let filter_pattern = Some(pattern.to_owned());
        let page = filter(
            &fixture,
            FilterLogEvents {
                filter_pattern,
                ..FilterLogEvents::default()
            },
        );
        page.events.into_iter().map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(matching("GET -ERROR"), [lines[0]]);
    assert_eq!(
        matching(r#"{ $.level = "error" && $.status >= 500 }"#),
        [lines[1]]
    );
    assert_eq!(matching("").len(), 3);
    let bad = FilterLogEvents {
        group: GROUP.to_owned(),
        filter_pattern: Some("[a, b".to_owned()),
        ..FilterLogEvents::default()
    };
    assert!(matches!(
        fixture.logs().filter_events(&scope(), &bad),
        Err(LogsError::InvalidParameter(_))
    ));
}

#[test]
fn event_ids_are_unique_and_stable() {
    let mut fixture = Fixture::with(tiny());
    for _ in 0..10 {
        // Everything at the same moment: nothing but the id tells these apart.
        fixture.put("a", &vec![event(NOW_MS, "same"); 3]).expect("stored");
        fixture.put("b", &vec![event(NOW_MS, "same"); 3]).expect("stored");
    }
    let ids = |fixture: &Fixture| {
        let (mut ids, mut next_token) = (Vec::new(), None);
        loop {
            let page = filter(
                fixture,
                FilterLogEvents {
                    next_token,
                    limit: Some(7),
                    ..FilterLogEvents::default()
                },
            );
            ids.extend(page.events.into_iter().map(|it| it.event_id));
            next_token = page.next_token;
            if next_token.is_none() {
                return ids;
            }
        }
    };
    let first = ids(&fixture);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 60);
    assert!(
        first
            .iter()
            .all(|it| it.len() == 56 && it.bytes().all(|it| it.is_ascii_digit()))
    );
    assert!(first.is_sorted(), "the order of ids is the order of events");
    fixture.reopen();
    assert_eq!(ids(&fixture), first);
}

#[test]
fn rare_matches_are_found_over_empty_pages() {
    let fixture = Fixture::with(tiny());
    for offset in 0..40 {
        fixture.put_at("a", &[offset]);
    }
    let (mut found, mut pages, mut next_token) = (Vec::new(), 0, None);
    loop {
        let filter_pattern = Some("a37".to_owned());
        let page = filter(
            &fixture,
            FilterLogEvents {
                filter_pattern,
                next_token,
                ..FilterLogEvents::default()
            },
        );
        found.extend(page.events.into_iter().map(|it| it.message));
        pages += 1;
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a37"]);
    assert!(pages > 5, "each call reads a bounded part: {pages} pages");
    assert_eq!(messages_of(fixture.logs(), Some(3), StartFrom::Tail).len(), 40);
}
