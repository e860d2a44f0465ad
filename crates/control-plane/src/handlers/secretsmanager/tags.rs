//! Tags of secrets.

use std::collections::BTreeSet;

use api::secretsmanager as sm;
use domain::Scope;
use domain::tags::Pair;
use store::Tx;

use super::errors::{from_store, invalid, validation};
use super::names::require_active;
use crate::call::Call;

/// Most tags of a secret.
const TAGS_MAX: usize = 50;

/// Reads tags, in the order given.
///
/// # Errors
/// InvalidParameterException, ValidationException.
pub fn parse(given: &[sm::Tag]) -> Result<Vec<Pair>, sm::Error> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::with_capacity(given.len());
    for tag in given {
        let key = tag.key.as_deref().unwrap_or_default();
        let value = tag.value.as_deref().unwrap_or_default();
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(validation(format!(
                "Tag {key:?} is not valid: keys have 1 to 128 characters, values up to 256."
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys beginning with aws: are reserved for AWS use."));
        }
        if !seen.insert(key) {
            return Err(invalid(format!("Duplicate tag key: {key}.")));
        }
        tags.push(Pair::new(key, value));
    }
    check_count(tags.len())?;
    Ok(tags)
}

fn check_count(count: usize) -> Result<(), sm::Error> {
    if count <= TAGS_MAX {
        return Ok(());
    }
    Err(invalid(format!(
        "A secret can have a maximum of {TAGS_MAX} tags."
    )))
}

/// Tags as they are answered.
pub fn rendered(tags: &[Pair]) -> Vec<sm::Tag> {
    let tag = |it: &Pair| sm::Tag {
        key: Some(it.name.clone()),
        value: it.value.clone(),
    };
    tags.iter().map(tag).collect()
}

/// `TagResource`: a tag of the same key is replaced.
///
/// # Errors
/// ResourceNotFoundException, InvalidParameterException, InvalidRequestException.
pub async fn tag_resource(call: Call<sm::TagResource>) -> Result<sm::TagResourceOutput, sm::Error> {
    let added = parse(&call.input().tags)?;
    let (scope, id) = (call.scope().clone(), call.input().secret_id.clone());
    let add = move |tags: &mut Vec<Pair>| {
        for tag in added {
            match tags.iter_mut().find(|it| it.name == tag.name) {
                Some(before) => *before = tag,
                None => tags.push(tag),
            }
        }
        check_count(tags.len())
    };
    let changed = call
        .access()
        .store()
        .transact(move |tx| change(tx, &scope, &id, add));
    changed.await.map_err(from_store)?;
    Ok(sm::TagResourceOutput {})
}

/// `UntagResource`.
///
/// # Errors
/// ResourceNotFoundException, InvalidRequestException.
pub async fn untag_resource(call: Call<sm::UntagResource>) -> Result<sm::UntagResourceOutput, sm::Error> {
    let (scope, id) = (call.scope().clone(), call.input().secret_id.clone());
    let keys = call.input().tag_keys.clone();
    let remove = move |tags: &mut Vec<Pair>| {
        tags.retain(|it| !keys.contains(&it.name));
        Ok(())
    };
    let changed = call
        .access()
        .store()
        .transact(move |tx| change(tx, &scope, &id, remove));
    changed.await.map_err(from_store)?;
    Ok(sm::UntagResourceOutput {})
}

fn change(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    change: impl FnOnce(&mut Vec<Pair>) -> Result<(), sm::Error>,
) -> Result<(), sm::Error> {
    let mut secret = require_active(tx.state(), scope, id)?.clone();
    change(&mut secret.tags)?;
    tx.put(secret);
    Ok(())
}
