//! AddTags, RemoveTags, DescribeTags.

use api::elb::{self, Error};
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::tags::Pair;

use super::errors::{from_store, validation};
use super::{names, render};
use crate::call::Call;

/// Most tags of a load balancer.
const TAGS_MAX: usize = 50;
/// Longest key of a tag.
const KEY_MAX: usize = 128;
/// Longest value of a tag.
const VALUE_MAX: usize = 256;
/// Most load balancers of one description.
const NAMES_MAX: usize = 20;

fn too_many() -> Error {
    Error::TooManyTagsException(elb::TooManyTagsException {
        message: Some(format!("A load balancer can have at most {TAGS_MAX} tags")),
    })
}

/// Reads the tags of a new load balancer, or those to add.
///
/// # Errors
/// DuplicateTagKeys, TooManyTags, ValidationError.
pub fn read(given: Option<Vec<elb::Tag>>) -> Result<Vec<Pair>, Error> {
    let mut tags: Vec<Pair> = Vec::new();
    for elb::Tag { key, value } in given.unwrap_or_default() {
        if !(1..=KEY_MAX).contains(&key.chars().count()) {
            return Err(validation(format!(
                "The tag key '{key}' must have 1 to {KEY_MAX} characters"
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(validation(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        let value = value.unwrap_or_default();
        if value.chars().count() > VALUE_MAX {
            return Err(validation(format!(
                "The value of the tag '{key}' must have at most {VALUE_MAX} characters"
            )));
        }
        if tags.iter().any(|it| it.name == key) {
            return Err(Error::DuplicateTagKeysException(elb::DuplicateTagKeysException {
                message: Some(format!("Tag key '{key}' was specified more than once")),
            }));
        }
        tags.push(Pair {
            name: key,
            value: Some(value),
        });
    }
    match tags.len() {
        ..=TAGS_MAX => Ok(tags),
        _ => Err(too_many()),
    }
}

fn only(names: &[String]) -> Result<String, Error> {
    match names {
        [name] => Ok(name.clone()),
        _ => Err(validation("Exactly one load balancer must be specified")),
    }
}

/// `AddTags`: values of keys that are there are replaced.
///
/// # Errors
/// LoadBalancerNotFound and those of [`read`].
pub async fn add_tags(call: Call<elb::AddTags>) -> Result<elb::AddTagsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = only(&input.load_balancer_names)?;
    let added = read(Some(input.tags))?;
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        for tag in added {
            match it.tags.iter_mut().find(|it| it.name == tag.name) {
                Some(place) => *place = tag,
                None => it.tags.push(tag),
            }
        }
        if it.tags.len() > TAGS_MAX {
            return Err(too_many());
        }
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::AddTagsOutput {})
}

/// `RemoveTags`: keys that are not there do not matter.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn remove_tags(call: Call<elb::RemoveTags>) -> Result<elb::RemoveTagsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = only(&input.load_balancer_names)?;
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        let is_removed = |tag: &Pair| input.tags.iter().any(|it| it.key.as_ref() == Some(&tag.name));
        it.tags.retain(|it| !is_removed(it));
        tx.put(it);
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elb::RemoveTagsOutput {})
}

/// `DescribeTags`.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_tags(call: Call<elb::DescribeTags>) -> Result<elb::DescribeTagsOutput, Error> {
    let (scope, wanted) = (call.scope(), &call.input().load_balancer_names);
    if !(1..=NAMES_MAX).contains(&wanted.len()) {
        return Err(validation(format!(
            "1 to {NAMES_MAX} load balancers must be specified"
        )));
    }
    let described = call.access().store().read(|state| {
        let described = wanted.iter().map(|name| {
            let it = names::load_balancer(state, scope, name)?;
            Ok(elb::TagDescription {
                load_balancer_name: Some(name.clone()),
                tags: Some(render::tags(&it.tags)),
            })
        });
        described.collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(elb::DescribeTagsOutput {
        tag_descriptions: Some(described),
    })
}
