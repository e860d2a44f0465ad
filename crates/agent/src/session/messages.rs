//! Frames of ACS: `{"type": …, "message": …}` in both directions, and bare exceptions.

use api::acs;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wire::json::JsonWriter;
use wire::{Value as Shape, ValueWriter};

/// A message from the control plane.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// Sign of life.
    Heartbeat(acs::HeartbeatMessage),
    /// Tasks to start and stop.
    Payload(Payload),
    /// Credentials of a task's role.
    Credentials(acs::IAMRoleCredentialsMessage),
    /// All tasks that should be here.
    Manifest(acs::TaskManifestMessage),
    /// Which of the stop candidates are really to stop.
    StopVerification(acs::TaskStopVerificationAck),
    /// Interfaces of a task to come.
    AttachTaskInterfaces(acs::AttachTaskNetworkInterfacesMessage),
    /// A command to run in a container.
    ExecuteCommand(acs::ExecuteCommandMessage),
    /// A stream to open into a container.
    OpenStream(acs::OpenStreamMessage),
    /// What has been made of a task?
    Inspect(acs::InspectTaskMessage),
    /// A new version of the agent.
    Update(acs::StageUpdateMessage),
    /// Name and text.
    Exception(String, String),
}

/// `PayloadMessage`, its tasks not read yet: one that cannot be read must not spoil the others.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// To acknowledge.
    pub message_id: String,
    /// To repeat in the acknowledgement.
    pub cluster_arn: String,
    /// To repeat in the acknowledgement.
    pub container_instance_arn: String,
    /// Order among payloads and manifests.
    #[serde(default)]
    pub seq_num: i64,
    /// The tasks.
    #[serde(default)]
    pub tasks: Vec<Value>,
}

/// Why a frame is dropped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// It is no message.
    #[error("not a message: {0}")]
    Undecodable(String),
    /// This agent does nothing with messages of its type.
    #[error("no use for messages of type {0}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// Reads a frame.
///
/// # Errors
/// [`Dropped`]; the connection goes on.
pub fn decode(frame: &str) -> Result<Incoming, Dropped> {
    let undecodable = |error: serde_json::Error| Dropped::Undecodable(error.to_string());
    let Frame { kind, message } = serde_json::from_str(frame).map_err(undecodable)?;
    let Some(kind) = kind else {
        return exception(frame).ok_or_else(|| Dropped::Undecodable("no type".to_owned()));
    };
    let text = message.map_or("{}", RawValue::get);
    match kind {
        "HeartbeatMessage" => shape(text).map(Incoming::Heartbeat),
        "PayloadMessage" => serde_json::from_str(text)
            .map(Incoming::Payload)
            .map_err(undecodable),
        "IAMRoleCredentialsMessage" => shape(text).map(Incoming::Credentials),
        "TaskManifestMessage" => shape(text).map(Incoming::Manifest),
        "TaskStopVerificationAck" => shape(text).map(Incoming::StopVerification),
        "AttachTaskNetworkInterfacesMessage" => shape(text).map(Incoming::AttachTaskInterfaces),
        "ExecuteCommandMessage" => shape(text).map(Incoming::ExecuteCommand),
        "OpenStreamMessage" => shape(text).map(Incoming::OpenStream),
        "InspectTaskMessage" => shape(text).map(Incoming::Inspect),
        "StageUpdateMessage" | "PerformUpdateMessage" => shape(text).map(Incoming::Update),
        name if name.ends_with("Exception") => {
            let message = shape::<acs::ErrorMessage>(text)?.message;
            Ok(Incoming::Exception(name.to_owned(), message.unwrap_or_default()))
        }
        other => Err(Dropped::Unknown(other.to_owned())),
    }
}

/// An exception without a frame: `{"InactiveInstanceException": "text"}`.
pub fn exception(text: &str) -> Option<Incoming> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(text).ok()?;
    let (name, value) = object.into_iter().find(|(name, _)| name.ends_with("Exception"))?;
    let text = value
        .get("message")
        .unwrap_or(&value)
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Some(Incoming::Exception(name, text))
}

fn shape<T: Shape>(text: &str) -> Result<T, Dropped> {
    wire::json::decode(text.as_bytes()).map_err(|it| Dropped::Undecodable(it.to_string()))
}

/// Writes a frame.
pub fn encode<T: Shape>(kind: &str, message: &T) -> String {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.name("type");
    writer.string(kind);
    writer.name("message");
    message.write(&mut writer);
    writer.end_object();
    String::from_utf8_lossy(&writer.into_bytes()).into_owned()
}
