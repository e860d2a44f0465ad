//! Forgets secrets whose recovery window has ended.
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html>

use std::time::Duration;

use domain::Scope;
use domain::secret::Secret;
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::forget_secret;

#[cfg(test)]
mod tests;

/// See the module.
pub struct DeletedSecrets;

impl Controller for DeletedSecrets {
    const NAME: &'static str = "deleted_secrets";
    type Key = (Scope, String);

    fn keys(&self, _: &State, change: &Change) -> Vec<(Scope, String)> {
        match change {
            Change::Secret(changed) => changed.after.iter().filter_map(|it| key(it)).collect(),
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<(Scope, String)> {
        state.all::<Secret>().filter_map(|it| key(it)).collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &(Scope, String)) -> Next {
        let Some(deletion) = tx.get::<Secret>(key).and_then(|it| it.deletion) else {
            return Next::AwaitChange;
        };
        let left = deletion.due_at.as_millisecond() - tx.now().as_millisecond();
        if let Some(left) = u64::try_from(left).ok().filter(|it| *it > 0) {
            return Next::After(Duration::from_millis(left));
        }
        let (scope, name) = key;
        forget_secret(tx, scope, name);
        Next::AwaitChange
    }
}

fn key(secret: &Secret) -> Option<(Scope, String)> {
    secret.deletion?;
    Some((secret.scope.clone(), secret.name.clone()))
}
