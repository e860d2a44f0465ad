//! Client tokens of calls: what is asked for again under the same token is made once.

use domain::client_request::ClientRequest;
use sha2::{Digest, Sha256};
use wire::Value;

/// Longest token of ECS and EC2.
pub const LENGTH_MAX: usize = 64;
/// Enough to tell calls apart.
const FINGERPRINT_BYTES: usize = 16;

/// The call with a token, whose other parameters are in `rest`.
pub fn client_request<I: Value>(token: String, rest: &I) -> ClientRequest {
    let digest = Sha256::digest(wire::json::encode(rest));
    ClientRequest {
        token,
        fingerprint: hex::encode(&digest[..FINGERPRINT_BYTES]),
    }
}

/// Whether a token may be: up to 64 letters of ASCII that can be seen.
pub fn is_token(text: &str) -> bool {
    text.len() <= LENGTH_MAX && text.bytes().all(|it| it.is_ascii_graphic())
}
