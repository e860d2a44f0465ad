//! Filters of ListSecrets: a secret must pass all of them, each by one of its values. A `!` before a value denies it.

use api::secretsmanager as sm;
use domain::secret::Secret;

use super::errors::{invalid, validation};

/// Most filters, and most values of each.
const FILTERS_MAX: usize = 10;

/// Checks filters.
///
/// # Errors
/// InvalidParameterException, ValidationException.
pub fn check(filters: &[sm::Filter]) -> Result<(), sm::Error> {
    if filters.len() > FILTERS_MAX {
        return Err(invalid(format!(
            "A request can have a maximum of {FILTERS_MAX} filters."
        )));
    }
    for it in filters {
        match &it.key {
            None => return Err(invalid("Invalid filter key: a filter must have a key.")),
            Some(sm::FilterNameStringType::Unmodelled(word)) => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{word}' at 'filters.1.member.key' failed to satisfy constraint: \
                     Member must satisfy enum value set: [all, name, tag-key, description, tag-value, primary-region, \
                     owning-service]"
                )));
            }
            Some(_) => {}
        }
        if it.values.as_ref().is_none_or(Vec::is_empty) {
            return Err(invalid(format!(
                "Invalid filter values for key: {}",
                it.key.as_ref().map_or("", sm::FilterNameStringType::as_str)
            )));
        }
    }
    Ok(())
}

/// Whether a secret passes.
pub fn accept(filters: &[sm::Filter], secret: &Secret) -> bool {
    filters.iter().all(|filter| {
        let values = filter.values.iter().flatten();
        let key = filter.key.as_ref();
        values.into_iter().any(|value| match value.strip_prefix('!') {
            Some(denied) => !fits(key, secret, denied),
            None => fits(key, secret, value),
        })
    })
}

fn fits(key: Option<&sm::FilterNameStringType>, secret: &Secret, value: &str) -> bool {
    use sm::FilterNameStringType as Key;
    let name = || secret.name.starts_with(value);
    let tag_key = || secret.tags.iter().any(|it| it.name.starts_with(value));
    let tag_value = || {
        let mut values = secret.tags.iter().filter_map(|it| it.value.as_deref());
        values.any(|it| it.starts_with(value))
    };
    // Words of a description, and of everything together, are not told apart by case.
    let words = |text: &str| {
        let (text, value) = (text.to_lowercase(), value.to_lowercase());
        let mut words = text.split(|it: char| !it.is_alphanumeric());
        text.starts_with(&value) || words.any(|it| it.starts_with(&value))
    };
    let description = || secret.description.as_deref().is_some_and(words);
    match key {
        Some(Key::Name) => name(),
        Some(Key::Description) => description(),
        Some(Key::TagKey) => tag_key(),
        Some(Key::TagValue) => tag_value(),
        Some(Key::PrimaryRegion) => secret.scope.region.starts_with(value),
        Some(Key::All) => words(&secret.name) || description() || tag_key() || tag_value(),
        // No service owns a secret here.
        Some(Key::OwningService | Key::Unmodelled(_)) | None => false,
    }
}
