//! Sessions with agents: they follow the store and carry what it wants to the hosts.

mod acs;
mod balancers;
mod credentials;
mod dispatch;
mod followers;
mod inspection;
mod load_balancers;
mod mailbox;
mod names;
mod networks;
mod outbox;
pub mod payload;
mod registry;
mod tcs;
mod upgrade;

pub use balancers::Balancers;
pub use dispatch::dispatch;
pub use mailbox::Order;
pub use names::{Resolvers, names_served_by};
pub use networks::NetworkFollowers;
pub use registry::Sessions;
#[cfg(test)]
pub use upgrade::AgentKind;
pub use upgrade::{
    LOAD_BALANCERS_PATH, NAMES_PATH, NETWORKS_PATH, Socket, accept, identify, refused, upgrade,
};
