//! Values that are stored encrypted.

use serde::{Deserialize, Serialize};

/// A value under the server's key: base64 of nonce, ciphertext and tag. Only a vault makes and opens one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed")
    }
}
