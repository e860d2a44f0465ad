//! Tags between the wire and the records.

use api::ecs;
use domain::tags::Pair;

use super::errors::{client, invalid_parameter};

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
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
        let length = key.chars().count();
        if !(1..=KEY_LENGTH_MAX).contains(&length) || value.chars().count() > VALUE_LENGTH_MAX {
            return Err(invalid_parameter(format!(
                "A tag has a key of 1 to {KEY_LENGTH_MAX} and a value of at most {VALUE_LENGTH_MAX} characters: {key:?}."
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(client("Tag keys must not begin with 'aws:', which is reserved."));
        }
        if tags.iter().any(|it| it.name == key) {
            return Err(invalid_parameter(format!("Duplicate tag keys found: {key:?}.")));
        }
        tags.push(Pair::new(key, value));
    }
    Ok(tags)
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
