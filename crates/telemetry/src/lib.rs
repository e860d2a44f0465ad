//! What containers and tasks report over time, kept on this machine's disk.
//!
//! ```text
//!  PutLogEvents ─► logs::Logs ─► <dir>/<group>/journal      groups and streams
//!                                <dir>/<group>/<n>.segment  events, in order of arrival
//!  GetLogEvents ◄─ logs::Logs    <dir>/<group>/<n>.index    where each batch of a sealed segment lies
//! ```
//!
//! What has left the state of the control plane goes to [`history::History`]: records by key and time, in segments of
//! the same frames, for a while and up to a size.
//!
//! State changes as events, in their order, are in [`events::EventLog`].
//!
//! Calls are synchronous and take the time as an argument; the owner calls [`logs::Logs::sync`] and
//! [`logs::Logs::maintain`] at intervals.

pub mod events;
pub mod history;
pub mod logs;
