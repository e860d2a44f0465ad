//! Names of secrets, and how callers refer to them.

use api::secretsmanager as sm;
use domain::Scope;
use domain::secret::Secret;
use store::State;

use super::errors::{marked_for_deletion, not_found, validation};

/// Longest name.
const NAME_MAX: usize = 512;
/// Letters and digits at the end of an ARN.
const SUFFIX: usize = 6;

/// Checks the name of a new secret.
///
/// # Errors
/// ValidationException in Amazon's words.
pub fn check_new(name: &str) -> Result<(), sm::Error> {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"/_+=.@!-".contains(&it);
    if name.len() > NAME_MAX {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have length \
             less than or equal to {NAME_MAX}"
        )));
    }
    if name.is_empty() || !name.bytes().all(is_letter) {
        return Err(validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    Ok(())
}

/// The secret of a name, an ARN, or an ARN without its last six characters.
pub fn find<'s>(state: &'s State, scope: &Scope, id: &str) -> Option<&'s Secret> {
    let get = |name: &str| {
        let found = state.get::<Secret>(&(scope.clone(), name.to_owned()));
        found.map(|it| &**it)
    };
    if !id.starts_with("arn:") {
        return get(id);
    }
    let Scope { account, region } = scope;
    let ours = format!("arn:aws:secretsmanager:{region}:{account}:secret:");
    let name = id.strip_prefix(&ours)?;
    let whole = name
        .rsplit_once('-')
        .filter(|(_, suffix)| suffix.len() == SUFFIX)
        .and_then(|(name, suffix)| get(name).filter(|it| it.suffix == suffix));
    whole.or_else(|| get(name))
}

/// The same; it must be there.
///
/// # Errors
/// ResourceNotFoundException.
pub fn require<'s>(state: &'s State, scope: &Scope, id: &str) -> Result<&'s Secret, sm::Error> {
    find(state, scope, id).ok_or_else(not_found)
}

/// The same; it must not be scheduled for deletion.
///
/// # Errors
/// ResourceNotFoundException, InvalidRequestException.
pub fn require_active<'s>(state: &'s State, scope: &Scope, id: &str) -> Result<&'s Secret, sm::Error> {
    let secret = require(state, scope, id)?;
    match secret.deletion {
        None => Ok(secret),
        Some(_) => Err(marked_for_deletion()),
    }
}
