//! Who sends a request of the registry's protocol: the holder of a token of GetAuthorizationToken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::access_key::AccessKey;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::answer::Refusal;
use super::path::parameter;
use crate::call::Caller;
use crate::control_plane::ControlPlane;
use crate::registry::{Claims, Granted};

/// Names the token of an address that GetDownloadUrlForLayer gave.
const ADDRESS_TOKEN: &str = "token";
/// Keys that are kept in the store; others say themselves how long they hold.
const LONG_LIVED_PREFIX: &str = "AKIA";

/// Who sends a request.
pub enum Guest {
    /// One who may do what his key may.
    Member(Caller),
    /// One who has the address of a layer.
    OfLayer {
        /// Whose address it is.
        caller: Caller,
        /// Name of the repository.
        repository: String,
        /// Of the layer.
        digest: String,
    },
}

impl Guest {
    /// In whose name.
    pub fn caller(&self) -> &Caller {
        match self {
            Self::Member(caller) | Self::OfLayer { caller, .. } => caller,
        }
    }
}

/// Finds out who sends a request.
///
/// # Errors
/// UNAUTHORIZED with a challenge; DENIED if the token's time is over.
pub fn guest(control_plane: &ControlPlane, parts: &Parts, now: Timestamp) -> Result<Guest, Refusal> {
    let unauthorized = || Refusal::unauthorized(&control_plane.settings.advertised_endpoint);
    let address_token = parameter(parts.uri.query().unwrap_or_default(), ADDRESS_TOKEN);
    let token = address_token
        .or_else(|| password(parts))
        .ok_or_else(unauthorized)?;
    let claims = control_plane
        .registry
        .token_key()
        .open(&token)
        .map_err(|_| unauthorized())?;
    if claims.has_expired(now) {
        return Err(Refusal::denied(
            "Your authorization token has expired. Reauthenticate and try again.",
        ));
    }
    let caller = claims.caller();
    if !is_known(control_plane, &caller) {
        return Err(unauthorized());
    }
    Ok(of(&claims, caller))
}

fn of(claims: &Claims, caller: Caller) -> Guest {
    match claims.granted() {
        Granted::Registry => Guest::Member(caller),
        Granted::Layer { repository, digest } => Guest::OfLayer {
            caller,
            repository: repository.clone(),
            digest: digest.clone(),
        },
    }
}

/// A token does not outlive the access key that asked for it.
fn is_known(control_plane: &ControlPlane, caller: &Caller) -> bool {
    !caller.access_key_id.starts_with(LONG_LIVED_PREFIX)
        || control_plane
            .store
            .read(|state| state.get::<AccessKey>(&caller.access_key_id).is_some())
}

/// The password of HTTP's basic authentication: clients send what GetAuthorizationToken gave, as user and password.
fn password(parts: &Parts) -> Option<String> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}
