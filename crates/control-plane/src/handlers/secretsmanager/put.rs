//! PutSecretValue and UpdateSecret.

use api::secretsmanager as sm;
use domain::Scope;
use domain::secret::Secret;
use store::Tx;

use super::create::check_key;
use super::errors::{from_store, invalid, unbuilt};
use super::names::require_active;
use super::stages::{self, CURRENT};
use super::value::{self, Clear, now};
use crate::call::Call;
use crate::vault::Vault;

/// What changes in a secret.
struct Update {
    scope: Scope,
    id: String,
    token: String,
    value: Option<Clear>,
    stages: Vec<String>,
    description: Option<String>,
}

/// `PutSecretValue`.
///
/// # Errors
/// ResourceNotFoundException, ResourceExistsException, InvalidParameterException, InvalidRequestException.
pub async fn put_secret_value(call: Call<sm::PutSecretValue>) -> Result<sm::PutSecretValueOutput, sm::Error> {
    let input = call.input();
    if input.rotation_token.is_some() {
        return Err(unbuilt("RotationToken"));
    }
    let value = Clear::given(input.secret_string.as_ref(), input.secret_binary.as_ref())?;
    if value.is_none() {
        return Err(invalid("You must provide either SecretString or SecretBinary."));
    }
    let stages = input.version_stages.clone();
    let stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    stages::check(&stages)?;
    let update = Update {
        scope: call.scope().clone(),
        id: input.secret_id.clone(),
        token: value::token(input.client_request_token.as_ref())?,
        value,
        stages,
        description: None,
    };
    let vault = call.access().values().clone();
    let updated = call
        .access()
        .store()
        .transact(move |tx| apply(tx, &vault, update));
    let (secret, version_id) = updated.await.map_err(from_store)?;
    Ok(sm::PutSecretValueOutput {
        arn: Some(secret.arn()),
        version_stages: version_id.as_deref().map(|it| secret.stages_of(it)),
        name: Some(secret.name),
        version_id,
    })
}

/// `UpdateSecret`: a value that is given becomes the current one.
///
/// # Errors
/// ResourceNotFoundException, ResourceExistsException, InvalidParameterException, InvalidRequestException.
pub async fn update_secret(call: Call<sm::UpdateSecret>) -> Result<sm::UpdateSecretOutput, sm::Error> {
    let input = call.input();
    check_key(input.kms_key_id.as_deref())?;
    if input.r#type.is_some() {
        return Err(unbuilt("Type"));
    }
    let update = Update {
        scope: call.scope().clone(),
        id: input.secret_id.clone(),
        token: value::token(input.client_request_token.as_ref())?,
        value: Clear::given(input.secret_string.as_ref(), input.secret_binary.as_ref())?,
        stages: vec![CURRENT.to_owned()],
        description: input.description.clone(),
    };
    let vault = call.access().values().clone();
    let updated = call
        .access()
        .store()
        .transact(move |tx| apply(tx, &vault, update));
    let (secret, version_id) = updated.await.map_err(from_store)?;
    Ok(sm::UpdateSecretOutput {
        arn: Some(secret.arn()),
        name: Some(secret.name),
        version_id,
    })
}

fn apply(tx: &mut Tx<'_>, vault: &Vault, update: Update) -> Result<(Secret, Option<String>), sm::Error> {
    let mut secret = require_active(tx.state(), &update.scope, &update.id)?.clone();
    if let Some(value) = &update.value {
        if value::is_repeated(tx, vault, &secret, &update.token, value)? {
            return Ok((secret, Some(update.token)));
        }
        value::add(tx, vault, &mut secret, &update.token, value, &update.stages)?;
    }
    if let Some(description) = update.description {
        secret.description = Some(description);
    }
    secret.changed_at = now(tx);
    tx.put(secret.clone());
    Ok((secret, update.value.map(|_| update.token)))
}
