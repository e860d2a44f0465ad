//! The host side of Gantry: keeps the tasks of one container instance as the control plane wants them.
//!
//! ```text
//!            registration ── once, then again after each start
//!  control   session (ACS) ──► tasks ──► worker per task ──► host (runtime)
//!  plane     submissions ◄────────────────┘      │
//!            log_drivers ◄───────────────────────┘
//!            load_balancers ──► balancer of each (runtime)
//!            names ──► resolver of all VPCs (runtime)
//!            networks ──► filters of each VPC (runtime)
//! ```

pub mod host;
pub mod stepped;
pub mod streams;

mod backoff;
mod commands;
mod config;
mod control_plane;
mod credentials;
mod environment_files;
mod firelens;
mod following;
mod image_cleanup;
mod image_pulls;
mod load_balancers;
mod log_drivers;
mod names;
mod networks;
mod registration;
mod run;
mod s3_object;
mod secrets;
mod session;
mod stop_rules;
mod submissions;
mod task_endpoint;
mod tasks;

// The fake host of the tests names this crate as users do.
#[cfg(test)]
extern crate self as agent;

/// Readers of what comes from outside, for the fuzz targets alone: they are compiled with `--cfg fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzed {
    pub use crate::session::fuzzed::*;
}

pub use config::{AgentConfig, CapacityKind, ImageSettings, Publishing, RequestRate, TaskApi};
pub use control_plane::InvalidEndpoint;
pub use registration::RegistrationError;
pub use run::{AgentError, run};
pub use stop_rules::{StopRule, stop_rules};
pub use tasks::RecoverError;
