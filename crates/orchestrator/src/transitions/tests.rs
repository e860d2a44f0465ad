//! Transitions on a store in memory.

mod deletion;
mod ledger;
mod public_addresses;
mod repeated_calls;
mod reports;
mod world;
