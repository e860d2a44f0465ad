use serde_json::json;

use super::*;
use crate::session::messages::{Dropped, decode, exception};

const INSTANCE: &str = "arn:aws:ecs:us-east-1:123456789012:container-instance/lab/3900";
const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/lab";

struct Tasks(&'static [&'static str]);

impl Present for Tasks {
    fn desired_running(&self) -> Vec<String> {
        self.0.iter().map(|it| (*it).to_owned()).collect()
    }

    fn knows(&self, arn: &str) -> bool {
        self.0.contains(&arn)
    }
}

fn message(kind: &str, mut body: Value) -> Incoming {
    let members = body.as_object_mut().unwrap();
    members.insert("clusterArn".to_owned(), json!(CLUSTER));
    members.insert("containerInstanceArn".to_owned(), json!(INSTANCE));
    decode(&json!({"type": kind, "message": body}).to_string()).unwrap()
}

fn exchange() -> Exchange {
    Exchange::new("lab", INSTANCE)
}

/// Replies as type and message.
fn replies(effects: &[Effect]) -> Vec<(String, Value)> {
    let frames = effects.iter().filter_map(|it| match it {
        Effect::Reply(frame) => Some(serde_json::from_str::<Value>(frame).unwrap()),
        _ => None,
    });
    frames
        .map(|it| (it["type"].as_str().unwrap().to_owned(), it["message"].clone()))
        .collect()
}

fn ack(message_id: &str) -> (String, Value) {
    let body = json!({"cluster": CLUSTER, "containerInstance": INSTANCE, "messageId": message_id});
    ("AckRequest".to_owned(), body)
}

#[test]
fn a_recorded_heartbeat_is_answered() {
    let frame =
        "{\"type\": \"HeartbeatMessage\", \"message\": {\"healthy\": true, \"messageId\": \"3647d076\"}}";
    let effects = exchange().receive(decode(frame).unwrap(), &Tasks(&[]));
    assert_eq!(
        replies(&effects),
        [("HeartbeatAckRequest".to_owned(), json!({"messageId": "3647d076"}))]
    );
}

