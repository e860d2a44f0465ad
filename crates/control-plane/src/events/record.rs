//! The envelope of an event.

use api::ecs;
use domain::{Scope, Timestamp};
use serde::Serialize;
use serde::ser::Error as _;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::CommitId;
use telemetry::events::NewEvent;
use wire::json::encode_with_text_times;

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
    pub detail: Detail,
}

/// `detail`, not written yet: that needs no look at the state.
#[derive(Clone, Debug)]
pub enum Detail {
    /// The task, and when it changed.
    Task(Box<ecs::Task>),
    /// The container instance, its cluster, and when it changed.
    ContainerInstance(Box<ecs::ContainerInstance>),
    /// These members.
    Members(Map<String, Value>),
}

impl Detail {
    fn write(&self, cause: Cause, cluster: &str) -> serde_json::Result<Box<RawValue>> {
        let changed_at = ("updatedAt", time(cause.at));
        let (shape, beside) = match self {
            Self::Members(members) => return to_raw_value(members),
            Self::Task(it) => (encode_with_text_times(&**it), vec![changed_at]),
            Self::ContainerInstance(it) => (
                encode_with_text_times(&**it),
                vec![changed_at, ("clusterArn", cluster.to_owned())],
            ),
        };
        let mut text = String::from_utf8(shape).map_err(serde_json::Error::custom)?;
        // Inside the last brace: no shape here is empty.
        text.pop();
        for (name, value) in beside {
            text.push_str(&format!(",{}:{}", json!(name), json!(value)));
        }
        text.push('}');
        RawValue::from_string(text)
    }
}

/// Around the detail.
#[derive(Serialize)]
struct Envelope<'a> {
    version: &'a str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    source: &'a str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: [&'a str; 1],
    detail: &'a RawValue,
}

/// The event, the `index`th of its commit.
///
/// # Errors
/// It is no JSON.
pub fn record(cause: Cause, index: usize, it: Happening) -> serde_json::Result<NewEvent> {
    let record = to_raw_value(&Envelope {
        version: "0",
        id: id(cause.commit, index, &it.resource),
        detail_type: it.detail_type,
        source: "aws.ecs",
        account: &it.scope.account,
        time: format!("{:.0}", cause.at),
        region: &it.scope.region,
        resources: [&it.resource],
        detail: &it.detail.write(cause, &it.cluster)?,
    })?;
    Ok(NewEvent {
        at_ms: cause.at.as_millisecond(),
        detail_type: it.detail_type.to_owned(),
        cluster: Some(it.cluster),
        service: it.service,
        task: it.task,
        record,
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
    format!("{at:.3}")
}
