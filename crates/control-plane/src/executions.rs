//! Commands that users run in containers (ECS Exec): from the answer of ExecuteCommand to the end of the session.
//!
//! ```text
//!  ExecuteCommand ─▶ table: session, token        plug-in ─▶ /v1/data-channel/<session>  (data channel of SSM)
//!                                                    │ token claimed, handshake
//!  agent ◀─ ExecuteCommandMessage ─ its ACS session ◀┘
//!    └─▶ /agent/exec: joined with the plug-in's socket; bytes go to and fro, and into the session's log
//! ```

mod client;
mod ending;
mod log;
mod serve;
mod table;
mod upgrade;

pub use log::LogPlace;
pub use table::{Command, Executions};
pub use upgrade::{AGENT_PATH, CLIENT_PATH, agent, client};
