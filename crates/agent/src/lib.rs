//! The host side of Gantry: keeps the tasks of one container instance as the control plane wants them.
//!
//! ```text
//!            registration ── once, then again after each start
//!  control   session (ACS) ──► tasks ──► worker per task ──► host (runtime)
//!  plane     submissions ◄────────────────┘      │
//!            log_drivers ◄───────────────────────┘
//! ```

pub mod config;
pub mod control_plane;
pub mod host;
pub mod tasks;

mod backoff;
mod log_drivers;
mod registration;
mod run;
mod session;
mod submissions;

// The fake host of the tests names this crate as users do.
#[cfg(test)]
extern crate self as agent;

pub use config::{AgentConfig, CapacityKind};
pub use run::{AgentError, run};
