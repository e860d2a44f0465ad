//! AddTags, RemoveTags, DescribeTags: of load balancers, listeners, rules and target groups.

use api::elbv2::{self, Error};
use domain::Scope;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::tags::Pair;
use domain::target_group::TargetGroup;
use store::{State, Tx};

use super::errors::{from_store, too_many_tags, validation};
use super::{names, render};
use crate::call::Call;

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
/// Longest key of a tag.
const KEY_MAX: usize = 128;
/// Longest value of a tag.
const VALUE_MAX: usize = 256;
/// Most resources of one call.
const RESOURCES_MAX: usize = 20;

/// Reads the tags of a new resource, or those to add.
///
/// # Errors
/// DuplicateTagKeys, TooManyTags, ValidationError.
pub fn read(given: Option<Vec<elbv2::Tag>>) -> Result<Vec<Pair>, Error> {
    let mut tags: Vec<Pair> = Vec::new();
    for elbv2::Tag { key, value } in given.unwrap_or_default() {
        let length = key.chars().count();
        if !(1..=KEY_MAX).contains(&length) {
            return Err(validation(format!(
                "The tag key '{key}' must have 1 to {KEY_MAX} characters"
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(validation(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if value.as_ref().is_some_and(|it| it.chars().count() > VALUE_MAX) {
            return Err(validation(format!(
                "The value of the tag '{key}' must have at most {VALUE_MAX} characters"
            )));
        }
        if tags.iter().any(|it| it.name == key) {
            return Err(Error::DuplicateTagKeysException(
                elbv2::DuplicateTagKeysException {
                    message: Some(format!("Tag key '{key}' was specified more than once")),
                },
            ));
        }
        tags.push(Pair {
            name: key,
            value: Some(value.unwrap_or_default()),
        });
    }
    match tags.len() {
        ..=TAGS_MAX => Ok(tags),
        _ => Err(too_many_tags()),
    }
}

/// A record that has tags.
enum Tagged {
    LoadBalancer(LoadBalancer),
    Listener(Listener),
    Rule(ListenerRule),
    TargetGroup(TargetGroup),
}

impl Tagged {
    fn find(state: &State, scope: &Scope, arn: &str) -> Result<Self, Error> {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        match resource.split('/').next().unwrap_or_default() {
            "loadbalancer" => {
                names::load_balancer(state, scope, arn).map(|it| Self::LoadBalancer(LoadBalancer::clone(&it)))
            }
            "listener" => names::listener(state, scope, arn).map(|it| Self::Listener(Listener::clone(&it))),
            "listener-rule" => names::rule(state, scope, arn).map(|it| Self::Rule(ListenerRule::clone(&it))),
            "targetgroup" => {
                names::target_group(state, scope, arn).map(|it| Self::TargetGroup(TargetGroup::clone(&it)))
            }
            _ => Err(validation(format!("'{arn}' is not a valid resource ARN"))),
        }
    }

    fn tags(&mut self) -> &mut Vec<Pair> {
        match self {
            Self::LoadBalancer(it) => &mut it.tags,
            Self::Listener(it) => &mut it.tags,
            Self::Rule(it) => &mut it.tags,
            Self::TargetGroup(it) => &mut it.tags,
        }
    }

    fn put(self, tx: &mut Tx<'_>) {
        match self {
            Self::LoadBalancer(it) => drop(tx.put(it)),
            Self::Listener(it) => drop(tx.put(it)),
            Self::Rule(it) => drop(tx.put(it)),
            Self::TargetGroup(it) => drop(tx.put(it)),
        }
    }
}

fn check_count(arns: &[String]) -> Result<(), Error> {
    match arns.len() {
        1..=RESOURCES_MAX => Ok(()),
        _ => Err(validation(format!(
            "1 to {RESOURCES_MAX} resource ARNs must be specified"
        ))),
    }
}

/// `AddTags`: values of keys that are there are replaced.
///
/// # Errors
/// Those of [`read`]; the resource is not found.
pub async fn add_tags(call: Call<elbv2::AddTags>) -> Result<elbv2::AddTagsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_count(&input.resource_arns)?;
    let added = read(Some(input.tags))?;
    let changed = call.access().store().transact(move |tx| {
        for arn in &input.resource_arns {
            let mut it = Tagged::find(tx.state(), &scope, arn)?;
            let tags = it.tags();
            for tag in &added {
                match tags.iter_mut().find(|it| it.name == tag.name) {
                    Some(place) => *place = tag.clone(),
                    None => tags.push(tag.clone()),
                }
            }
            if tags.len() > TAGS_MAX {
                return Err(too_many_tags());
            }
            it.put(tx);
        }
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elbv2::AddTagsOutput {})
}

/// `RemoveTags`: keys that are not there do not matter.
///
/// # Errors
/// ValidationError; the resource is not found.
pub async fn remove_tags(call: Call<elbv2::RemoveTags>) -> Result<elbv2::RemoveTagsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_count(&input.resource_arns)?;
    let changed = call.access().store().transact(move |tx| {
        for arn in &input.resource_arns {
            let mut it = Tagged::find(tx.state(), &scope, arn)?;
            it.tags().retain(|it| !input.tag_keys.contains(&it.name));
            it.put(tx);
        }
        Ok(())
    });
    changed.await.map_err(from_store)?;
    Ok(elbv2::RemoveTagsOutput {})
}

/// `DescribeTags`.
///
/// # Errors
/// ValidationError; the resource is not found.
pub async fn describe_tags(call: Call<elbv2::DescribeTags>) -> Result<elbv2::DescribeTagsOutput, Error> {
    let (scope, arns) = (call.scope(), &call.input().resource_arns);
    check_count(arns)?;
    let described = call.access().store().read(|state| {
        let all = arns.iter().map(|arn| {
            let mut it = Tagged::find(state, scope, arn)?;
            Ok(elbv2::TagDescription {
                resource_arn: Some(arn.clone()),
                tags: Some(render::tags(it.tags())),
            })
        });
        all.collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(elbv2::DescribeTagsOutput {
        tag_descriptions: Some(described),
    })
}
