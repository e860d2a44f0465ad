//! Sessions with agents: they follow the store and carry what it wants to the hosts.

mod acs;
mod credentials;
mod dispatch;
mod inspection;
mod mailbox;
mod outbox;
pub mod payload;
mod registry;
mod tcs;
mod upgrade;

pub use dispatch::dispatch;
pub use mailbox::Order;
pub use registry::Sessions;
#[cfg(test)]
pub use upgrade::AgentKind;
pub use upgrade::{Socket, accept, identify, refused, upgrade};
