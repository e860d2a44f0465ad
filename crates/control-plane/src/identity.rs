//! Who signed a request.

use std::collections::HashMap;

use ::http::request::Parts;
use domain::Scope;
use domain::Timestamp;
use domain::access_key::{AccessKey, Principal};
use parking_lot::RwLock;
use wire::error::CommonError;
use wire::sigv4;

use crate::call::Caller;
use crate::control_plane::ControlPlane;
use crate::role_sessions::is_of_session;

#[cfg(test)]
mod tests;

/// Most derived keys that are kept; a key lives for a day, region and service.
const SIGNING_KEYS_MAX: usize = 1024;
/// Services that are the same in all regions.
const GLOBAL_SERVICES: [&str; 2] = ["iam", "route53"];
/// Region that services without regions are signed for.
const GLOBAL_REGION: &str = "us-east-1";

/// Derived signing keys: each costs four HMACs to make.
#[derive(Default)]
pub struct SigningKeys(RwLock<HashMap<[String; 4], [u8; 32]>>);

impl SigningKeys {
    fn get(&self, key: &AccessKey, signature: &sigv4::Signature) -> [u8; 32] {
        let sigv4::Signature {
            date,
            region,
            service,
            ..
        } = signature;
        // The secret is part of the name, so that a changed one is not verified with the old key.
        let name = [
            date.clone(),
            region.clone(),
            service.clone(),
            key.secret_access_key.clone(),
        ];
        if let Some(known) = self.0.read().get(&name) {
            return *known;
        }
        let derived = sigv4::signing_key(&key.secret_access_key, date, region, service);
        let mut keys = self.0.write();
        if keys.len() >= SIGNING_KEYS_MAX {
            keys.clear();
        }
        keys.insert(name, derived);
        derived
    }
}

/// The key that signed: a long-lived one, or that of a role session, which the request's token tells.
fn key(
    control_plane: &ControlPlane,
    signature: &sigv4::Signature,
    parts: &Parts,
    now: Timestamp,
) -> Result<AccessKey, CommonError> {
    let id = &signature.access_key_id;
    if !is_of_session(id) {
        let known = control_plane
            .store
            .read(|state| state.get::<AccessKey>(id).map(|it| AccessKey::clone(it)));
        return known.ok_or_else(sigv4::unknown_key);
    }
    let token = sigv4::session_token(parts).ok_or_else(sigv4::unknown_key)?;
    let opened = control_plane.role_sessions.open(id, &token);
    let (claims, secret_access_key) = opened.ok_or_else(sigv4::unknown_key)?;
    if claims.expires_at <= now.as_second() {
        return Err(sigv4::expired_token());
    }
    let is_role_there = control_plane.store.read(|state| {
        let role = state.role(&claims.account, &claims.session.role);
        role.is_some_and(|it| it.id == claims.session.role_id)
    });
    if !is_role_there {
        return Err(sigv4::unknown_key());
    }
    Ok(AccessKey {
        access_key_id: id.clone(),
        secret_access_key,
        account: claims.account,
        principal: Principal::Role(claims.session),
    })
}

/// Who says to have signed a request: nothing is proved before the signature is verified with the key.
pub struct Claimed {
    /// What the request says.
    pub signature: sigv4::Signature,
    /// The key that must have been used.
    pub signing_key: [u8; 32],
    /// Whose it is.
    pub caller: Caller,
}

/// Finds who says to have signed a request for a service.
///
/// # Errors
/// AWS's errors for requests that are unsigned, or signed by nobody known, or for another service or region.
pub fn claimed(
    control_plane: &ControlPlane,
    service: &str,
    parts: &Parts,
    now: Timestamp,
) -> Result<Claimed, CommonError> {
    let signature = sigv4::read(parts)?;
    let key = key(control_plane, &signature, parts, now)?;
    if signature.service != service {
        return Err(sigv4::invalid(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    let regions = &control_plane.settings.regions;
    let is_global = GLOBAL_SERVICES.contains(&service) && signature.region == GLOBAL_REGION;
    if !is_global && !regions.contains(&signature.region) {
        return Err(sigv4::invalid(format!(
            "Credential should be scoped to a valid region, not '{}'. This server serves {}.",
            signature.region,
            regions.join(", ")
        )));
    }
    Ok(Claimed {
        signing_key: control_plane.signing_keys.get(&key, &signature),
        caller: Caller {
            scope: Scope::new(key.account.clone(), signature.region.clone()),
            principal: key.principal.clone(),
            access_key_id: key.access_key_id,
        },
        signature,
    })
}

/// Verifies the signature of a request for a service.
///
/// # Errors
/// Those of [`claimed`], or it is signed wrongly.
pub fn verify(
    control_plane: &ControlPlane,
    service: &str,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Caller, CommonError> {
    let claimed = claimed(control_plane, service, parts, now)?;
    sigv4::verify(&claimed.signature, &claimed.signing_key, parts, body, now)?;
    Ok(claimed.caller)
}
