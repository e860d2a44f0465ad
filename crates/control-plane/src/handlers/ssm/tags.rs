//! Tags of parameters.

use std::collections::BTreeSet;

use api::ssm;
use domain::Scope;
use domain::tags::Pair;
use store::Tx;

use super::errors::{constraint, from_store, validation};
use super::names::Reference;
use crate::call::Call;

/// Most tags of a parameter.
const TAGS_MAX: usize = 50;

/// Reads tags, in the order given.
///
/// # Errors
/// ValidationException, TooManyTagsError.
pub fn parse(given: &[ssm::Tag]) -> Result<Vec<Pair>, ssm::Error> {
    let mut seen = BTreeSet::new();
    for tag in given {
        if tag.key.is_empty() || tag.key.chars().count() > 128 {
            return Err(constraint(
                &tag.key,
                "tags.1.member.key",
                "Member must have length between 1 and 128",
            ));
        }
        if tag.value.chars().count() > 256 {
            return Err(constraint(
                &tag.value,
                "tags.1.member.value",
                "Member must have length less than or equal to 256",
            ));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(validation(
                "Tag keys starting with 'aws:' are reserved for system use.",
            ));
        }
        if !seen.insert(&tag.key) {
            return Err(validation(format!("Duplicate tag keys found: {}.", tag.key)));
        }
    }
    check_count(given.len())?;
    Ok(given.iter().map(|it| Pair::new(&it.key, &it.value)).collect())
}

fn check_count(count: usize) -> Result<(), ssm::Error> {
    if count <= TAGS_MAX {
        return Ok(());
    }
    Err(ssm::Error::TooManyTagsError(ssm::TooManyTagsError {
        message: Some(format!("A parameter can have a maximum of {TAGS_MAX} tags.")),
    }))
}

/// `AddTagsToResource` of a parameter: a tag of the same key is replaced.
///
/// # Errors
/// InvalidResourceType, InvalidResourceId, TooManyTagsError.
pub async fn add_tags_to_resource(
    call: Call<ssm::AddTagsToResource>,
) -> Result<ssm::AddTagsToResourceOutput, ssm::Error> {
    let input = call.input();
    check_type(&input.resource_type)?;
    let added = parse(&input.tags)?;
    let (scope, id) = (call.scope().clone(), input.resource_id.clone());
    let change = move |tx: &mut Tx<'_>| {
        change(tx, &scope, &id, |tags| {
            for tag in added {
                match tags.iter_mut().find(|it| it.name == tag.name) {
                    Some(before) => *before = tag,
                    None => tags.push(tag),
                }
            }
            check_count(tags.len())
        })
    };
    let changed = call.access().store().transact(change).await;
    changed.map_err(from_store)?;
    Ok(ssm::AddTagsToResourceOutput {})
}

/// `RemoveTagsFromResource` of a parameter.
///
/// # Errors
/// InvalidResourceType, InvalidResourceId.
pub async fn remove_tags_from_resource(
    call: Call<ssm::RemoveTagsFromResource>,
) -> Result<ssm::RemoveTagsFromResourceOutput, ssm::Error> {
    let input = call.input();
    check_type(&input.resource_type)?;
    let (scope, id, keys) = (
        call.scope().clone(),
        input.resource_id.clone(),
        input.tag_keys.clone(),
    );
    let change = move |tx: &mut Tx<'_>| {
        change(tx, &scope, &id, |tags| {
            tags.retain(|it| !keys.contains(&it.name));
            Ok(())
        })
    };
    let changed = call.access().store().transact(change).await;
    changed.map_err(from_store)?;
    Ok(ssm::RemoveTagsFromResourceOutput {})
}

/// `ListTagsForResource` of a parameter.
///
/// # Errors
/// InvalidResourceType, InvalidResourceId.
pub async fn list_tags_for_resource(
    call: Call<ssm::ListTagsForResource>,
) -> Result<ssm::ListTagsForResourceOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_type(&input.resource_type)?;
    let id = &input.resource_id;
    let reference = Reference::parse(scope, id).map_err(|_| invalid_id(id))?;
    let tags = call
        .access()
        .store()
        .read(|state| Some(reference.find(state, scope)?.tags.clone()));
    let tags = tags.ok_or_else(|| invalid_id(id))?;
    let rendered = tags.into_iter().map(|it| ssm::Tag {
        key: it.name,
        value: it.value.unwrap_or_default(),
    });
    Ok(ssm::ListTagsForResourceOutput {
        tag_list: Some(rendered.collect()),
    })
}

fn change(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    change: impl FnOnce(&mut Vec<Pair>) -> Result<(), ssm::Error>,
) -> Result<(), ssm::Error> {
    let reference = Reference::parse(scope, id).map_err(|_| invalid_id(id))?;
    let found = reference.find(tx.state(), scope).cloned();
    let mut parameter = found.ok_or_else(|| invalid_id(id))?;
    change(&mut parameter.tags)?;
    tx.put(parameter);
    Ok(())
}

/// Nothing else of Systems Manager is here.
fn check_type(given: &ssm::ResourceTypeForTagging) -> Result<(), ssm::Error> {
    if *given == ssm::ResourceTypeForTagging::Parameter {
        return Ok(());
    }
    Err(ssm::Error::InvalidResourceType(ssm::InvalidResourceType {
        message: Some(format!(
            "The resource type is not valid: {} is not supported by Gantry, only Parameter is.",
            given.as_str()
        )),
    }))
}

fn invalid_id(id: &str) -> ssm::Error {
    ssm::Error::InvalidResourceId(ssm::InvalidResourceId {
        message: Some(format!(
            "The resource ID is not valid: there is no parameter {id}."
        )),
    })
}
