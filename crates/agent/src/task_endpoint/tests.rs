//! The endpoint without a network: the pure parts by tables, the rest over tasks on a host in memory.

mod credentials;
mod metadata;
mod stats;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::ids::Ids;
use serde_json::json;
use tokio::time::Instant;

use super::ids::EndpointIds;
use super::limits::Limits;
use super::path::{Page, Target, Version};
use super::protection::{self, Request};
use crate::config::RequestRate;
use crate::host::Caller;

#[test]
fn paths_say_what_is_asked_for() {
    use Page::{Container, ContainerStats, Task, TaskStats, TaskWithTags};
    use Version::{V3, V4};
    for (path, target) in [
        ("/v2/credentials/x", Target::Credentials("x")),
        ("/v2/credentials", Target::Credentials("")),
        ("/v4/id", Target::Metadata(V4, "id", Container)),
        ("/v4/id/task", Target::Metadata(V4, "id", Task)),
        ("/v4/id/taskWithTags", Target::Metadata(V4, "id", TaskWithTags)),
        ("/v4/id/stats", Target::Metadata(V4, "id", ContainerStats)),
        ("/v4/id/task/stats", Target::Metadata(V4, "id", TaskStats)),
        ("/v3/id", Target::Metadata(V3, "id", Container)),
        ("/v3/id/task/stats", Target::Metadata(V3, "id", TaskStats)),
        ("/v2/metadata", Target::OfCaller(Task, None)),
        ("/v2/metadata/", Target::OfCaller(Task, None)),
        ("/v2/metadataWithTags", Target::OfCaller(TaskWithTags, None)),
        ("/v2/metadata/abc", Target::OfCaller(Container, Some("abc"))),
        ("/v2/stats", Target::OfCaller(TaskStats, None)),
        ("/v2/stats/abc", Target::OfCaller(ContainerStats, Some("abc"))),
        ("/api/id/task-protection/v1/state", Target::TaskProtection("id")),
        ("/api/id/fault/v1/network-latency/start", Target::Fault("id")),
        ("/api/id/fault/v1/network-latency/begin", Target::Unknown),
        ("/api/id/fault/v1/other/start", Target::Unknown),
        ("/api//task-protection/v1/state", Target::Unknown),
        ("/v4/", Target::Unknown),
        ("/v4//task", Target::Unknown),
        ("/v4/id/tasks", Target::Unknown),
        ("/v4/id/", Target::Unknown),
        ("/v5/id", Target::Unknown),
        ("/v2/other", Target::Unknown),
        ("/", Target::Unknown),
        ("", Target::Unknown),
    ] {
        assert_eq!(Target::read(path), target, "{path}");
    }
}

#[test]
fn ids_are_as_amazons_look_and_last() {
    let folder = tempfile::tempdir().unwrap();
    let ids = EndpointIds::open(folder.path(), &Ids::seeded([1; 32])).unwrap();
    let id = ids.of("task", "web");
    let (hex, digits) = id.split_once('-').unwrap();
    assert!(
        hex.len() == 32 && hex.bytes().all(|it| it.is_ascii_hexdigit()),
        "{id}"
    );
    assert!(
        digits.len() == 10 && digits.bytes().all(|it| it.is_ascii_digit()),
        "{id}"
    );
    let others = [
        ("task", "side"),
        ("other", "web"),
        ("taskweb", ""),
        ("", "taskweb"),
    ];
    let all: BTreeSet<String> = others.iter().map(|(task, name)| ids.of(task, name)).collect();
    assert!(all.len() == 4 && !all.contains(&id));

    let again = EndpointIds::open(folder.path(), &Ids::seeded([2; 32])).unwrap();
    assert_eq!(again.of("task", "web"), id, "after a restart of the agent");
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = EndpointIds::open(elsewhere.path(), &Ids::seeded([2; 32])).unwrap();
    assert_ne!(elsewhere.of("task", "web"), id, "of another agent");
}

#[test]
fn each_task_may_ask_so_often() {
    let limits = Limits::new(RequestRate {
        per_second: 40,
        burst: 60,
    });
    let start = Instant::now();
    let (one, other) = (Caller::Task("one".to_owned()), Caller::Task("other".to_owned()));
    let admitted = |caller, count, at| (0..count).filter(|_| limits.admit(caller, at)).count();
    assert_eq!(admitted(&one, 100, start), 60);
    assert_eq!(admitted(&other, 1, start), 1, "it has a limit of its own");
    assert_eq!(admitted(&one, 100, start + Duration::from_millis(500)), 20);
    assert_eq!(admitted(&one, 100, start + Duration::from_secs(60)), 60);
    assert_eq!(
        admitted(&one, 1, start),
        0,
        "a clock that goes back gives nothing"
    );
}

#[test]
fn protection_is_asked_for_as_documented() {
    let read = |body: &str| Request::read("arn", body.as_bytes());
    let update = |is_enabled, expires_in_minutes| {
        Ok(Request::Update {
            is_enabled,
            expires_in_minutes,
        })
    };
    assert_eq!(
        read(r#"{"ProtectionEnabled": true, "ExpiresInMinutes": 60}"#),
        update(true, Some(60))
    );
    assert_eq!(
        read(r#"{"protectionEnabled": false, "ExpiresInMinutes": null}"#),
        update(false, None)
    );
    let code = "InvalidParameterException";
    let undecodable =
        json!({"error": {"Code": code, "Message": "UpdateTaskProtection: failed to decode request"}});
    for body in [
        "",
        "[]",
        r#"{"ProtectionEnabled": 1}"#,
        r#"{"ProtectionEnabled": true, "Other": 1}"#,
        r#"{"ProtectionEnabled": true, "ExpiresInMinutes": 1.5}"#,
    ] {
        let (status, shown) = read(body).unwrap_err();
        assert_eq!((status.as_u16(), &shown), (400, &undecodable), "{body}");
    }
    let message = "Invalid request: does not contain 'ProtectionEnabled' field";
    let missing = json!({"error": {"Arn": "arn", "Code": code, "Message": message}});
    let (status, shown) = read(r#"{"ExpiresInMinutes": 1}"#).unwrap_err();
    assert_eq!((status.as_u16(), shown), (400, missing));
}

#[test]
fn protection_is_told_in_the_shape_of_amazons_agent() {
    let protected = api::ecs::ProtectedTask {
        expiration_date: Some("2026-11-21T19:00:00Z".parse().unwrap()),
        protection_enabled: Some(true),
        task_arn: Some("arn".to_owned()),
    };
    let failure = api::ecs::Failure {
        arn: Some("arn".to_owned()),
        detail: None,
        reason: Some("TASK_NOT_VALID".to_owned()),
    };
    let shown = json!({"protection": {
        "ExpirationDate": "2026-11-21T19:00:00Z", "ProtectionEnabled": true, "TaskArn": "arn",
    }});
    assert_eq!(protection::outcome("arn", Some(vec![protected]), None).1, shown);
    let shown = json!({"failure": {"Arn": "arn", "Detail": null, "Reason": "TASK_NOT_VALID"}});
    let (status, failed) = protection::outcome("arn", None, Some(vec![failure]));
    assert_eq!((status.as_u16(), failed), (200, shown));
    assert_eq!(protection::outcome("arn", None, None).0.as_u16(), 500);
}
