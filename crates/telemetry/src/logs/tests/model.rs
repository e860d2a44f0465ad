//! The store against a sorted list, under random operations, restarts and sizes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Fixture, GROUP, NOW_MS, event, get, scope, tiny};
use crate::logs::{FilterLogEvents, GetLogEvents, LogsOptions, StartFrom, StreamChoice};

const STREAMS: [&str; 4] = ["a", "b", "c", "ca"];

#[derive(Debug, Clone)]
enum Step {
    Put {
        stream: usize,
        start: i64,
        gaps: Vec<i64>,
    },
    Recreate {
        stream: usize,
    },
    Reopen,
    Maintain,
    Filter {
        prefix: Option<&'static str>,
        range: (i64, i64),
        limit: usize,
        start_from: StartFrom,
    },
    Get {
        stream: usize,
        range: (i64, i64),
        limit: usize,
        start_from: StartFrom,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let range = || (0..120i64, 0..120i64);
    let start_from = || prop_oneof![Just(StartFrom::Head), Just(StartFrom::Tail)];
    let prefix = prop_oneof![Just(None), Just(Some("c")), Just(Some("b"))];
    prop_oneof![
        8 => (0..4usize, 0..100i64, prop::collection::vec(0..5i64, 0..6))
            .prop_map(|(stream, start, gaps)| Step::Put { stream, start, gaps }),
        1 => (0..4usize).prop_map(|stream| Step::Recreate { stream }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Maintain),
        2 => (prefix, range(), 1..12usize, start_from())
            .prop_map(|(prefix, range, limit, start_from)| Step::Filter { prefix, range, limit, start_from }),
        2 => (0..4usize, range(), 1..12usize, start_from())
            .prop_map(|(stream, range, limit, start_from)| Step::Get { stream, range, limit, start_from }),
    ]
}

/// Timestamp, batch, place in the batch → stream and message.
#[derive(Default)]
struct Model {
    events: BTreeMap<(i64, usize, usize), (usize, String)>,
    batches: usize,
}

impl Model {
    fn select(&self, wanted: impl Fn(usize) -> bool, range: impl Fn(i64) -> bool) -> Vec<String> {
        let events = self
            .events
            .iter()
            .filter(|((at, _, _), (stream, _))| wanted(*stream) && range(*at));
        events.map(|(_, (_, message))| message.clone()).collect()
    }
}

fn filter_all(fixture: &Fixture, mut input: FilterLogEvents) -> Vec<String> {
    let (mut found, mut ids) = (Vec::new(), BTreeSet::new());
    let limit = input.limit.unwrap_or(usize::MAX);
    loop {
        let page = fixture.logs().filter_events(&scope(), &input).expect("a page");
        assert!(page.events.len() <= limit);
        for event in page.events {
            assert!(ids.insert(event.event_id));
            found.push(event.message);
        }
        input.next_token = page.next_token;
        if input.next_token.is_none() {
            return found;
        }
    }
}

/// Pages to the end and back again: both ways must give the same.
fn get_all(fixture: &Fixture, mut input: GetLogEvents) -> Vec<String> {
    let start_from = input.start_from;
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = fixture.logs().get_events(&scope(), &input).expect("a page");
        let messages: Vec<_> = page.events.into_iter().map(|it| it.message).collect();
        let token = match start_from {
            StartFrom::Head => {
                found.extend(messages);
                page.next_forward_token
            }
            StartFrom::Tail => {
                found.splice(0..0, messages);
                page.next_backward_token
            }
        };
        if input.next_token.as_ref() == Some(&token) {
            return found;
        }
        input.next_token = Some(token);
    }
}

fn run(options: LogsOptions, steps: Vec<Step>) {
    let mut fixture = Fixture::with(options);
    fixture.create_stream("c").expect("a stream");
    fixture.create_stream("ca").expect("a stream");
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Put { stream, start, gaps } => {
                let mut at = start;
                let mut events = Vec::new();
                for (index, gap) in [0].into_iter().chain(gaps).enumerate() {
                    at += gap;
                    let message = format!("{}.{index}", model.batches);
                    events.push(event(NOW_MS + at, &message));
                    model.events.insert((at, model.batches, index), (stream, message));
                }
                model.batches += 1;
                fixture.put(STREAMS[stream], &events).expect("stored");
            }
            Step::Recreate { stream } => {
                fixture
                    .logs()
                    .delete_stream(&scope(), GROUP, STREAMS[stream])
                    .expect("deleted");
                fixture.create_stream(STREAMS[stream]).expect("created");
                model.events.retain(|_, (it, _)| *it != stream);
            }
            Step::Reopen => fixture.reopen(),
            Step::Maintain => drop(fixture.logs().maintain(super::at(NOW_MS)).expect("maintained")),
            Step::Filter {
                prefix,
                range: (from, to),
                limit,
                start_from,
            } => {
                let input = FilterLogEvents {
                    group: GROUP.to_owned(),
                    streams: prefix.map_or(StreamChoice::All, |it| StreamChoice::Prefix(it.to_owned())),
                    start_ms: Some(NOW_MS + from),
                    end_ms: Some(NOW_MS + to),
                    start_from: Some(start_from),
                    limit: Some(limit),
                    ..FilterLogEvents::default()
                };
                let wanted = |stream: usize| STREAMS[stream].starts_with(prefix.unwrap_or(""));
                let mut expected = model.select(wanted, |at| from <= at && at <= to);
                if start_from == StartFrom::Tail {
                    expected.reverse();
                }
                assert_eq!(filter_all(&fixture, input), expected);
            }
            Step::Get {
                stream,
                range: (from, to),
                limit,
                start_from,
            } => {
                let (start_ms, end_ms) = (Some(NOW_MS + from), Some(NOW_MS + to));
                let input = GetLogEvents {
                    start_ms,
                    end_ms,
                    start_from,
                    limit: Some(limit),
                    ..get(STREAMS[stream])
                };
                let expected = model.select(|it| it == stream, |at| from <= at && at < to);
                assert_eq!(get_all(&fixture, input), expected);
            }
        }
    }
    check_descriptions(&mut fixture, &model);
}

fn check_descriptions(fixture: &mut Fixture, model: &Model) {
    for _ in 0..2 {
        for (number, name) in STREAMS.iter().enumerate() {
            let shown = fixture
                .logs()
                .describe_stream(&scope(), GROUP, name)
                .expect("the stream");
            let times = || {
                model
                    .events
                    .iter()
                    .filter(|(_, (it, _))| *it == number)
                    .map(|((at, _, _), _)| NOW_MS + at)
            };
            assert_eq!(
                (shown.first_event_ms, shown.last_event_ms),
                (times().min(), times().max())
            );
        }
        let shown = fixture.logs().describe_group(&scope(), GROUP).expect("the group");
        assert_eq!(
            shown.stored_bytes,
            model
                .events
                .values()
                .map(|(_, it)| it.len() as u64 + 26)
                .sum::<u64>()
        );
        fixture.reopen();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_a_sorted_list(steps in prop::collection::vec(step(), 1..60), scan_bytes in 1..2000usize) {
        run(LogsOptions { scan_bytes, ..tiny() }, steps);
    }
}
