//! Transitions on a store in memory.

mod deletion;
mod ledger;
mod repeated_calls;
mod reports;
mod world;
