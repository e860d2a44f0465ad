//! A deterministic world: the real control plane over virtual time, with hosts that fail as a seed says.
//!
//! ```text
//!  seed ─▶ world ─┬─ users     random calls, repeated when they get no answer
//!                 ├─ control plane   real handlers, transitions, controllers, driver; killed between commits
//!                 └─ machines  the agent's decisions, stepped; they die, get cut off, repeat and reorder reports
//!           every commit ─▶ oracle (safety)          at the end ─▶ settled (liveness)
//! ```
//! The same seed gives the same log, byte for byte: [`run`] twice and compare.

mod agenda;
mod balancer;
mod behaviour;
mod clock;
mod control_plane;
mod dice;
mod disk;
mod journal;
mod machine;
mod oracle;
mod registry;
mod scenario;
mod settled;
mod users;
mod webhooks;
mod world;

pub use journal::{Journal, Keep};
pub use world::{Outcome, run};
