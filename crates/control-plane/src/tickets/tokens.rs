//! Secrets that open a session once. They are not kept themselves, only their digests.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The operating system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

/// So many bytes from the operating system, in hexadecimal.
pub fn random_text<const N: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(hex::encode(bytes))
}

/// What is kept of a token.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Whether a token is the one that is known; takes as long either way.
pub fn is_same(known: &[u8; 32], token: &str) -> bool {
    known.ct_eq(&digest(token)).into()
}
