//! Tags of repositories.

use api::ecr;
use domain::tags::Pair;
use orchestrator::transitions::{self, RepositoryTagRefusal, TAGS_MAX};

use super::errors::{from_change, from_store, repository_not_found};
use super::names;
use crate::call::Call;

/// Longest key.
const KEY_LENGTH_MAX: usize = 128;
/// Longest value.
const VALUE_LENGTH_MAX: usize = 256;

/// Tags of a request.
///
/// # Errors
/// InvalidTagParameterException, TooManyTagsException.
pub fn parse(given: &[ecr::Tag]) -> Result<Vec<Pair>, ecr::Error> {
    if given.len() > TAGS_MAX {
        return Err(too_many());
    }
    let mut tags: Vec<Pair> = Vec::with_capacity(given.len());
    for tag in given {
        let is_reserved = tag.key.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("aws:"));
        let is_key =
            (1..=KEY_LENGTH_MAX).contains(&tag.key.chars().count()) && tag.key.chars().all(is_allowed);
        if !is_key || is_reserved {
            return Err(invalid_tag(&format!("Invalid tag key {:?}", tag.key)));
        }
        if tag.value.chars().count() > VALUE_LENGTH_MAX || !tag.value.chars().all(is_allowed) {
            return Err(invalid_tag(&format!(
                "Invalid value of the tag key {:?}",
                tag.key
            )));
        }
        if tags.iter().any(|it| it.name == tag.key) {
            return Err(invalid_tag(&format!("Duplicate tag keys found: {:?}", tag.key)));
        }
        tags.push(Pair::new(tag.key.clone(), tag.value.clone()));
    }
    Ok(tags)
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
fn is_allowed(it: char) -> bool {
    it.is_alphanumeric() || (it.is_whitespace() && !it.is_control()) || "_.:/=+-@".contains(it)
}

fn invalid_tag(message: &str) -> ecr::Error {
    ecr::Error::InvalidTagParameterException(ecr::InvalidTagParameterException {
        message: Some(message.to_owned()),
    })
}

fn too_many() -> ecr::Error {
    ecr::Error::TooManyTagsException(ecr::TooManyTagsException {
        message: Some(format!("The number of tags exceeds the limit of {TAGS_MAX}")),
    })
}

/// `TagResource`.
///
/// # Errors
/// RepositoryNotFoundException, InvalidTagParameterException, TooManyTagsException.
pub async fn tag_resource(call: Call<ecr::TagResource>) -> Result<ecr::TagResourceOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository_of_arn(&call, &input.resource_arn)?;
    let (given, at) = (parse(&input.tags)?, key.clone());
    let store = call.access().store();
    let tagged = store
        .transact(move |tx| transitions::tag_repository(tx, &at, given))
        .await;
    tagged.map_err(|error| {
        from_store(error, |refusal| match refusal {
            RepositoryTagRefusal::NotFound => repository_not_found(&key),
            RepositoryTagRefusal::TooMany => too_many(),
        })
    })?;
    Ok(ecr::TagResourceOutput {})
}

/// `UntagResource`.
///
/// # Errors
/// RepositoryNotFoundException.
pub async fn untag_resource(call: Call<ecr::UntagResource>) -> Result<ecr::UntagResourceOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository_of_arn(&call, &input.resource_arn)?;
    let (names, at) = (input.tag_keys.clone(), key.clone());
    let store = call.access().store();
    let untagged = store
        .transact(move |tx| transitions::untag_repository(tx, &at, &names))
        .await;
    untagged.map_err(|error| from_change(error, &key))?;
    Ok(ecr::UntagResourceOutput {})
}

/// `ListTagsForResource`.
///
/// # Errors
/// RepositoryNotFoundException.
pub async fn list_tags_for_resource(
    call: Call<ecr::ListTagsForResource>,
) -> Result<ecr::ListTagsForResourceOutput, ecr::Error> {
    let key = names::repository_of_arn(&call, &call.input().resource_arn)?;
    let tags = call.access().store().read(|state| -> Result<_, ecr::Error> {
        let tags = names::found(state, &key)?.tags.iter();
        let tags = tags.map(|it| ecr::Tag {
            key: it.name.clone(),
            value: it.value.clone().unwrap_or_default(),
        });
        Ok(tags.collect())
    })?;
    Ok(ecr::ListTagsForResourceOutput { tags: Some(tags) })
}
