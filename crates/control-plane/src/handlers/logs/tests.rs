//! How log shapes of the wire map to those of the store.

use std::collections::BTreeMap;

use api::logs;
use serde_json::json;
use telemetry::logs::{LogGroup, LogGroupClass, LogScope, LogStream, LogsError, RejectedEvents};
use wire::ServiceError;

use super::{error, events, group, groups, limit, streams};
use crate::fixture::{Fixture, code as error_code};

fn scope() -> LogScope {
    LogScope {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn code<T>(result: Result<T, logs::Error>) -> Option<String> {
    result.err().map(|it| it.code().to_owned())
}

#[test]
fn groups_are_named_or_identified() {
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web";
    let starred = format!("{arn}:*");
    let named = |name, identifier| group(&scope(), name, identifier).ok();
    for identifier in ["/ecs/web", arn, starred.as_str()] {
        assert_eq!(named(None, Some(identifier)).as_deref(), Some("/ecs/web"));
    }
    assert_eq!(named(Some("/ecs/web"), None).as_deref(), Some("/ecs/web"));
    for (name, identifier) in [(None, None), (Some("a"), Some("a"))] {
        let refused = code(group(&scope(), name, identifier));
        assert_eq!(refused.as_deref(), Some("InvalidParameterException"));
    }
}

#[test]
fn groups_of_others_are_not_found() {
    for arn in [
        "arn:aws:logs:us-east-1:210987654321:log-group:/ecs/web",
        "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web:*",
        "arn:aws:ecs:us-east-1:123456789012:cluster/default",
    ] {
        let refused = code(group(&scope(), None, Some(arn)));
        assert_eq!(refused.as_deref(), Some("ResourceNotFoundException"), "{arn}");
    }
}

#[test]
fn failures_are_modelled_exceptions() {
    let storage = LogsError::Storage {
        doing: "write",
        path: "/secret".into(),
        source: std::io::Error::other("disk"),
    };
    for (given, expected) in [
        (LogsError::GroupNotFound, "ResourceNotFoundException"),
        (LogsError::StreamNotFound, "ResourceNotFoundException"),
        (LogsError::GroupAlreadyExists, "ResourceAlreadyExistsException"),
        (LogsError::StreamAlreadyExists, "ResourceAlreadyExistsException"),
        (
            LogsError::InvalidParameter("no".to_owned()),
            "InvalidParameterException",
        ),
        (LogsError::LimitExceeded, "LimitExceededException"),
        (storage, "ServiceUnavailableException"),
    ] {
        let answered = error(given);
        assert_eq!(answered.code(), expected);
        assert!(answered.message().is_some_and(|it| !it.contains("/secret")));
    }
}

#[test]
fn negative_limits_are_refused() {
    assert_eq!(limit(None), Ok(None));
    assert_eq!(limit(Some(7)), Ok(Some(7)));
    assert_eq!(
        code(limit(Some(-1))).as_deref(),
        Some("InvalidParameterException")
    );
}

#[test]
fn what_is_not_obeyed_is_refused() {
    let plain = logs::CreateLogGroupInput {
        log_group_name: "/ecs/web".to_owned(),
        log_group_class: Some(logs::LogGroupClass::Standard),
        deletion_protection_enabled: Some(false),
        tags: Some(BTreeMap::from([("team".to_owned(), "web".to_owned())])),
        ..logs::CreateLogGroupInput::default()
    };
    let made = groups::new_group(&plain).expect("nothing of it is unbuilt");
    assert_eq!(
        (made.name.as_str(), made.class, made.tags.len()),
        ("/ecs/web", LogGroupClass::Standard, 1)
    );
    let mut refused = vec![plain.clone(); 4];
    refused[0].deletion_protection_enabled = Some(true);
    refused[1].kms_key_id = Some("arn:aws:kms:us-east-1:123456789012:key/1".to_owned());
    refused[2].log_group_class = Some(logs::LogGroupClass::InfrequentAccess);
    refused[3].log_group_class = Some(logs::LogGroupClass::Unmodelled("OTHER".to_owned()));
    for input in refused {
        let answer = code(groups::new_group(&input));
        assert_eq!(answer.as_deref(), Some("InvalidParameterException"), "{input:?}");
    }
}

#[test]
fn groups_have_both_arns() {
    let rendered = groups::rendered(&LogGroup {
        name: "g".to_owned(),
        arn: "arn:g".to_owned(),
        created_ms: 5,
        retention_days: Some(14),
        stored_bytes: 31,
        kms_key_id: None,
        class: LogGroupClass::Standard,
        tags: BTreeMap::new(),
    });
    assert_eq!(rendered.arn.as_deref(), Some("arn:g:*"));
    assert_eq!(rendered.log_group_arn.as_deref(), Some("arn:g"));
    assert_eq!(
        (rendered.retention_in_days, rendered.stored_bytes),
        (Some(14), Some(31))
    );
}

#[test]
fn streams_store_nothing_on_the_wire() {
    let rendered = streams::rendered(&LogStream {
        name: "s".to_owned(),
        arn: "arn:g:log-stream:s".to_owned(),
        created_ms: 5,
        first_event_ms: Some(6),
        last_event_ms: Some(7),
        last_ingestion_ms: Some(8),
        upload_sequence_token: "1".to_owned(),
        stored_bytes: 4096,
    });
    assert_eq!(rendered.stored_bytes, Some(0));
    assert_eq!(rendered.arn.as_deref(), Some("arn:g:log-stream:s"));
    let times = (
        rendered.first_event_timestamp,
        rendered.last_event_timestamp,
        rendered.last_ingestion_time,
    );
    assert_eq!(times, (Some(6), Some(7), Some(8)));
}

#[test]
fn rejected_events_keep_their_indexes() {
    let info = events::rejected(&RejectedEvents {
        too_new_start: Some(3),
        too_old_end: Some(1),
        expired_end: Some(2),
    });
    assert_eq!(info.too_new_log_event_start_index, Some(3));
    assert_eq!(info.too_old_log_event_end_index, Some(1));
    assert_eq!(info.expired_log_event_end_index, Some(2));
}

#[tokio::test]
async fn tags_of_groups_are_changed_and_listed_by_arn() {
    let fixture = Fixture::new().await;
    let create = json!({ "logGroupName": "/ecs/web", "tags": { "team": "web" } });
    fixture.ask_of("logs", "CreateLogGroup", create).await;
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web";
    let list = |arn: &str| fixture.ask_of("logs", "ListTagsForResource", json!({ "resourceArn": arn }));
    assert_eq!(list(arn).await, json!({ "tags": { "team": "web" } }));
    let tag = json!({ "resourceArn": arn, "tags": { "team": "api", "stage": "test" } });
    fixture.ask_of("logs", "TagResource", tag).await;
    assert_eq!(
        list(&format!("{arn}:*")).await,
        json!({ "tags": { "stage": "test", "team": "api" } })
    );
    let untag = json!({ "resourceArn": arn, "tagKeys": ["team", "colour"] });
    fixture.ask_of("logs", "UntagResource", untag).await;
    assert_eq!(list(arn).await, json!({ "tags": { "stage": "test" } }));
    let many: BTreeMap<String, String> = (0..50).map(|it| (format!("k{it}"), String::new())).collect();
    let other = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/other";
    for (arn, tags, expected) in [
        (arn, json!(many), "TooManyTagsException"),
        (arn, json!({ "": "x" }), "InvalidParameterException"),
        (arn, json!({ "x!": "x" }), "InvalidParameterException"),
        (other, json!({ "x": "x" }), "ResourceNotFoundException"),
        ("/ecs/web", json!({ "x": "x" }), "InvalidParameterException"),
    ] {
        let input = json!({ "resourceArn": arn, "tags": tags });
        let refused = fixture.refused_of("logs", "TagResource", input).await;
        assert_eq!(error_code(refused), expected, "{arn} {tags}");
    }
    assert_eq!(list(arn).await, json!({ "tags": { "stage": "test" } }));
}
