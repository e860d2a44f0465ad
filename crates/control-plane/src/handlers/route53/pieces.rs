//! What a zone has, looked at in pieces: writers wait for one piece, and not for a whole zone.
//!
//! What changes in between may be seen before or after.

use std::sync::Arc;

use domain::cloud_map::{DiscoveryInstance, DiscoveryService};
use store::{State, Store};

/// Most records of a piece.
pub const PIECE: usize = 1000;

/// The services of a namespace that have records, by name.
pub async fn services(store: &Store, namespace_id: &str) -> Vec<Arc<DiscoveryService>> {
    let mut found = gather(store, |state, last: Option<&Arc<DiscoveryService>>| match last {
        None => state
            .discovery_services_of(namespace_id)
            .take(PIECE)
            .cloned()
            .collect(),
        Some(last) => state
            .discovery_services_after(last)
            .take(PIECE)
            .cloned()
            .collect(),
    })
    .await;
    found.retain(|it| it.dns.is_some());
    found
}

/// The instances of a service, by id.
pub async fn instances(store: &Store, service_id: &str) -> Vec<Arc<DiscoveryInstance>> {
    gather(store, |state, last: Option<&Arc<DiscoveryInstance>>| match last {
        None => state
            .discovery_instances_of(service_id)
            .take(PIECE)
            .cloned()
            .collect(),
        Some(last) => state
            .discovery_instances_after(last)
            .take(PIECE)
            .cloned()
            .collect(),
    })
    .await
}

/// Piece after piece, each of which begins after the last of the one before. Others get their turn after each.
async fn gather<T>(store: &Store, piece: impl Fn(&State, Option<&T>) -> Vec<T>) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    loop {
        let more = store.read(|state| piece(state, found.last()));
        let is_last = more.len() < PIECE;
        found.extend(more);
        tokio::task::yield_now().await;
        if is_last {
            return found;
        }
    }
}
