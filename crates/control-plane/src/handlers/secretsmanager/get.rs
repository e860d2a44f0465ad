//! GetSecretValue and DescribeSecret.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::secretsmanager as sm;
use domain::Timestamp;
use domain::secret::{Secret, SecretKind, SecretVersion};
use store::State;
use wire::shape::Blob;

use super::errors::{from_store, invalid_request, nothing};
use super::names::{require, require_active};
use super::stages::CURRENT;
use super::{tags, value};
use crate::call::Call;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// `GetSecretValue`.
///
/// # Errors
/// ResourceNotFoundException, InvalidRequestException, DecryptionFailure, in Amazon's words.
pub async fn get_secret_value(call: Call<sm::GetSecretValue>) -> Result<sm::GetSecretValueOutput, sm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let (secret, version) = call.access().store().read(|state| {
        let secret = require_active(state, scope, &input.secret_id)?;
        let version = version(state, secret, input)?;
        Ok::<_, sm::Error>((secret.clone(), version))
    })?;
    let clear = value::open(call.access().values(), &version)?;
    note_reading(&call, &secret).await?;
    let (secret_string, secret_binary) = match clear.kind {
        SecretKind::String => (Some(String::from_utf8_lossy(&clear.bytes).into_owned()), None),
        SecretKind::Binary => (None, Some(Blob(clear.bytes))),
    };
    Ok(sm::GetSecretValueOutput {
        arn: Some(secret.arn()),
        created_date: Some(version.created_at),
        secret_binary,
        secret_string,
        version_id: Some(version.id.clone()),
        version_stages: Some(secret.stages_of(&version.id)),
        name: Some(secret.name),
    })
}

fn version(
    state: &State,
    secret: &Secret,
    input: &sm::GetSecretValueInput,
) -> Result<Arc<SecretVersion>, sm::Error> {
    let stage = input.version_stage.as_deref();
    let get = |id: &String| {
        let key = (secret.scope.clone(), secret.name.clone(), id.clone());
        state.get::<SecretVersion>(&key).cloned()
    };
    let (found, what) = match &input.version_id {
        Some(id) => (get(id), format!("VersionId: {id}")),
        None => {
            let stage = stage.unwrap_or(CURRENT);
            let found = secret.stages.get(stage).and_then(get);
            (found, format!("staging label: {stage}"))
        }
    };
    let found = found.ok_or_else(|| {
        nothing(format!(
            "Secrets Manager can't find the specified secret value for {what}"
        ))
    })?;
    match stage {
        Some(stage) if secret.stages.get(stage) != Some(&found.id) => Err(invalid_request(
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )),
        _ => Ok(found),
    }
}

/// Notes the day of a reading: one write a day at most.
async fn note_reading(call: &Call<sm::GetSecretValue>, secret: &Secret) -> Result<(), sm::Error> {
    let midnight = call.now().as_second().div_euclid(DAY) * DAY;
    let day = Timestamp::from_second(midnight).unwrap_or(call.now());
    if secret.accessed_at.is_some_and(|it| it >= day) {
        return Ok(());
    }
    let key = (secret.scope.clone(), secret.name.clone());
    let noted = call.access().store().transact(move |tx| {
        if let Some(secret) = tx.get::<Secret>(&key) {
            tx.put(Secret {
                accessed_at: Some(day),
                ..(*secret).clone()
            });
        }
        Ok(())
    });
    noted.await.map_err(from_store)
}

/// `DescribeSecret`, also of one that is scheduled for deletion.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn describe_secret(call: Call<sm::DescribeSecret>) -> Result<sm::DescribeSecretOutput, sm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let found = call
        .access()
        .store()
        .read(|state| require(state, scope, &input.secret_id).cloned());
    let secret = found?;
    Ok(sm::DescribeSecretOutput {
        arn: Some(secret.arn()),
        created_date: Some(secret.created_at),
        deleted_date: deleted_date(&secret),
        description: secret.description.clone(),
        last_accessed_date: secret.accessed_at,
        last_changed_date: Some(secret.changed_at),
        tags: Some(tags::rendered(&secret.tags)),
        version_ids_to_stages: Some(versions_to_stages(&secret)),
        name: Some(secret.name),
        ..sm::DescribeSecretOutput::default()
    })
}

/// When the deletion was asked for.
pub fn deleted_date(secret: &Secret) -> Option<Timestamp> {
    secret.deletion.map(|it| it.asked_at)
}

/// Versions that have labels, with these.
pub fn versions_to_stages(secret: &Secret) -> BTreeMap<String, Vec<String>> {
    let versions = secret.stages.values();
    versions.map(|it| (it.clone(), secret.stages_of(it))).collect()
}
