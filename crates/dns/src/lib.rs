//! The resolver of each VPC: answers private zones and names of load balancers, and asks others for the rest.
//!
//! ```text
//!  packets ─▶ server (udp, tcp) ─▶ limit ─▶ plain ──────────────────────────────────────────▶ packets
//!                                            │ not plain                                          ▲
//!                                            └─▶ message::read ─▶ answer::look_up ─┬─▶ message::write
//!                                                                 names            └─▶ forward ─▶ cache, upstreams
//! ```
//!
//! What is answered is told as [`domain::served_names`]; a change is in force with the next query. Nothing here asks a
//! control plane: what was told last stays true.

mod amazon;
mod answer;
mod cache;
mod forward;
mod limit;
mod message;
mod names;
mod plain;
mod server;
mod shares;
mod upstreams;

pub use server::{Resolver, ServeError, Settings, Site};
pub use upstreams::Upstreams;

#[cfg(test)]
mod tests;
