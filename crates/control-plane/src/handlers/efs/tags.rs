//! Tags of file systems and access points.

use std::collections::BTreeSet;

use api::efs::{self, Error};
use domain::Scope;
use domain::tags::Pair;
use store::{State, Tx};

use super::errors::{bad_request, constraint, from_store};
use super::listing::{Wanted, cut};
use super::names;
use crate::call::Call;

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
/// Longest key and value, in characters.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;
/// Key of the tag that is a resource's name.
const NAME: &str = "Name";

/// Reads tags, in the order given.
///
/// # Errors
/// BadRequest, ValidationException.
pub fn parse(given: &[efs::Tag]) -> Result<Vec<Pair>, Error> {
    let mut seen = BTreeSet::new();
    for tag in given {
        let length = tag.key.chars().count();
        if length == 0 || length > KEY_MAX {
            let rule = format!("Member must have length between 1 and {KEY_MAX}");
            return Err(constraint(&tag.key, "tags.1.member.key", &rule));
        }
        if tag.value.chars().count() > VALUE_MAX {
            let rule = format!("Member must have length less than or equal to {VALUE_MAX}");
            return Err(constraint(&tag.value, "tags.1.member.value", &rule));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(bad_request("Tag keys that start with 'aws:' are reserved."));
        }
        if !seen.insert(&tag.key) {
            return Err(bad_request(format!("Duplicate tag key: {}.", tag.key)));
        }
    }
    check_count(given.len())?;
    Ok(given.iter().map(|it| Pair::new(&it.key, &it.value)).collect())
}

fn check_count(count: usize) -> Result<(), Error> {
    match count <= TAGS_MAX {
        true => Ok(()),
        false => Err(bad_request(format!(
            "A resource can have at most {TAGS_MAX} tags."
        ))),
    }
}

/// Tags as they are answered.
pub fn rendered(tags: &[Pair]) -> Vec<efs::Tag> {
    tags.iter()
        .map(|it| efs::Tag {
            key: it.name.clone(),
            value: it.value.clone().unwrap_or_default(),
        })
        .collect()
}

/// The name that a resource's tags give it.
pub fn name(tags: &[Pair]) -> Option<String> {
    tags.iter().find(|it| it.name == NAME)?.value.clone()
}

/// Something that has tags.
fn tags_of(state: &State, scope: &Scope, given: &str) -> Result<Vec<Pair>, Error> {
    match is_access_point(given) {
        true => names::access_point(state, scope, given).map(|it| it.tags),
        false => names::file_system(state, scope, given).map(|it| it.tags),
    }
}

fn is_access_point(given: &str) -> bool {
    given.starts_with("fsap-") || given.contains(":access-point/")
}

fn change(
    tx: &mut Tx<'_>,
    scope: &Scope,
    given: &str,
    apply: impl FnOnce(&mut Vec<Pair>) -> Result<(), Error>,
) -> Result<(), Error> {
    if is_access_point(given) {
        let mut point = names::access_point(tx.state(), scope, given)?;
        apply(&mut point.tags)?;
        tx.put(point);
        return Ok(());
    }
    let mut file_system = names::file_system(tx.state(), scope, given)?;
    apply(&mut file_system.tags)?;
    tx.put(file_system);
    Ok(())
}

/// `TagResource`: a tag of the same key is replaced.
///
/// # Errors
/// BadRequest, ValidationException, FileSystemNotFound, AccessPointNotFound.
pub async fn tag_resource(call: Call<efs::TagResource>) -> Result<efs::TagResourceOutput, Error> {
    let (scope, id) = (call.scope().clone(), call.input().resource_id.clone());
    let added = parse(&call.input().tags)?;
    let tagged = call.access().store().transact(move |tx| {
        change(tx, &scope, &id, |tags| {
            for tag in added {
                match tags.iter_mut().find(|it| it.name == tag.name) {
                    Some(before) => *before = tag,
                    None => tags.push(tag),
                }
            }
            check_count(tags.len())
        })
    });
    tagged.await.map_err(from_store)?;
    Ok(efs::TagResourceOutput {})
}

/// `UntagResource`: keys that are not there are no error.
///
/// # Errors
/// BadRequest, FileSystemNotFound, AccessPointNotFound.
pub async fn untag_resource(call: Call<efs::UntagResource>) -> Result<efs::UntagResourceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let untagged = call.access().store().transact(move |tx| {
        change(tx, &scope, &input.resource_id, |tags| {
            tags.retain(|it| !input.tag_keys.contains(&it.name));
            Ok(())
        })
    });
    untagged.await.map_err(from_store)?;
    Ok(efs::UntagResourceOutput {})
}

/// `ListTagsForResource`.
///
/// # Errors
/// BadRequest, FileSystemNotFound, AccessPointNotFound.
pub async fn list_tags_for_resource(
    call: Call<efs::ListTagsForResource>,
) -> Result<efs::ListTagsForResourceOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let tags = call
        .access()
        .store()
        .read(|state| tags_of(state, scope, &input.resource_id))?;
    let mut tags: Vec<_> = tags.iter().map(|it| (it.name.clone(), it.clone())).collect();
    tags.sort();
    let wanted = Wanted {
        listing: &format!("tags of {}", input.resource_id),
        member: "maxResults",
        most: input.max_results,
        token: input.next_token.as_deref(),
    };
    let (tags, next_token) = cut(call.access(), &wanted, tags)?;
    Ok(efs::ListTagsForResourceOutput {
        tags: Some(rendered(&tags)),
        next_token,
    })
}
