//! The state of a region: transactions, views, the change feed, and the engines that keep it.
//!
//! ```text
//!  transact ──queue──▶ tip ──batch──▶ engine (durable) ──▶ view ──▶ read, follow
//!             one writer, in commit order                  └──▶ the caller's answer
//! ```
//! The *tip* belongs to the writer alone. Nobody outside sees a change before the engine has made it durable.

pub mod engine;

mod commit;
mod error;
mod feed;
mod memory;
mod record;
mod state;
mod store;
mod tx;
mod writer;

pub use commit::{Change, Changed, Commit, CommitId};
pub use engine::Engine;
pub use engine::embedded::{Embedded, Retention};
pub use engine::memory::Memory;
pub use error::{StoreError, TransactError};
pub use feed::{FEED_CAPACITY, Feed, Followed};
pub use memory::{ManualClock, memory_store};
pub use record::{Record, role_key};
pub use state::{Endpoint, EndpointState, HealthyContainers, OnHost, Site, State, TARGETS, Tally};
pub use store::Store;
pub use tx::{MAX_COMMIT_BYTES, Tx};
