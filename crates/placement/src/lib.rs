//! Which host a task goes to: pure, and with a reason for every host that it does not go to.
//!
//! ```text
//!  candidates ──refusals──▶ those that fit ──spread over zones, then fewest tasks──▶ hosts
//! ```

mod place;
pub mod query;
mod refusal;

pub use place::{Candidate, Placement, Requirements, place};
pub use refusal::PlacementRefusal;
