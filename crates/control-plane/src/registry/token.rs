//! Authorization tokens: they say themselves whose they are and how long they hold, sealed by the server's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use domain::access_key::Principal;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::call::Caller;

#[cfg(test)]
mod tests;

/// Of what is sealed: raised when it gets another meaning.
const VERSION: u32 = 1;

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Granted {
    /// All that its caller may do with the registry.
    Registry,
    /// To read one layer of one repository.
    Layer {
        /// Name of the repository.
        repository: String,
        /// Of the layer.
        digest: String,
    },
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    version: u32,
    account: String,
    region: String,
    access_key_id: String,
    principal: Principal,
    expires_at: Timestamp,
    granted: Granted,
}

/// The token was not sealed by this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRegistryToken;

/// Seals and opens tokens.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl Claims {
    /// What a caller is granted until then.
    pub fn new(caller: &Caller, granted: Granted, expires_at: Timestamp) -> Self {
        Self {
            version: VERSION,
            account: caller.scope.account.clone(),
            region: caller.scope.region.clone(),
            access_key_id: caller.access_key_id.clone(),
            principal: caller.principal.clone(),
            expires_at,
            granted,
        }
    }

    /// Whom it was given to.
    pub fn caller(&self) -> Caller {
        Caller {
            scope: domain::Scope::new(&self.account, &self.region),
            principal: self.principal.clone(),
            access_key_id: self.access_key_id.clone(),
        }
    }

    /// What it is good for.
    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

impl TokenKey {
    /// A key of the data directory.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A token that says what the claims say.
    pub fn seal(&self, claims: &Claims) -> String {
        let text = serde_json::to_vec(claims).unwrap_or_default();
        let body = URL_SAFE_NO_PAD.encode(text);
        let seal = URL_SAFE_NO_PAD.encode(self.mac(&body).finalize().into_bytes());
        format!("{body}.{seal}")
    }

    /// What a token says, whether or not its time is over.
    ///
    /// # Errors
    /// [`InvalidRegistryToken`].
    pub fn open(&self, token: &str) -> Result<Claims, InvalidRegistryToken> {
        let (body, seal) = token.split_once('.').ok_or(InvalidRegistryToken)?;
        let seal = URL_SAFE_NO_PAD.decode(seal).map_err(|_| InvalidRegistryToken)?;
        self.mac(body)
            .verify_slice(&seal)
            .map_err(|_| InvalidRegistryToken)?;
        let text = URL_SAFE_NO_PAD.decode(body).map_err(|_| InvalidRegistryToken)?;
        let claims: Claims = serde_json::from_slice(&text).map_err(|_| InvalidRegistryToken)?;
        (claims.version == VERSION)
            .then_some(claims)
            .ok_or(InvalidRegistryToken)
    }

    fn mac(&self, body: &str) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"gantry registry token\0");
        mac.update(body.as_bytes());
        mac
    }
}
