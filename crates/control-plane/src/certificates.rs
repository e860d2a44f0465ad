//! Certificates: what stands in one, and whether one may be imported. Pure.

mod check;
mod facts;
#[cfg(test)]
mod tests;

pub use check::{Import, Refusal, check, continues};
pub use facts::Facts;
