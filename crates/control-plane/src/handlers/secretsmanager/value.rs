//! Values of secrets and the versions that hold them.

use api::secretsmanager as sm;
use domain::secret::{Secret, SecretKind, SecretVersion};
use domain::{Scope, Timestamp};
use store::Tx;
use wire::shape::Blob;

use super::errors::{exists, from_vault, invalid, validation};
use super::stages::{CURRENT, attach};
use crate::vault::Vault;

/// Longest value, in bytes.
const VALUE_MAX: usize = 65_536;
/// Versions that a secret keeps; those with a label are kept whatever their number.
const VERSIONS_MAX: usize = 100;

/// A value in the clear. It has no `Debug`.
pub struct Clear {
    /// What it is.
    pub kind: SecretKind,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Clear {
    /// The value of a request, if it has one.
    ///
    /// # Errors
    /// Both kinds are given, or it is too long.
    pub fn given(string: Option<&String>, binary: Option<&Blob>) -> Result<Option<Self>, sm::Error> {
        let (kind, bytes, member) = match (string, binary) {
            (None, None) => return Ok(None),
            (Some(text), None) => (SecretKind::String, text.as_bytes(), "secretString"),
            (None, Some(Blob(bytes))) => (SecretKind::Binary, bytes.as_slice(), "secretBinary"),
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
        };
        if bytes.len() > VALUE_MAX {
            return Err(validation(format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
                 less than or equal to {VALUE_MAX}"
            )));
        }
        let bytes = bytes.to_vec();
        Ok(Some(Self { kind, bytes }))
    }
}

/// The token that names a version: the caller's, or a new one.
///
/// # Errors
/// ValidationException.
pub fn token(given: Option<&String>) -> Result<String, sm::Error> {
    let Some(token) = given else {
        return Ok(uuid::Uuid::new_v4().to_string());
    };
    let rule = match token.chars().count() {
        ..32 => "greater than or equal to 32",
        65.. => "less than or equal to 64",
        _ => return Ok(token.clone()),
    };
    Err(validation(format!(
        "1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must \
         have length {rule}"
    )))
}

fn place(scope: &Scope, name: &str) -> String {
    format!("secret/{}/{}/{name}", scope.account, scope.region)
}

/// Opens the value of a version.
///
/// # Errors
/// DecryptionFailure.
pub fn open(vault: &Vault, version: &SecretVersion) -> Result<Clear, sm::Error> {
    let bytes = vault
        .open(&place(&version.scope, &version.name), &version.value)
        .map_err(from_vault)?;
    Ok(Clear {
        kind: version.kind,
        bytes,
    })
}

/// Whether the version was there already, with this value: then the request is a repetition.
///
/// # Errors
/// ResourceExistsException if it has another value.
pub fn is_repeated(
    tx: &Tx<'_>,
    vault: &Vault,
    secret: &Secret,
    token: &str,
    value: &Clear,
) -> Result<bool, sm::Error> {
    let key = (secret.scope.clone(), secret.name.clone(), token.to_owned());
    let Some(version) = tx.get::<SecretVersion>(&key) else {
        return Ok(false);
    };
    let before = open(vault, &version)?;
    if before.kind == value.kind && before.bytes == value.bytes {
        return Ok(true);
    }
    Err(exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {}.",
        secret.arn()
    )))
}

/// Adds a version, and gives it labels. The first of a secret is the current one in any case.
///
/// # Errors
/// EncryptionFailure.
pub fn add(
    tx: &mut Tx<'_>,
    vault: &Vault,
    secret: &mut Secret,
    id: &str,
    value: &Clear,
    stages: &[String],
) -> Result<(), sm::Error> {
    let sealed = vault.seal(&place(&secret.scope, &secret.name), &value.bytes);
    tx.put(SecretVersion {
        scope: secret.scope.clone(),
        name: secret.name.clone(),
        id: id.to_owned(),
        value: sealed.map_err(from_vault)?,
        kind: value.kind,
        created_at: now(tx),
    });
    if !secret.stages.contains_key(CURRENT) {
        attach(secret, CURRENT, id);
    }
    for stage in stages {
        attach(secret, stage, id);
    }
    prune(tx, secret);
    Ok(())
}

/// Drops the oldest versions without a label.
fn prune(tx: &mut Tx<'_>, secret: &Secret) {
    let versions = tx.state().secret_versions(&secret.scope, &secret.name);
    let mut all: Vec<(Timestamp, String)> = versions.map(|it| (it.created_at, it.id.clone())).collect();
    let surplus = all.len().saturating_sub(VERSIONS_MAX);
    all.retain(|(_, id)| !secret.stages.values().any(|it| it == id));
    all.sort();
    for (_, id) in all.into_iter().take(surplus) {
        tx.delete::<SecretVersion>(&(secret.scope.clone(), secret.name.clone(), id));
    }
}

/// The time of a transaction, as the wire can say it.
pub fn now(tx: &Tx<'_>) -> Timestamp {
    Timestamp::from_millisecond(tx.now().as_millisecond()).unwrap_or_else(|_| tx.now())
}
