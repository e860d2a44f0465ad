//! Tags of certificates, by the operations that name a certificate and by those that name a resource.

use std::collections::BTreeSet;

use api::acm::{self, Error};
use domain::Scope;
use domain::certificate::Certificate;
use domain::tags::Pair;
use wire::Operation;

use super::errors::{self, from_store, invalid_tag, too_many_tags};
use super::names;
use crate::call::Call;

/// Most tags of a certificate.
const TAGS_MAX: usize = 50;

/// Reads tags, in the order given.
///
/// # Errors
/// InvalidTagException, TooManyTagsException.
pub fn read(given: &[acm::Tag]) -> Result<Vec<Pair>, Error> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::with_capacity(given.len());
    for tag in given {
        let value = tag.value.as_deref().unwrap_or_default();
        if !(1..=128).contains(&tag.key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid_tag(format!(
                "Tag {:?} is not valid: keys have 1 to 128 characters, values up to 256.",
                tag.key
            )));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_tag(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if !seen.insert(&tag.key) {
            return Err(invalid_tag(format!("Duplicate tag key: {}.", tag.key)));
        }
        tags.push(Pair {
            name: tag.key.clone(),
            value: tag.value.clone(),
        });
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &[Pair]) -> Result<(), Error> {
    match tags.len() {
        0..=TAGS_MAX => Ok(()),
        _ => Err(too_many_tags()),
    }
}

fn rendered(tags: &[Pair]) -> Vec<acm::Tag> {
    let tag = |it: &Pair| acm::Tag {
        key: it.name.clone(),
        value: it.value.clone(),
    };
    tags.iter().map(tag).collect()
}

/// `AddTagsToCertificate`: a tag of the same key is replaced.
///
/// # Errors
/// ResourceNotFoundException, InvalidTagException, TooManyTagsException, ValidationException.
pub async fn add_tags_to_certificate(
    call: Call<acm::AddTagsToCertificate>,
) -> Result<acm::AddTagsToCertificateOutput, Error> {
    let (arn, added) = (call.input().certificate_arn.clone(), read(&call.input().tags)?);
    change(&call, arn, |tags| add(tags, added)).await?;
    Ok(acm::AddTagsToCertificateOutput {})
}

/// `TagResource`: the same, in the words of its model.
///
/// # Errors
/// ResourceNotFoundException, ServiceQuotaExceededException, ValidationException.
pub async fn tag_resource(call: Call<acm::TagResource>) -> Result<acm::TagResourceOutput, Error> {
    let arn = call.input().resource_arn.clone();
    let added = read(&call.input().tags).map_err(errors::of_resource)?;
    let changed = change(&call, arn, |tags| add(tags, added)).await;
    changed.map_err(errors::of_resource)?;
    Ok(acm::TagResourceOutput {})
}

/// `RemoveTagsFromCertificate`: a tag that is given with a value goes only if it has that value.
///
/// # Errors
/// ResourceNotFoundException, InvalidTagException, ValidationException.
pub async fn remove_tags_from_certificate(
    call: Call<acm::RemoveTagsFromCertificate>,
) -> Result<acm::RemoveTagsFromCertificateOutput, Error> {
    let (arn, removed) = (call.input().certificate_arn.clone(), read(&call.input().tags)?);
    let goes = move |tag: &Pair| {
        removed
            .iter()
            .any(|it| it.name == tag.name && (it.value.is_none() || it.value == tag.value))
    };
    change(&call, arn, move |tags| {
        tags.retain(|it| !goes(it));
        Ok(())
    })
    .await?;
    Ok(acm::RemoveTagsFromCertificateOutput {})
}

/// `UntagResource`: by key alone.
///
/// # Errors
/// ResourceNotFoundException, ValidationException.
pub async fn untag_resource(call: Call<acm::UntagResource>) -> Result<acm::UntagResourceOutput, Error> {
    let (arn, keys) = (call.input().resource_arn.clone(), call.input().tag_keys.clone());
    change(&call, arn, move |tags| {
        tags.retain(|it| !keys.contains(&it.name));
        Ok(())
    })
    .await?;
    Ok(acm::UntagResourceOutput {})
}

/// `ListTagsForCertificate`.
///
/// # Errors
/// ResourceNotFoundException, ValidationException.
pub async fn list_tags_for_certificate(
    call: Call<acm::ListTagsForCertificate>,
) -> Result<acm::ListTagsForCertificateOutput, Error> {
    let tags = of(&call, &call.input().certificate_arn)?;
    Ok(acm::ListTagsForCertificateOutput { tags: Some(tags) })
}

/// `ListTagsForResource`: the same.
///
/// # Errors
/// ResourceNotFoundException, ValidationException.
pub async fn list_tags_for_resource(
    call: Call<acm::ListTagsForResource>,
) -> Result<acm::ListTagsForResourceOutput, Error> {
    let tags = of(&call, &call.input().resource_arn)?;
    Ok(acm::ListTagsForResourceOutput { tags: Some(tags) })
}

fn of<O: Operation>(call: &Call<O>, arn: &str) -> Result<Vec<acm::Tag>, Error> {
    let scope: &Scope = call.scope();
    let store = call.access().store();
    store.read(|state| names::require(state, scope, arn).map(|it| rendered(&it.tags)))
}

fn add(tags: &mut Vec<Pair>, added: Vec<Pair>) -> Result<(), Error> {
    for tag in added {
        match tags.iter_mut().find(|it| it.name == tag.name) {
            Some(before) => *before = tag,
            None => tags.push(tag),
        }
    }
    check_count(tags)
}

async fn change<O: Operation>(
    call: &Call<O>,
    arn: String,
    change: impl FnOnce(&mut Vec<Pair>) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let scope = call.scope().clone();
    let changed = call.access().store().transact(move |tx| {
        let mut certificate = Certificate::clone(names::require(tx.state(), &scope, &arn)?);
        change(&mut certificate.tags)?;
        tx.put(certificate);
        Ok(())
    });
    changed.await.map_err(from_store)
}
