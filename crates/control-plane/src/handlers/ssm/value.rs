//! Values of parameters: sealed in the store, opened in answers.

use api::ssm;
use domain::Scope;
use domain::parameter::{Parameter, ParameterKind, ParameterVersion, arn};
use domain::sealed::Sealed;

use super::errors::from_vault;
use crate::vault::Vault;

/// What SecureStrings are encrypted under, as far as callers see.
pub const KEY_ID: &str = "alias/aws/ssm";

/// Whether a caller wants to see secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decryption {
    /// SecureStrings in the clear.
    Yes,
    /// SecureStrings as they are stored.
    No,
}

impl From<Option<bool>> for Decryption {
    fn from(given: Option<bool>) -> Self {
        match given {
            Some(true) => Self::Yes,
            Some(false) | None => Self::No,
        }
    }
}

fn place(scope: &Scope, name: &str) -> String {
    format!("parameter/{}/{}/{name}", scope.account, scope.region)
}

/// Seals the value of a parameter.
///
/// # Errors
/// InternalServerError.
pub fn seal(vault: &Vault, scope: &Scope, name: &str, value: &str) -> Result<Sealed, ssm::Error> {
    vault
        .seal(&place(scope, name), value.as_bytes())
        .map_err(from_vault)
}

/// The value of a version as a caller sees it.
///
/// # Errors
/// InternalServerError.
pub fn shown(vault: &Vault, it: &ParameterVersion, decryption: Decryption) -> Result<String, ssm::Error> {
    if it.kind == ParameterKind::SecureString && decryption == Decryption::No {
        return Ok(it.value.0.clone());
    }
    let value = vault
        .open(&place(&it.scope, &it.name), &it.value)
        .map_err(from_vault)?;
    Ok(String::from_utf8_lossy(&value).into_owned())
}

/// A version as the Get operations answer it.
///
/// # Errors
/// InternalServerError.
pub fn rendered(
    vault: &Vault,
    it: &ParameterVersion,
    selector: Option<&str>,
    decryption: Decryption,
) -> Result<ssm::Parameter, ssm::Error> {
    Ok(ssm::Parameter {
        arn: Some(arn(&it.scope, &it.name)),
        data_type: Some("text".to_owned()),
        last_modified_date: Some(it.modified_at),
        name: Some(it.name.clone()),
        selector: selector.map(|it| format!(":{it}")),
        source_result: None,
        r#type: Some(it.kind.as_str().into()),
        value: Some(shown(vault, it, decryption)?),
        version: i64::try_from(it.version).ok(),
    })
}

/// A version as GetParameterHistory answers it.
///
/// # Errors
/// InternalServerError.
pub fn history(
    vault: &Vault,
    it: &ParameterVersion,
    decryption: Decryption,
) -> Result<ssm::ParameterHistory, ssm::Error> {
    Ok(ssm::ParameterHistory {
        allowed_pattern: it.allowed_pattern.clone(),
        data_type: Some("text".to_owned()),
        description: it.description.clone(),
        key_id: key_id(it),
        labels: Some(it.labels.clone()),
        last_modified_date: Some(it.modified_at),
        last_modified_user: Some(it.modified_by.clone()),
        name: Some(it.name.clone()),
        policies: Some(Vec::new()),
        tier: Some(it.tier.as_str().into()),
        r#type: Some(it.kind.as_str().into()),
        value: Some(shown(vault, it, decryption)?),
        version: i64::try_from(it.version).ok(),
    })
}

/// A parameter as DescribeParameters answers it: no value.
pub fn metadata(parameter: &Parameter, it: &ParameterVersion) -> ssm::ParameterMetadata {
    ssm::ParameterMetadata {
        arn: Some(parameter.arn()),
        allowed_pattern: it.allowed_pattern.clone(),
        data_type: Some("text".to_owned()),
        description: it.description.clone(),
        key_id: key_id(it),
        last_modified_date: Some(it.modified_at),
        last_modified_user: Some(it.modified_by.clone()),
        name: Some(it.name.clone()),
        policies: Some(Vec::new()),
        tier: Some(it.tier.as_str().into()),
        r#type: Some(it.kind.as_str().into()),
        version: i64::try_from(it.version).ok(),
    }
}

/// The key of a SecureString.
pub fn key_id(it: &ParameterVersion) -> Option<String> {
    (it.kind == ParameterKind::SecureString).then(|| KEY_ID.to_owned())
}
