//! Tags of roles.

use std::collections::BTreeSet;

use api::iam;
use domain::tags::Pair;

use super::errors::{from_store, limit_exceeded, require, validation};
use super::listing::cut;
use crate::call::Call;

/// Most tags of a role.
const TAGS_MAX: usize = 50;

/// Reads tags, in the order given.
///
/// # Errors
/// ValidationError, InvalidInput, LimitExceeded.
pub fn parse(given: &[iam::Tag]) -> Result<Vec<Pair>, iam::Error> {
    let mut seen = BTreeSet::new();
    for tag in given {
        if !(1..=128).contains(&tag.key.chars().count()) || tag.value.chars().count() > 256 {
            return Err(validation(format!(
                "Tag {:?} is not valid: keys have 1 to 128 characters, values up to 256.",
                tag.key
            )));
        }
        if !seen.insert(tag.key.to_lowercase()) {
            return Err(iam::Error::InvalidInputException(iam::InvalidInputException {
                message: Some(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.".to_owned(),
                ),
            }));
        }
    }
    check_count(given.len())?;
    Ok(given.iter().map(|it| Pair::new(&it.key, &it.value)).collect())
}

fn check_count(count: usize) -> Result<(), iam::Error> {
    if count <= TAGS_MAX {
        return Ok(());
    }
    Err(limit_exceeded(format!(
        "Cannot exceed quota for TagsPerRole: {TAGS_MAX}"
    )))
}

/// Tags as they are answered.
pub fn rendered(tags: &[Pair]) -> Vec<iam::Tag> {
    let tag = |it: &Pair| iam::Tag {
        key: it.name.clone(),
        value: it.value.clone().unwrap_or_default(),
    };
    tags.iter().map(tag).collect()
}

/// `TagRole`: a tag of the same key is replaced.
///
/// # Errors
/// NoSuchEntity, InvalidInput, LimitExceeded.
pub async fn tag_role(call: Call<iam::TagRole>) -> Result<iam::TagRoleOutput, iam::Error> {
    let (account, name) = (call.scope().account.clone(), call.input().role_name.clone());
    let added = parse(&call.input().tags)?;
    let tagged = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &name)?;
        role.tags
            .retain(|it| !added.iter().any(|new| new.name.eq_ignore_ascii_case(&it.name)));
        role.tags.extend(added);
        check_count(role.tags.len())?;
        tx.put(role);
        Ok(())
    });
    tagged.await.map_err(from_store)?;
    Ok(iam::TagRoleOutput {})
}

/// `UntagRole`.
///
/// # Errors
/// NoSuchEntity.
pub async fn untag_role(call: Call<iam::UntagRole>) -> Result<iam::UntagRoleOutput, iam::Error> {
    let (account, input) = (call.scope().account.clone(), call.input().clone());
    let untagged = call.access().store().transact(move |tx| {
        let mut role = require(tx.state(), &account, &input.role_name)?;
        role.tags.retain(|it| !input.tag_keys.contains(&it.name));
        tx.put(role);
        Ok(())
    });
    untagged.await.map_err(from_store)?;
    Ok(iam::UntagRoleOutput {})
}

/// `ListRoleTags`.
///
/// # Errors
/// NoSuchEntity, ValidationError.
pub async fn list_role_tags(call: Call<iam::ListRoleTags>) -> Result<iam::ListRoleTagsOutput, iam::Error> {
    let (account, input) = (&call.scope().account, call.input());
    let role = call
        .access()
        .store()
        .read(|state| require(state, account, &input.role_name))?;
    let mut tags = rendered(&role.tags);
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    let listing = format!("tags of {}", role.name);
    let items = tags.into_iter().map(|it| (it.key.clone(), it));
    let page = cut(
        call.access(),
        &listing,
        input.marker.as_deref(),
        input.max_items,
        items,
    )?;
    Ok(iam::ListRoleTagsOutput {
        is_truncated: page.is_truncated,
        marker: page.marker,
        tags: page.items,
    })
}
