//! CreateSecret.

use std::collections::BTreeMap;

use api::secretsmanager as sm;
use domain::Scope;
use domain::secret::Secret;
use domain::tags::Pair;
use store::Tx;

use super::errors::{exists, from_store, invalid_request, unbuilt};
use super::names::check_new;
use super::stages::CURRENT;
use super::tags;
use super::value::{self, Clear, now};
use crate::call::Call;
use crate::vault::Vault;

/// Names of the one key that there is.
const KEYS: [&str; 2] = ["alias/aws/secretsmanager", "aws/secretsmanager"];

struct New {
    scope: Scope,
    name: String,
    description: Option<String>,
    tags: Vec<Pair>,
    token: String,
    value: Option<Clear>,
}

/// `CreateSecret`.
///
/// # Errors
/// ResourceExistsException, InvalidRequestException, InvalidParameterException, in Amazon's words.
pub async fn create_secret(call: Call<sm::CreateSecret>) -> Result<sm::CreateSecretOutput, sm::Error> {
    let input = call.input();
    check_new(&input.name)?;
    check_key(input.kms_key_id.as_deref())?;
    if input
        .add_replica_regions
        .as_ref()
        .is_some_and(|it| !it.is_empty())
    {
        return Err(unbuilt("AddReplicaRegions"));
    }
    if input.r#type.is_some() {
        return Err(unbuilt("Type"));
    }
    let new = New {
        scope: call.scope().clone(),
        name: input.name.clone(),
        description: input.description.clone(),
        tags: tags::parse(input.tags.as_deref().unwrap_or_default())?,
        token: value::token(input.client_request_token.as_ref())?,
        value: Clear::given(input.secret_string.as_ref(), input.secret_binary.as_ref())?,
    };
    let vault = call.access().values().clone();
    let created = call.access().store().transact(move |tx| create(tx, &vault, new));
    let (secret, version_id) = created.await.map_err(from_store)?;
    Ok(sm::CreateSecretOutput {
        arn: Some(secret.arn()),
        name: Some(secret.name),
        version_id,
        ..sm::CreateSecretOutput::default()
    })
}

/// Gantry's own key encrypts all values.
///
/// # Errors
/// InvalidParameterException.
pub fn check_key(given: Option<&str>) -> Result<(), sm::Error> {
    match given {
        Some(key) if !KEYS.contains(&key) => Err(unbuilt("KmsKeyId, other than alias/aws/secretsmanager,")),
        _ => Ok(()),
    }
}

fn create(tx: &mut Tx<'_>, vault: &Vault, new: New) -> Result<(Secret, Option<String>), sm::Error> {
    if let Some(before) = tx.get::<Secret>(&(new.scope.clone(), new.name.clone())) {
        if before.deletion.is_some() {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        return match &new.value {
            Some(value) if value::is_repeated(tx, vault, &before, &new.token, value)? => {
                Ok(((*before).clone(), Some(new.token)))
            }
            _ => Err(exists(format!(
                "The operation failed because the secret {} already exists.",
                new.name
            ))),
        };
    }
    let mut secret = Secret {
        scope: new.scope,
        name: new.name,
        suffix: tx.ids().secret_suffix(),
        description: new.description,
        tags: new.tags,
        stages: BTreeMap::new(),
        created_at: now(tx),
        changed_at: now(tx),
        accessed_at: None,
        deletion: None,
    };
    let version_id = match new.value {
        None => None,
        Some(value) => {
            value::add(tx, vault, &mut secret, &new.token, &value, &[CURRENT.to_owned()])?;
            Some(new.token)
        }
    };
    tx.put(secret.clone());
    Ok((secret, version_id))
}
