//! The envelope of an event.

use domain::{Scope, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::CommitId;
use telemetry::events::NewEvent;

/// Task State Change.
pub const TASK: &str = "ECS Task State Change";
/// Container Instance State Change.
pub const CONTAINER_INSTANCE: &str = "ECS Container Instance State Change";
/// Deployment State Change.
pub const DEPLOYMENT: &str = "ECS Deployment State Change";
/// Service Action.
pub const SERVICE_ACTION: &str = "ECS Service Action";

/// All of them.
pub const DETAIL_TYPES: [&str; 4] = [TASK, CONTAINER_INSTANCE, DEPLOYMENT, SERVICE_ACTION];

/// The commit that an event comes of.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// Its place in the order.
    pub commit: CommitId,
    /// When.
    pub at: Timestamp,
}

/// What happened to what.
#[derive(Clone, Debug)]
pub struct Happening {
    /// `detail-type`.
    pub detail_type: &'static str,
    /// ARN of the resource.
    pub resource: String,
    /// Its account and region.
    pub scope: Scope,
    /// ARN of its cluster.
    pub cluster: String,
    /// ARN of the service that it is about.
    pub service: Option<String>,
    /// ARN of the task that it is about.
    pub task: Option<String>,
    /// `detail`.
    pub detail: Map<String, Value>,
}

/// The event, the `index`th of its commit.
///
/// # Errors
/// It is no JSON.
pub fn record(cause: Cause, index: usize, it: Happening) -> serde_json::Result<NewEvent> {
    let record = json!({
        "version": "0",
        "id": id(cause.commit, index, &it.resource),
        "detail-type": it.detail_type,
        "source": "aws.ecs",
        "account": it.scope.account,
        "time": cause.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": it.scope.region,
        "resources": [it.resource],
        "detail": it.detail,
    });
    Ok(NewEvent {
        at_ms: cause.at.as_millisecond(),
        detail_type: it.detail_type.to_owned(),
        cluster: Some(it.cluster),
        service: it.service,
        task: it.task,
        record: RawValue::from_string(record.to_string())?,
    })
}

/// The same commit gives the same id, however often it is read.
fn id(commit: CommitId, index: usize, resource: &str) -> String {
    let hash = Sha256::digest(format!("{commit} {index} {resource}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// As events have times, where answers of the API have seconds since 1970.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A shape of the API as events have it: its times are texts.
pub fn shape<T: wire::Value>(shape: &T) -> Map<String, Value> {
    let value = serde_json::from_slice::<Value>(&wire::json::encode(shape));
    match value.unwrap_or_default() {
        Value::Object(mut members) => {
            members
                .iter_mut()
                .for_each(|(name, value)| with_times(name, value));
            members
        }
        _ => Map::new(),
    }
}

fn with_times(name: &str, value: &mut Value) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(name, value)| with_times(name, value)),
        Value::Array(items) => items.iter_mut().for_each(|it| with_times("", it)),
        // The names of all times of ECS end so, and of nothing else.
        Value::Number(seconds) if name.ends_with("At") => {
            let at = seconds.as_f64().and_then(from_seconds);
            *value = at.map_or(Value::Null, |it| Value::String(time(it)));
        }
        _ => {}
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is out of range saturates, and is no timestamp then"
)]
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}
