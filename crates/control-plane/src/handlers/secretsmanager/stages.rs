//! Staging labels: which version is current.

use api::secretsmanager as sm;
use domain::secret::{Secret, SecretVersion};
use store::Tx;

use super::errors::{from_store, invalid, nothing, validation};
use super::names::require_active;
use super::value::now;
use crate::call::Call;

/// The version that is read unless another is named.
pub const CURRENT: &str = "AWSCURRENT";
/// The one before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// Most labels of a version.
const STAGES_MAX: usize = 20;

/// Gives a label to a version. Who loses AWSCURRENT becomes AWSPREVIOUS.
pub fn attach(secret: &mut Secret, stage: &str, version: &str) {
    let before = secret.stages.insert(stage.to_owned(), version.to_owned());
    match before {
        Some(before) if stage == CURRENT && before != version => {
            secret.stages.insert(PREVIOUS.to_owned(), before);
        }
        _ => {}
    }
    if stage == CURRENT && secret.stages.get(PREVIOUS).is_some_and(|it| it == version) {
        secret.stages.remove(PREVIOUS);
    }
}

/// Checks labels that a caller gives.
///
/// # Errors
/// ValidationException, InvalidParameterException.
pub fn check(stages: &[String]) -> Result<(), sm::Error> {
    if stages.is_empty() {
        return Err(validation(
            "1 validation error detected: Value '[]' at 'versionStages' failed to satisfy constraint: Member must have \
             length greater than or equal to 1",
        ));
    }
    if stages.len() > STAGES_MAX {
        return Err(invalid(format!(
            "A version can have a maximum of {STAGES_MAX} staging labels."
        )));
    }
    match stages.iter().find(|it| !(1..=256).contains(&it.chars().count())) {
        None => Ok(()),
        Some(stage) => Err(validation(format!(
            "1 validation error detected: Value '{stage}' at 'versionStages' failed to satisfy constraint: Member must \
             have length between 1 and 256"
        ))),
    }
}

/// `UpdateSecretVersionStage`.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException, InvalidRequestException, in Amazon's words.
pub async fn update_secret_version_stage(
    call: Call<sm::UpdateSecretVersionStage>,
) -> Result<sm::UpdateSecretVersionStageOutput, sm::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check(std::slice::from_ref(&input.version_stage))?;
    let moved = call.access().store().transact(move |tx| {
        let mut secret = require_active(tx.state(), &scope, &input.secret_id)?.clone();
        move_stage(tx, &mut secret, &input)?;
        secret.changed_at = now(tx);
        tx.put(secret.clone());
        Ok(secret)
    });
    let secret = moved.await.map_err(from_store)?;
    Ok(sm::UpdateSecretVersionStageOutput {
        arn: Some(secret.arn()),
        name: Some(secret.name),
    })
}

fn move_stage(
    tx: &Tx<'_>,
    secret: &mut Secret,
    input: &sm::UpdateSecretVersionStageInput,
) -> Result<(), sm::Error> {
    let stage = &input.version_stage;
    for id in [&input.move_to_version_id, &input.remove_from_version_id]
        .into_iter()
        .flatten()
    {
        let key = (secret.scope.clone(), secret.name.clone(), id.clone());
        if tx.get::<SecretVersion>(&key).is_none() {
            return Err(nothing(format!(
                "Secrets Manager can't find the specified secret version: {id}."
            )));
        }
    }
    let holder = secret.stages.get(stage).cloned();
    match (&holder, &input.remove_from_version_id) {
        (Some(holder), None) if input.move_to_version_id.as_ref() != Some(holder) => {
            return Err(invalid(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
                 {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        (Some(holder), Some(from)) if from != holder => {
            return Err(invalid(format!(
                "Staging label {stage} is currently attached to version {holder}, not to version {from}, which you \
                 referenced in RemoveFromVersionId."
            )));
        }
        (None, Some(from)) => {
            return Err(invalid(format!(
                "Staging label {stage} is not attached to version {from}."
            )));
        }
        _ => {}
    }
    match &input.move_to_version_id {
        Some(to) => attach(secret, stage, to),
        None if stage == CURRENT => {
            return Err(invalid(
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
            ));
        }
        None => {
            secret.stages.remove(stage);
        }
    }
    Ok(())
}
