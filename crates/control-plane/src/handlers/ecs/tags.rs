//! Tags between the wire and the records.

use api::ecs;
use domain::tags::Pair;
use orchestrator::transitions::TAGS_MAX;

use super::errors::invalid_parameter;

#[cfg(test)]
mod tests;

/// Longest key.
const KEY_LENGTH_MAX: usize = 128;
/// Longest value.
const VALUE_LENGTH_MAX: usize = 256;

/// Tags of a request.
///
/// # Errors
/// InvalidParameterException by Amazon's restrictions on tags.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>
pub fn parse(given: Option<&[ecs::Tag]>) -> Result<Vec<Pair>, ecs::Error> {
    let given = given.unwrap_or_default();
    if given.len() > TAGS_MAX {
        return Err(invalid_parameter(format!(
            "The number of tags exceeds the limit of {TAGS_MAX}."
        )));
    }
    let mut tags: Vec<Pair> = Vec::with_capacity(given.len());
    for tag in given {
        let key = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        require_key(&key)?;
        if value.chars().count() > VALUE_LENGTH_MAX || !value.chars().all(is_allowed) {
            return Err(invalid_parameter(format!(
                "The value of a tag has at most {VALUE_LENGTH_MAX} letters, numbers, spaces and _ . : / = + - @: that of \
                 {key:?} does not fit."
            )));
        }
        if tags.iter().any(|it| it.name == key) {
            return Err(invalid_parameter(format!("Duplicate tag keys found: {key:?}.")));
        }
        tags.push(Pair::new(key, value));
    }
    Ok(tags)
}

/// A key that users may give or take away.
///
/// # Errors
/// InvalidParameterException.
pub fn require_key(key: &str) -> Result<(), ecs::Error> {
    if !(1..=KEY_LENGTH_MAX).contains(&key.chars().count()) || !key.chars().all(is_allowed) {
        return Err(invalid_parameter(format!(
            "The key of a tag has 1 to {KEY_LENGTH_MAX} letters, numbers, spaces and _ . : / = + - @, not {key:?}."
        )));
    }
    let is_reserved = key.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("aws:"));
    if is_reserved {
        return Err(invalid_parameter(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    Ok(())
}

/// The model's pattern: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
fn is_allowed(it: char) -> bool {
    it.is_alphanumeric() || (it.is_whitespace() && !it.is_control()) || "_.:/=+-@".contains(it)
}

/// Tags of a record.
pub fn render(tags: &[Pair]) -> Vec<ecs::Tag> {
    tags.iter()
        .map(|it| ecs::Tag {
            key: Some(it.name.clone()),
            value: it.value.clone(),
        })
        .collect()
}
