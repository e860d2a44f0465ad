//! What keeps values secret at rest: authenticated encryption under keys derived from one master key.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::sealed::Sealed;
use hmac::{Hmac, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

#[cfg(test)]
mod tests;

/// The secret that all others are kept under. Whoever has it and the data directory reads everything.
pub struct MasterKey(pub [u8; 32]);

/// Seals values for one purpose.
#[derive(Clone)]
pub struct Vault(Arc<LessSafeKey>);

/// A value cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// The value was changed, belongs elsewhere, or was sealed under another key.
    #[error("the value cannot be opened: it was sealed under another key, or is damaged")]
    CannotOpen,
}

impl MasterKey {
    /// The vault of a purpose: what one seals, another cannot open.
    pub fn vault(&self, purpose: &str) -> Vault {
        let key = UnboundKey::new(&AES_256_GCM, &self.key(purpose));
        let key = key.expect("the key has the length of the algorithm");
        Vault(Arc::new(LessSafeKey::new(key)))
    }

    /// The key of a purpose.
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Vault {
    /// Seals a value for a place; it can be opened for that place only.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal(&self, place: &str, value: &[u8]) -> Result<Sealed, VaultError> {
        Ok(Sealed(STANDARD.encode(self.seal_bytes(place, value)?)))
    }

    /// Opens a value that was sealed for that place.
    ///
    /// # Errors
    /// [`VaultError::CannotOpen`].
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        let bytes = STANDARD.decode(&sealed.0).map_err(|_| VaultError::CannotOpen)?;
        self.open_bytes(place, bytes)
    }

    /// [`Vault::seal`] in bytes: nonce, ciphertext and tag.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal_bytes(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let mut sealed = value.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| VaultError::CannotOpen)?;
        let mut all = nonce.to_vec();
        all.append(&mut sealed);
        Ok(all)
    }

    /// [`Vault::open`] of bytes.
    ///
    /// # Errors
    /// [`VaultError::CannotOpen`].
    pub fn open_bytes(&self, place: &str, mut sealed: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        let nonce = sealed.first_chunk::<NONCE_LEN>().ok_or(VaultError::CannotOpen)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_within(nonce, Aad::from(place.as_bytes()), &mut sealed, NONCE_LEN..)
            .map_err(|_| VaultError::CannotOpen)?;
        Ok(opened.to_vec())
    }
}
