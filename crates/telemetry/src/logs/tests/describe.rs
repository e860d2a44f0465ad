//! Groups and streams: names, pages, order, what is shown of them.

use std::collections::BTreeMap;

use super::{Fixture, GROUP, HOUR_MS, NOW_MS, at, event, scope};
use crate::logs::{
    CreateLogGroup, DescribeLogGroups, DescribeLogStreams, LogGroupClass, LogScope, Logs, LogsError,
    NameFilter, StreamOrder,
};

fn group_names(fixture: &Fixture, input: &DescribeLogGroups) -> Vec<String> {
    let mut input = input.clone();
    let mut names = Vec::new();
    loop {
        let page = fixture.logs().describe_groups(&scope(), &input).expect("a page");
        names.extend(page.groups.into_iter().map(|it| it.name));
        match page.next_token {
            Some(token) => input.next_token = Some(token),
            None => return names,
        }
    }
}

#[test]
fn groups_are_listed_by_name_in_pages() {
    let fixture = Fixture::new();
    for name in ["/ecs/api", "/ecs/webhooks", "batch"] {
        fixture.create_group(name).expect("a group");
    }
    for limit in [Some(1), Some(2), Some(50), None] {
        let with = |filter| DescribeLogGroups {
            filter,
            limit,
            ..DescribeLogGroups::default()
        };
        let all = group_names(&fixture, &with(NameFilter::All));
        assert_eq!(all, ["/ecs/api", "/ecs/web", "/ecs/webhooks", "batch"]);
        let prefixed = group_names(&fixture, &with(NameFilter::Prefix("/ecs/w".to_owned())));
        assert_eq!(prefixed, ["/ecs/web", "/ecs/webhooks"]);
        let containing = group_names(&fixture, &with(NameFilter::Contains("a".to_owned())));
        assert_eq!(containing, ["/ecs/api", "batch"]);
    }
    let elsewhere = LogScope {
        region: "eu-west-1".to_owned(),
        ..scope()
    };
    let page = fixture
        .logs()
        .describe_groups(&elsewhere, &DescribeLogGroups::default())
        .expect("a page");
    assert!(page.groups.is_empty());
}

#[test]
fn what_is_set_on_a_group_is_shown_and_survives_a_restart() {
    let mut fixture = Fixture::new();
    let input = CreateLogGroup {
        name: "tagged".to_owned(),
        kms_key_id: Some("arn:aws:kms:us-east-1:123456789012:key/1".to_owned()),
        tags: BTreeMap::from([
            ("team".to_owned(), "web".to_owned()),
            ("old".to_owned(), "yes".to_owned()),
        ]),
        class: LogGroupClass::InfrequentAccess,
    };
    let logs = fixture.logs();
    logs.create_group(&scope(), input, at(NOW_MS)).expect("a group");
    logs.put_retention(&scope(), "tagged", 30).expect("a retention");
    let tier = BTreeMap::from([("tier".to_owned(), "1".to_owned())]);
    logs.tag_group(&scope(), "tagged", tier).expect("a tag");
    logs.untag_group(&scope(), "tagged", &["old".to_owned()])
        .expect("no tag");
    let shown = logs.describe_group(&scope(), "tagged").expect("the group");
    assert_eq!(shown.arn, "arn:aws:logs:us-east-1:123456789012:log-group:tagged");
    assert_eq!(
        (shown.created_ms, shown.retention_days, shown.stored_bytes),
        (NOW_MS, Some(30), 0)
    );
    assert_eq!(shown.tags.keys().collect::<Vec<_>>(), ["team", "tier"]);
    assert_eq!(shown.class, LogGroupClass::InfrequentAccess);
    fixture.reopen();
    assert_eq!(
        fixture
            .logs()
            .describe_group(&scope(), "tagged")
            .expect("the group"),
        shown
    );
    fixture
        .logs()
        .delete_retention(&scope(), "tagged")
        .expect("no retention");
    assert_eq!(
        fixture
            .logs()
            .describe_group(&scope(), "tagged")
            .expect("the group")
            .retention_days,
        None
    );
}

#[test]
fn names_and_values_are_checked() {
    let fixture = Fixture::new();
    for name in ["", "with space", "colon:", "aws/reserved", &"x".repeat(513)] {
        assert!(
            matches!(fixture.create_group(name), Err(LogsError::InvalidParameter(_))),
            "{name}"
        );
    }
    for name in ["", "a:b", "a*b", &"x".repeat(513)] {
        assert!(
            matches!(fixture.create_stream(name), Err(LogsError::InvalidParameter(_))),
            "{name}"
        );
    }
    let taken = fixture.create_group(GROUP).expect_err("taken");
    assert_eq!(taken.to_string(), "The specified log group already exists");
    let taken = fixture.create_stream("a").expect_err("taken");
    assert_eq!(taken.to_string(), "The specified log stream already exists");
    let refused = fixture
        .logs()
        .put_retention(&scope(), GROUP, 2)
        .expect_err("no such retention");
    assert!(refused.to_string().starts_with(
        "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: \
         Member must satisfy enum value set: [1, 3, 5, 7, 14,"
    ));
}

