//! What the store asks of a record.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::state::Indexes;
use crate::{Change, Changed, State};

mod capacity_provider;
mod certificate;
mod cloud_map;
mod code_deploy;
mod file_system;
mod load_balancing;
mod network;
mod network_gateway;
mod records;
mod repository;
mod secrets;
mod service_connect;

pub use secrets::role_key;

/// A kind of record. Its encoding is a promise: what one release has stored, every later one reads.
pub trait Record: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What identifies a record among its kind.
    type Key: Ord + Clone + Debug + Send + Sync + 'static;
    /// Name of the table on disk.
    const TABLE: &'static str;
    /// Format of the encoding. Raised when an older release could no longer read what this one writes.
    const FORMAT: u32 = 1;

    /// Its key.
    fn key(&self) -> Self::Key;
    /// The key as it is on disk.
    fn key_text(key: &Self::Key) -> String;

    #[doc(hidden)]
    fn table(state: &State) -> &BTreeMap<Self::Key, Arc<Self>>;
    #[doc(hidden)]
    fn table_mut(state: &mut State) -> &mut BTreeMap<Self::Key, Arc<Self>>;
    #[doc(hidden)]
    fn into_change(changed: Changed<Self>) -> Change;
    #[doc(hidden)]
    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>>;
    #[doc(hidden)]
    fn reindex(_indexes: &mut Indexes, _before: Option<&Arc<Self>>, _after: Option<&Arc<Self>>) {}
}
