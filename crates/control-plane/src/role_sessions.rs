//! Credentials of role sessions: nothing of them is stored. The session token holds the sealed claims, and the secret
//! follows from it, so that every control plane with the master key can issue and check them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Timestamp;
use domain::access_key::RoleSession;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::vault::{MasterKey, Vault, VaultError};

#[cfg(test)]
mod tests;

/// What access keys of sessions begin with.
const PREFIX: &str = "ASIA";
/// Letters after it.
const LETTERS: usize = 16;
/// Bytes of a secret: forty characters.
const SECRET_BYTES: usize = 30;

/// Issues and checks credentials.
pub struct RoleSessions {
    vault: Vault,
    secrets: [u8; 32],
    ids: [u8; 32],
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Account of the role.
    pub account: String,
    /// Role and session.
    pub session: RoleSession,
    /// From then on the credentials are of no use; in seconds of Unix time.
    pub expires_at: i64,
}

/// Credentials of a session. They have no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: String,
    /// Goes with each request.
    pub session_token: String,
    /// When they end.
    pub expires_at: Timestamp,
}

/// Whether an access key is one of a session.
pub fn is_of_session(access_key_id: &str) -> bool {
    access_key_id.starts_with(PREFIX)
}

impl RoleSessions {
    /// With keys of their own.
    pub fn new(master_key: &MasterKey) -> Self {
        Self {
            vault: master_key.vault("role sessions"),
            secrets: master_key.key("secrets of role sessions"),
            ids: master_key.key("ids of role credentials"),
        }
    }

    /// New credentials.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn issue(&self, claims: &Claims) -> Result<Credentials, VaultError> {
        let mut letters = [0_u8; LETTERS];
        getrandom::fill(&mut letters).map_err(|_| VaultError::NoRandomness)?;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let letters = letters.map(|it| char::from(alphabet[usize::from(it % 32)]));
        let access_key_id = format!("{PREFIX}{}", letters.iter().collect::<String>());
        let text = serde_json::to_vec(claims).map_err(|_| VaultError::CannotOpen)?;
        let session_token = URL_SAFE_NO_PAD.encode(self.vault.seal_bytes(&access_key_id, &text)?);
        Ok(Credentials {
            secret_access_key: self.secret(&access_key_id, &session_token),
            access_key_id,
            session_token,
            expires_at: Timestamp::from_second(claims.expires_at).unwrap_or(Timestamp::MAX),
        })
    }

    /// What a token says, and the secret that goes with it. `None` if it was not issued with that access key.
    pub fn open(&self, access_key_id: &str, session_token: &str) -> Option<(Claims, String)> {
        let sealed = URL_SAFE_NO_PAD.decode(session_token).ok()?;
        let text = self.vault.open_bytes(access_key_id, sealed).ok()?;
        let claims = serde_json::from_slice(&text).ok()?;
        Some((claims, self.secret(access_key_id, session_token)))
    }

    /// The id of the credentials of a task's role: the same for as long as the task lives, and not to be guessed.
    pub fn credentials_id(&self, task: &str, role_type: &str) -> String {
        let bytes = mac(&self.ids, &[task, role_type]);
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_random_bytes(id).into_uuid().to_string()
    }

    fn secret(&self, access_key_id: &str, session_token: &str) -> String {
        STANDARD.encode(&mac(&self.secrets, &[access_key_id, session_token])[..SECRET_BYTES])
    }
}

fn mac(key: &[u8; 32], parts: &[&str]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}