#[test]
fn streams_are_listed_by_name_or_last_event() {
    let fixture = Fixture::new();
    fixture.create_stream("c").expect("a stream");
    fixture.put_at("a", &[30]);
    fixture.put_at("c", &[20]);
    let cases = [
        (
            StreamOrder::Name { prefix: None },
            false,
            ["a", "b", "c"].as_slice(),
        ),
        (StreamOrder::Name { prefix: None }, true, &["c", "b", "a"]),
        (
            StreamOrder::Name {
                prefix: Some("b".to_owned()),
            },
            false,
            &["b"],
        ),
        (StreamOrder::LastEventTime, false, &["b", "c", "a"]),
        (StreamOrder::LastEventTime, true, &["a", "c", "b"]),
    ];
    for (order, is_descending, expected) in cases {
        for limit in [None, Some(1), Some(2)] {
            let mut input = DescribeLogStreams {
                order: order.clone(),
                is_descending,
                limit,
                next_token: None,
            };
            let mut names = Vec::new();
            loop {
                let page = fixture
                    .logs()
                    .describe_streams(&scope(), GROUP, &input)
                    .expect("a page");
                names.extend(page.streams.into_iter().map(|it| it.name));
                input.next_token = page.next_token;
                if input.next_token.is_none() {
                    break;
                }
            }
            assert_eq!(names, expected, "{order:?} {is_descending} {limit:?}");
        }
    }
    let both = StreamOrder::new(Some("LastEventTime"), Some("a".to_owned()));
    let text = "Cannot order by LastEventTime with a logStreamNamePrefix.";
    assert_eq!(both.expect_err("both").to_string(), text);
}

#[test]
fn a_stream_shows_its_times_and_sizes() {
    let mut fixture = Fixture::new();
    fixture
        .put("a", &[event(NOW_MS - HOUR_MS, "four"), event(NOW_MS, "five5")])
        .expect("stored");
    fixture
        .put("a", &[event(NOW_MS - 2 * HOUR_MS, "late")])
        .expect("stored");
    let shown = fixture
        .logs()
        .describe_stream(&scope(), GROUP, "a")
        .expect("the stream");
    assert_eq!(
        shown.arn,
        "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:log-stream:a"
    );
    assert_eq!(shown.first_event_ms, Some(NOW_MS - 2 * HOUR_MS));
    assert_eq!(
        (shown.last_event_ms, shown.last_ingestion_ms),
        (Some(NOW_MS), Some(NOW_MS))
    );
    assert_eq!(shown.stored_bytes, 4 + 5 + 4 + 3 * 26);
    assert_eq!(shown.upload_sequence_token.len(), 56);
    fixture.reopen();
    assert_eq!(
        fixture
            .logs()
            .describe_stream(&scope(), GROUP, "a")
            .expect("the stream"),
        shown
    );
    assert_eq!(
        fixture
            .logs()
            .describe_group(&scope(), GROUP)
            .expect("the group")
            .stored_bytes,
        shown.stored_bytes
    );
}

#[test]
fn what_is_deleted_is_gone_even_under_the_same_name() {
    let mut fixture = Fixture::new();
    fixture.put_at("a", &[0]);
    fixture.put_at("b", &[1]);
    fixture
        .logs()
        .delete_stream(&scope(), GROUP, "a")
        .expect("deleted");
    assert_eq!(fixture.messages(None), ["b1"]);
    fixture.create_stream("a").expect("created again");
    assert_eq!(fixture.messages(None), ["b1"]);
    fixture.reopen();
    assert_eq!(fixture.messages(None), ["b1"]);

    fixture.logs().delete_group(&scope(), GROUP).expect("deleted");
    fixture.create_group(GROUP).expect("created again");
    assert!(fixture.messages(None).is_empty());
    fixture.reopen();
    assert!(fixture.messages(None).is_empty());
    assert!(matches!(
        fixture.put("b", &[event(NOW_MS, "x")]),
        Err(LogsError::StreamNotFound)
    ));
}

#[test]
fn a_directory_is_open_once() {
    let fixture = Fixture::new();
    assert!(matches!(Logs::open(fixture.dir.path()), Err(LogsError::InUse(_))));
}
