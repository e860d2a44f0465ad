//! What shall be done: atomic changes over several records, and the controllers that want them.
//!
//! ```text
//!  handlers ──▶ transitions ──▶ store ──feed──▶ driver ──key──▶ controllers ──▶ transitions
//! ```
//! Only `driver` waits; everything else is a function of the state.

pub mod controllers;
pub mod transitions;

mod driver;
#[cfg(test)]
mod fixture;

pub use controllers::{PUBLIC_ADDRESSES, Settings};
pub use driver::run;
