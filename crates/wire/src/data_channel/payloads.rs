//! What frames carry, where that is not the stream itself: JSON with Amazon's names.

use serde::{Deserialize, Serialize};

/// Kinds of payloads of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// Bytes of the terminal, in either direction.
    Output,
    /// [`TerminalSize`].
    Size,
    /// [`HandshakeRequest`].
    HandshakeRequest,
    /// [`HandshakeResponse`].
    HandshakeResponse,
    /// [`HandshakeComplete`].
    HandshakeComplete,
    /// A number, see [`TERMINATE_SESSION`].
    Flag,
}

/// [`PayloadKind::Flag`] with which a plug-in ends its session, as a big-endian u32.
pub const TERMINATE_SESSION: u32 = 2;

impl PayloadKind {
    const ALL: [Self; 6] = [
        Self::Output,
        Self::Size,
        Self::HandshakeRequest,
        Self::HandshakeResponse,
        Self::HandshakeComplete,
        Self::Flag,
    ];

    /// The number in frames.
    pub fn number(self) -> u32 {
        match self {
            Self::Output => 1,
            Self::Size => 3,
            Self::HandshakeRequest => 5,
            Self::HandshakeResponse => 6,
            Self::HandshakeComplete => 7,
            Self::Flag => 10,
        }
    }

    /// The kind of a number, if it is known.
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.number() == number)
    }
}

/// The text frame with which a plug-in opens the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OpenDataChannel {
    /// `1.0`
    pub message_schema_version: String,
    /// UUID.
    #[serde(default)]
    pub request_id: String,
    /// What ExecuteCommand answered.
    pub token_value: String,
    /// UUID.
    #[serde(default)]
    pub client_id: String,
    /// Of the plug-in.
    #[serde(default)]
    pub client_version: String,
}

/// Of [`PayloadKind::Size`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns.
    pub cols: u32,
    /// Rows.
    pub rows: u32,
}

/// The server says what kind of session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeRequest {
    /// Plug-ins tell from it what the server can do.
    pub agent_version: String,
    /// What is asked of the plug-in.
    pub requested_client_actions: Vec<ClientAction>,
}

/// Something asked of a plug-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientAction {
    /// `SessionType`, or `KMSEncryption`, which only Amazon asks for.
    pub action_type: String,
    /// As the action wants them.
    pub action_parameters: serde_json::Value,
}

/// Parameters of the action `SessionType`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionType {
    /// `Standard_Stream`: a terminal.
    pub session_type: String,
    /// None for a terminal.
    pub properties: serde_json::Value,
}

impl HandshakeRequest {
    /// The one action that ECS Exec needs.
    pub fn terminal(agent_version: &str) -> Self {
        let parameters = SessionType {
            session_type: "Standard_Stream".to_owned(),
            properties: serde_json::Value::Null,
        };
        Self {
            agent_version: agent_version.to_owned(),
            requested_client_actions: vec![ClientAction {
                action_type: "SessionType".to_owned(),
                action_parameters: serde_json::to_value(parameters).unwrap_or_default(),
            }],
        }
    }
}

/// The plug-in says what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeResponse {
    /// Of the plug-in.
    #[serde(default)]
    pub client_version: String,
    /// One for each action.
    #[serde(default)]
    pub processed_client_actions: Option<Vec<ProcessedAction>>,
    /// Of the actions that failed.
    #[serde(default)]
    pub errors: Option<Vec<String>>,
}

/// What came of one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessedAction {
    /// As it was asked.
    pub action_type: String,
    /// 1: done, 2: failed, 3: not known.
    #[serde(default)]
    pub action_status: i32,
    /// Of actions that have one.
    #[serde(default)]
    pub action_result: serde_json::Value,
    /// Why it failed.
    #[serde(default)]
    pub error: String,
}

/// From now on the streams are the terminal's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeComplete {
    /// Nanoseconds.
    #[serde(default)]
    pub handshake_time_to_complete: u64,
    /// Shown to the user.
    #[serde(default)]
    pub customer_message: String,
}

/// Of a `channel_closed` frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionClosed {
    /// UUID.
    #[serde(default)]
    pub message_id: String,
    /// RFC 3339.
    #[serde(default)]
    pub created_date: String,
    /// The session's id.
    #[serde(default)]
    pub destination_id: String,
    /// The session's id.
    #[serde(default)]
    pub session_id: String,
    /// `channel_closed`
    #[serde(default)]
    pub message_type: String,
    /// 1
    #[serde(default)]
    pub schema_version: i32,
    /// Why, if it is not that the command ended.
    #[serde(default)]
    pub output: String,
    /// How the command ended. Gantry's own: other plug-ins pass it over, for Amazon's protocol has no place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// Of an `acknowledge` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Acknowledgement {
    /// Name of the acknowledged frame's kind.
    pub acknowledged_message_type: String,
    /// Its id.
    pub acknowledged_message_id: String,
    /// Its place in its stream.
    pub acknowledged_message_sequence_number: i64,
    /// Always.
    pub is_sequential_message: bool,
}
