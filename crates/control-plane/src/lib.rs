//! The control plane: AWS APIs over HTTP, and sessions with agents.
//!
//! ```text
//!  http: accept → identify → verify → limit → decode → handle → encode
//!                                                     │
//!          sessions::agent ◄── feed ── store ◄── handlers (transitions) ── controllers
//! ```

mod access_logs;
mod call;
mod certificates;
mod control_plane;
mod events;
mod executions;
mod explanation;
mod file_systems;
#[cfg(test)]
mod fixture;
mod handlers;
mod http;
mod identity;
mod in_process;
mod object_storage;
mod registry;
mod request_limits;
mod role_sessions;
mod routes;
mod service_connect_metrics;
mod service_explanation;
mod sessions;
mod streams;
mod task_history;
mod tickets;
mod vault;
mod webhooks;

pub use access_logs::keep_access_logs;
pub use control_plane::{ControlPlane, Kept, Settings};
pub use events::{Events, keep_events};
pub use file_systems::FileSystems;
pub use http::serve;
pub use in_process::{InProcess, Refusal};
pub use object_storage::ObjectStorage;
pub use registry::{Registry, keep_registry};
pub use request_limits::RequestLimits;
pub use routes::coverage;
pub use task_history::keep_task_history;
pub use vault::MasterKey;
pub use webhooks::{WebhookClient, call_webhooks, call_webhooks_by};