#[test]
fn a_payload_is_acknowledged_with_its_credentials() {
    let task = json!({
        "arn": "arn:aws:ecs:us-east-1:123456789012:task/lab/1", "desiredStatus": "RUNNING",
        "containers": [{"name": "a", "image": "b", "essential": true}],
        "roleCredentials": {"credentialsId": "c1", "expiration": "2026-11-21T05:21:56Z"},
    });
    let payload = message(
        "PayloadMessage",
        json!({"messageId": "m", "seqNum": 4, "tasks": [task]}),
    );
    let effects = exchange().receive(payload, &Tasks(&[]));
    let [Effect::Accept(arrivals, frames)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(arrivals.len(), 1);
    let frames: Vec<Effect> = frames.iter().cloned().map(Effect::Reply).collect();
    let credentials = json!({"messageId": "m", "credentialsId": "c1", "expiration": "2026-11-21T05:21:56Z"});
    assert_eq!(
        replies(&frames),
        [ack("m"), ("IAMRoleCredentialsAckRequest".to_owned(), credentials)]
    );
}

#[test]
fn a_payload_with_a_task_that_cannot_be_read_is_not_acknowledged_but_done() {
    let good = json!({"arn": "a/1", "containers": [{"name": "a", "image": "b"}]});
    let bad = json!({"arn": "a/2", "containers": [{"name": "a", "image": "b", "overrides": "{not json"}]});
    let payload = message("PayloadMessage", json!({"messageId": "m", "tasks": [good, bad]}));
    let effects = exchange().receive(payload, &Tasks(&[]));
    let [Effect::Accept(arrivals, frames)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((arrivals.len(), frames.len()), (2, 0));
    assert!(arrivals[0].refusal.is_none() && arrivals[1].refusal.is_some());
}

#[test]
fn a_task_that_is_not_supported_is_acknowledged_and_refused() {
    let task = json!({"arn": "a/1", "proxyConfiguration": {"type": "APPMESH"}, "containers": [{"name": "a", "image": "b"}]});
    let payload = message("PayloadMessage", json!({"messageId": "m", "tasks": [task]}));
    let effects = exchange().receive(payload, &Tasks(&[]));
    let [Effect::Accept(arrivals, frames)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((arrivals[0].refusal.is_some(), frames.len()), (true, 1));
}

#[test]
fn tasks_that_a_manifest_does_not_name_are_stopped_once_that_is_confirmed() {
    let mut exchange = exchange();
    let tasks = Tasks(&["a/1", "a/2", "a/3"]);
    let listed = json!([
        {"taskArn": "a/1", "desiredStatus": "RUNNING"}, {"taskArn": "a/2", "desiredStatus": "STOPPED"},
    ]);
    let manifest = message(
        "TaskManifestMessage",
        json!({"messageId": "m", "timeline": 6, "tasks": listed}),
    );
    let effects = exchange.receive(manifest, &tasks);
    let candidate =
        |arn: &str| json!({"taskArn": arn, "taskClusterArn": CLUSTER, "desiredStatus": "STOPPED"});
    let verification = json!({"messageId": "m", "stopCandidates": [candidate("a/2"), candidate("a/3")]});
    assert_eq!(
        replies(&effects),
        [ack("m"), ("TaskStopVerificationMessage".to_owned(), verification)]
    );

    let answer = |id: &str| {
        message(
            "TaskStopVerificationAck",
            json!({"messageId": id, "stopTasks": [candidate("a/3")]}),
        )
    };
    assert_eq!(exchange.receive(answer("never-sent"), &tasks), []);
    assert_eq!(
        exchange.receive(answer("m"), &tasks),
        [Effect::Stop("a/3".to_owned())]
    );
    assert_eq!(exchange.receive(answer("m"), &tasks), [], "it counts once");
}

#[test]
fn an_old_manifest_is_dropped() {
    let mut exchange = exchange();
    exchange.receive(
        message("PayloadMessage", json!({"messageId": "p", "seqNum": 9})),
        &Tasks(&[]),
    );
    let manifest = |timeline: i64| {
        message(
            "TaskManifestMessage",
            json!({"messageId": "m", "timeline": timeline}),
        )
    };
    assert_eq!(exchange.receive(manifest(8), &Tasks(&["a/1"])), []);
    assert_eq!(exchange.receive(manifest(9), &Tasks(&["a/1"])).len(), 2);
    assert_eq!(exchange.receive(manifest(10), &Tasks(&["a/1"])).len(), 2);
}

#[test]
fn a_task_that_is_expected_and_not_here_is_noticed() {
    let listed = json!([{"taskArn": "a/1", "desiredStatus": "RUNNING"}]);
    let manifest = message(
        "TaskManifestMessage",
        json!({"messageId": "m", "timeline": 1, "tasks": listed}),
    );
    let effects = exchange().receive(manifest, &Tasks(&[]));
    assert_eq!(effects[1..], [Effect::Expected("a/1".to_owned())]);
}

#[test]
fn interfaces_and_updates_and_credentials_are_answered() {
    let mut exchange = exchange();
    let interfaces = json!([{"attachmentArn": "att", "macAddress": "02:00:00:00:00:07"}]);
    let body = json!({
        "messageId": "m", "taskArn": "a/1", "waitTimeoutMs": 20000, "elasticNetworkInterfaces": interfaces,
    });
    let effects = exchange.receive(message("AttachTaskNetworkInterfacesMessage", body), &Tasks(&[]));
    assert_eq!(replies(&effects), [ack("m")]);
    assert_eq!(effects[1], Effect::Attached("a/1".to_owned(), "att".to_owned()));

    let effects = exchange.receive(
        message("PerformUpdateMessage", json!({"messageId": "u"})),
        &Tasks(&[]),
    );
    let (kind, body) = &replies(&effects)[0];
    assert_eq!(
        (kind.as_str(), &body["reason"]),
        ("NackRequest", &json!("Updates are disabled"))
    );

    let credentials = |role: &str, id: &str| {
        let body = json!({"messageId": "c", "roleType": role, "roleCredentials": {"credentialsId": id}});
        message("IAMRoleCredentialsMessage", body)
    };
    let effects = exchange.receive(credentials("TaskExecution", "i"), &Tasks(&[]));
    assert!(
        matches!(effects.as_slice(), [Effect::Renew(_, RoleType::Execution, it), Effect::Reply(_)] if it.id == "i"),
        "{effects:?}"
    );
    assert_eq!(exchange.receive(credentials("Nonsense", "i"), &Tasks(&[])), []);
    assert_eq!(
        exchange.receive(credentials("TaskExecution", ""), &Tasks(&[])),
        []
    );
}

#[test]
fn frames_that_mean_nothing_are_dropped() {
    assert_eq!(
        decode("{\"type\":\"BrandNewMessage\",\"message\":{\"x\":1}}"),
        Err(Dropped::Unknown("BrandNewMessage".to_owned()))
    );
    for frame in [
        "",
        "x",
        "[]",
        "{}",
        "{\"type\":\"PayloadMessage\",\"message\":{\"messageId\":\"m\"}}",
    ] {
        assert!(matches!(decode(frame), Err(Dropped::Undecodable(_))), "{frame}");
    }
}

#[test]
fn exceptions_come_framed_and_bare() {
    let inactive = Incoming::Exception("InactiveInstanceException".to_owned(), "gone".to_owned());
    assert_eq!(
        decode("{\"InactiveInstanceException\":\"gone\"}").unwrap(),
        inactive
    );
    let framed = "{\"type\":\"InactiveInstanceException\",\"message\":{\"message\":\"gone\"}}";
    assert_eq!(decode(framed).unwrap(), inactive);
    assert_eq!(exchange().receive(inactive, &Tasks(&[])), [Effect::Inactive]);
    assert_eq!(exception("{\"message\":\"x\"}"), None);
}

#[test]
fn a_question_about_a_task_is_answered_by_whoever_has_it() {
    let frame = "{\"type\":\"InspectTaskMessage\",\"message\":{\"messageId\":\"m\",\"taskArn\":\"t\"}}";
    let effects = exchange().receive(decode(frame).unwrap(), &Tasks(&[]));
    assert_eq!(effects, [Effect::Inspect("m".to_owned(), "t".to_owned())]);
    let nothing = "{\"type\":\"InspectTaskMessage\",\"message\":{\"messageId\":\"m\"}}";
    assert!(
        exchange()
            .receive(decode(nothing).unwrap(), &Tasks(&[]))
            .is_empty()
    );
}
