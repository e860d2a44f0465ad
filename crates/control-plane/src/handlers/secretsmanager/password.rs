//! GetRandomPassword.

use api::secretsmanager as sm;

use super::errors::{from_vault, invalid};
use crate::call::Call;
use crate::vault::VaultError;

/// Characters of a password unless told.
const LENGTH: i64 = 32;
/// Most of them.
const LENGTH_MAX: i64 = 4096;
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// `GetRandomPassword`.
///
/// # Errors
/// InvalidParameterException if no password can be as asked for.
pub async fn get_random_password(
    call: Call<sm::GetRandomPassword>,
) -> Result<sm::GetRandomPasswordOutput, sm::Error> {
    let password = password(call.input(), &mut random_below)?;
    Ok(sm::GetRandomPasswordOutput {
        random_password: Some(password),
    })
}

/// A password, with a source of numbers below a bound.
pub(super) fn password(
    input: &sm::GetRandomPasswordInput,
    below: &mut dyn FnMut(usize) -> Result<usize, sm::Error>,
) -> Result<String, sm::Error> {
    let length = input.password_length.unwrap_or(LENGTH);
    if !(1..=LENGTH_MAX).contains(&length) {
        return Err(invalid(format!(
            "PasswordLength must be between 1 and {LENGTH_MAX}."
        )));
    }
    let length = usize::try_from(length).unwrap_or(1);
    let excluded = input.exclude_characters.as_deref().unwrap_or_default();
    let kinds = [
        (LOWERCASE, input.exclude_lowercase != Some(true)),
        (UPPERCASE, input.exclude_uppercase != Some(true)),
        (NUMBERS, input.exclude_numbers != Some(true)),
        (PUNCTUATION, input.exclude_punctuation != Some(true)),
        (" ", input.include_space == Some(true)),
    ];
    let kinds: Vec<Vec<char>> = kinds
        .iter()
        .filter(|(_, is_wanted)| *is_wanted)
        .map(|(letters, _)| letters.chars().filter(|it| !excluded.contains(*it)).collect())
        .collect();
    let all: Vec<char> = kinds.iter().flatten().copied().collect();
    if all.is_empty() {
        return Err(invalid(
            "The password can't be generated: all characters are excluded.",
        ));
    }
    let mut password = Vec::with_capacity(length);
    if input.require_each_included_type != Some(false) {
        if kinds.iter().any(Vec::is_empty) || kinds.len() > length {
            return Err(invalid(
                "The password can't be generated: it cannot have a character of each included type.",
            ));
        }
        for kind in &kinds {
            password.push(kind[below(kind.len())?]);
        }
    }
    while password.len() < length {
        password.push(all[below(all.len())?]);
    }
    // Those of each kind are not always the first.
    for at in (1..password.len()).rev() {
        password.swap(at, below(at + 1)?);
    }
    Ok(password.into_iter().collect())
}

/// An even choice: numbers that would favour some are drawn again.
fn random_below(bound: usize) -> Result<usize, sm::Error> {
    let bound = u32::try_from(bound).unwrap_or(u32::MAX).max(1);
    let even = u32::MAX - u32::MAX % bound;
    loop {
        let drawn = getrandom::u32().map_err(|_| from_vault(VaultError::NoRandomness))?;
        if drawn < even {
            return Ok(usize::try_from(drawn % bound).unwrap_or(0));
        }
    }
}
