//! Calls with a client token: what makes something once, however often they are repeated.

use serde::{Deserialize, Serialize};

/// A call with a client token: when it is repeated, it makes nothing new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRequest {
    /// Of tasks known in their cluster only, of others in their account and region.
    pub token: String,
    /// Of all other parameters, so that another call with the same token is found out.
    pub fingerprint: String,
}
