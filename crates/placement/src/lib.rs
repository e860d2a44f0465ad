//! Which host a task goes to: pure, and with a reason for every host that it does not go to.
//!
//! ```text
//!  candidates ──refusals, constraints──▶ those that can ──strategies, or spread over zones──▶ hosts
//! ```

mod capacity;
mod place;
pub mod query;
mod refusal;
mod rules;
mod withdraw;

pub use capacity::divide;
pub use place::{Candidate, Placement, Requirements, place, unmet};
pub use refusal::PlacementRefusal;
pub use rules::{InstanceTasks, Rules};
pub use withdraw::{Placed, Withdrawal, Worth};
