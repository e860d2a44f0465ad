//! PutAttributes, DeleteAttributes and ListAttributes.

use api::ecs;
use domain::ClusterArn;
use domain::container_instance::{
    CUSTOM_ATTRIBUTES_MAX, ContainerInstance, ContainerInstanceStatus, is_built_in_attribute,
};
use domain::tags::Pair;
use orchestrator::transitions::{self, AttributeRefusal, TargetedAttribute};

use super::clusters::require_active;
use super::errors::{self, FromRefusal, invalid_parameter};
use super::{listing, names};
use crate::call::Call;

#[cfg(test)]
mod tests;

/// Most attributes of one call.
const ATTRIBUTES_MAX: usize = 10;
/// Longest name, and longest value.
const LENGTH_MAX: usize = 128;
/// The only kind of target.
const TARGET_TYPE: &str = "container-instance";

impl FromRefusal<AttributeRefusal> for ecs::Error {
    fn from_refusal(refusal: AttributeRefusal) -> Self {
        match refusal {
            AttributeRefusal::TargetNotFound(arn) => {
                Self::TargetNotFoundException(ecs::TargetNotFoundException {
                    message: Some(format!("The specified target was not found: {arn}.")),
                })
            }
            AttributeRefusal::TooMany => {
                let message = format!(
                    "You can apply up to {CUSTOM_ATTRIBUTES_MAX} custom attributes for each resource."
                );
                Self::AttributeLimitExceededException(ecs::AttributeLimitExceededException {
                    message: Some(message),
                })
            }
        }
    }
}

/// `PutAttributes`: all of them or none.
///
/// # Errors
/// ClusterNotFoundException, TargetNotFoundException, AttributeLimitExceededException; InvalidParameterException for
/// names and values that cannot be.
pub async fn put_attributes(call: Call<ecs::PutAttributes>) -> Result<ecs::PutAttributesOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let given = parse(&cluster, &input.attributes)?;
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let put = store
        .transact(move |tx| transitions::put_attributes(tx, given))
        .await;
    let put = put.map_err(errors::from_store)?;
    Ok(ecs::PutAttributesOutput {
        attributes: Some(put.iter().map(render).collect()),
    })
}

/// `DeleteAttributes`: gives those that were there.
///
/// # Errors
/// As PutAttributes.
pub async fn delete_attributes(
    call: Call<ecs::DeleteAttributes>,
) -> Result<ecs::DeleteAttributesOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let given = parse(&cluster, &input.attributes)?;
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let deleted = store
        .transact(move |tx| transitions::delete_attributes(tx, given))
        .await;
    let deleted = deleted.map_err(errors::from_store)?;
    Ok(ecs::DeleteAttributesOutput {
        attributes: Some(deleted.iter().map(render).collect()),
    })
}

/// `ListAttributes`: of every instance that is not INACTIVE, built-in ones too.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for another target type, a value without name, a bad token or
/// page size.
pub async fn list_attributes(
    call: Call<ecs::ListAttributes>,
) -> Result<ecs::ListAttributesOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    require_target_type(Some(&input.target_type))?;
    let (name, value) = (input.attribute_name.as_deref(), input.attribute_value.as_deref());
    if value.is_some() && name.is_none() {
        return Err(invalid_parameter(
            "attributeName must be specified to filter by attributeValue.",
        ));
    }
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing_name = format!("attributes {cluster} {name:?} {value:?}");
    let matches = |it: &Pair| {
        name.is_none_or(|name| it.name == name)
            && value.is_none_or(|value| it.value.as_deref() == Some(value))
    };
    let key = call.access().page_key();
    let (attributes, next_token) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let instances = state
            .container_instances_of_cluster(&cluster)
            .filter(|it| it.status != ContainerInstanceStatus::Inactive);
        let items = instances.flat_map(|instance| sorted(instance).filter(|(_, it)| matches(&it.1)));
        let items = items.map(|(place, it)| (place, render(&it)));
        listing::list(key, listing::HUNDRED, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListAttributesOutput {
        attributes: Some(attributes),
        next_token,
    })
}

/// By name, each with its place in the listing.
fn sorted(instance: &ContainerInstance) -> impl Iterator<Item = (String, TargetedAttribute)> + use<> {
    let arn = instance.arn.clone();
    let mut attributes = instance.attributes.clone();
    attributes.sort();
    attributes
        .into_iter()
        .map(move |it| (format!("{arn} {}", it.name), (arn.clone(), it)))
}

fn require_target_type(given: Option<&ecs::TargetType>) -> Result<(), ecs::Error> {
    match given.map(ecs::TargetType::as_str) {
        None | Some(TARGET_TYPE) => Ok(()),
        Some(other) => Err(invalid_parameter(format!(
            "Invalid targetType: {other:?}; it must be {TARGET_TYPE}."
        ))),
    }
}

/// Attributes of a request that writes.
fn parse(cluster: &ClusterArn, given: &[ecs::Attribute]) -> Result<Vec<TargetedAttribute>, ecs::Error> {
    if given.is_empty() || given.len() > ATTRIBUTES_MAX {
        return Err(invalid_parameter(format!(
            "attributes must have 1 to {ATTRIBUTES_MAX} items."
        )));
    }
    given.iter().map(|it| parse_one(cluster, it)).collect()
}

fn parse_one(cluster: &ClusterArn, given: &ecs::Attribute) -> Result<TargetedAttribute, ecs::Error> {
    let name = given.name.as_str();
    let is_letter = |it: char, more: &str| it.is_ascii_alphanumeric() || more.contains(it);
    let is_name = (1..=LENGTH_MAX).contains(&name.len()) && name.chars().all(|it| is_letter(it, "-_/\\."));
    if !is_name {
        return Err(invalid_parameter(format!(
            "Invalid attribute name: 1 to {LENGTH_MAX} letters, numbers, '-', '_', '/', '\\' and '.', not {name:?}."
        )));
    }
    if is_built_in_attribute(name) {
        return Err(invalid_parameter(format!(
            "Invalid attribute name: {name} is a built-in attribute, which cannot be written."
        )));
    }
    let is_value = |it: &str| {
        (1..=LENGTH_MAX).contains(&it.len())
            && it.chars().all(|it| is_letter(it, "-_.@/\\: "))
            && it.trim() == it
    };
    if let Some(value) = given.value.as_deref().filter(|it| !is_value(it)) {
        return Err(invalid_parameter(format!(
            "Invalid attribute value: 1 to {LENGTH_MAX} letters, numbers, '-', '_', '.', '@', '/', '\\', ':' and inner \
             spaces, not {value:?}."
        )));
    }
    require_target_type(given.target_type.as_ref())?;
    let target = given.target_id.as_deref().unwrap_or_default();
    if target.is_empty() {
        return Err(invalid_parameter("targetId of an attribute cannot be empty."));
    }
    if given.target_type.is_none() && !target.contains(':') {
        return Err(invalid_parameter(
            "targetType of an attribute must be specified if targetId is no ARN.",
        ));
    }
    let attribute = Pair {
        name: name.to_owned(),
        value: given.value.clone(),
    };
    Ok((names::container_instance(cluster, target)?, attribute))
}

fn render((target, it): &TargetedAttribute) -> ecs::Attribute {
    ecs::Attribute {
        name: it.name.clone(),
        value: it.value.clone(),
        target_id: Some(target.to_string()),
        ..ecs::Attribute::default()
    }
}
