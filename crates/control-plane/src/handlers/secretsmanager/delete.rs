//! DeleteSecret and RestoreSecret.

use api::secretsmanager as sm;
use domain::secret::{Secret, SecretDeletion};
use domain::{Scope, Timestamp};
use orchestrator::transitions::forget_secret;
use store::Tx;

use super::errors::{from_store, invalid, marked_for_deletion, not_found};
use super::names::{find, require};
use super::value::now;
use crate::call::Call;

/// Days in which a deletion can be taken back.
const WINDOW_DAYS: i64 = 30;
/// Least and most of them.
const WINDOW_DAYS_ALLOWED: std::ops::RangeInclusive<i64> = 7..=30;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// When a secret goes.
#[derive(Clone, Copy)]
enum When {
    Now,
    AfterDays(i64),
}

/// `DeleteSecret`.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException, InvalidRequestException.
pub async fn delete_secret(call: Call<sm::DeleteSecret>) -> Result<sm::DeleteSecretOutput, sm::Error> {
    let input = call.input();
    let when = match (input.force_delete_without_recovery, input.recovery_window_in_days) {
        (Some(true), Some(_)) => {
            return Err(invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        (Some(true), None) => When::Now,
        (_, None) => When::AfterDays(WINDOW_DAYS),
        (_, Some(days)) if WINDOW_DAYS_ALLOWED.contains(&days) => When::AfterDays(days),
        (_, Some(_)) => {
            return Err(invalid(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
    };
    let (scope, id) = (call.scope().clone(), input.secret_id.clone());
    let deleted = call
        .access()
        .store()
        .transact(move |tx| delete(tx, &scope, &id, when));
    let (secret, due_at) = deleted.await.map_err(from_store)?;
    Ok(sm::DeleteSecretOutput {
        arn: Some(secret.arn()),
        deletion_date: Some(due_at),
        name: Some(secret.name),
    })
}

fn delete(tx: &mut Tx<'_>, scope: &Scope, id: &str, when: When) -> Result<(Secret, Timestamp), sm::Error> {
    let secret = find(tx.state(), scope, id).cloned().ok_or_else(not_found)?;
    let asked_at = now(tx);
    match when {
        // One that is scheduled already can still be hurried.
        When::Now => {
            forget_secret(tx, scope, &secret.name);
            Ok((secret, asked_at))
        }
        When::AfterDays(_) if secret.deletion.is_some() => Err(marked_for_deletion()),
        When::AfterDays(days) => {
            let due_at = Timestamp::from_second(asked_at.as_second() + days * DAY).unwrap_or(asked_at);
            tx.put(Secret {
                deletion: Some(SecretDeletion { asked_at, due_at }),
                ..secret.clone()
            });
            Ok((secret, due_at))
        }
    }
}

/// `RestoreSecret`; one that is not scheduled for deletion stays as it is.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn restore_secret(call: Call<sm::RestoreSecret>) -> Result<sm::RestoreSecretOutput, sm::Error> {
    let (scope, id) = (call.scope().clone(), call.input().secret_id.clone());
    let restored = call.access().store().transact(move |tx| {
        let secret = Secret {
            deletion: None,
            ..require(tx.state(), &scope, &id)?.clone()
        };
        tx.put(secret.clone());
        Ok(secret)
    });
    let secret = restored.await.map_err(from_store)?;
    Ok(sm::RestoreSecretOutput {
        arn: Some(secret.arn()),
        name: Some(secret.name),
    })
}
