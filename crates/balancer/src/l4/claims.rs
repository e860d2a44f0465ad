//! Which clients' addresses and ports are taken towards which targets.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// A client and a target.
type Pair = (SocketAddr, SocketAddr);

/// Flows that have the address of a client. The kernel lets two have the same one towards the same target, and gives all
/// answers to one of them: they would come from a listener that the client has not asked.
#[derive(Clone, Default)]
pub(crate) struct Claims(Arc<Mutex<HashSet<Pair>>>);

/// The one flow of a client's address and port towards a target. Another may be begun once this is dropped.
pub(crate) struct Claim {
    all: Claims,
    pair: Pair,
}

impl Claims {
    /// `None` if there is such a flow.
    pub(crate) fn claim(&self, client: SocketAddr, target: SocketAddr) -> Option<Claim> {
        let pair = (client, target);
        let is_free = self.0.lock().insert(pair);
        is_free.then(|| Claim {
            all: self.clone(),
            pair,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.pair);
    }
}
