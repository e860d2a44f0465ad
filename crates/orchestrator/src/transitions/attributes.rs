//! Custom attributes of container instances.

use domain::ContainerInstanceArn;
use domain::container_instance::{CUSTOM_ATTRIBUTES_MAX, ContainerInstance, ContainerInstanceStatus};
use domain::tags::Pair;
use store::Tx;

#[cfg(test)]
mod tests;

/// An attribute and where it belongs.
pub type TargetedAttribute = (ContainerInstanceArn, Pair);

/// Why no attribute is written; then none of the call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeRefusal {
    /// It is not there, or INACTIVE.
    TargetNotFound(ContainerInstanceArn),
    /// It would have more than [`CUSTOM_ATTRIBUTES_MAX`].
    TooMany,
}

/// `PutAttributes`: the value of a name that is there is replaced.
///
/// # Errors
/// See [`AttributeRefusal`].
pub fn put_attributes(
    tx: &mut Tx<'_>,
    given: Vec<TargetedAttribute>,
) -> Result<Vec<TargetedAttribute>, AttributeRefusal> {
    for (target, attribute) in given.clone() {
        let mut instance = find(tx, &target)?;
        match instance
            .attributes
            .iter_mut()
            .find(|it| it.name == attribute.name)
        {
            Some(place) => *place = attribute,
            None => instance.attributes.push(attribute),
        }
        if instance.custom_attributes().count() > CUSTOM_ATTRIBUTES_MAX {
            return Err(AttributeRefusal::TooMany);
        }
        instance.version += 1;
        tx.put(instance);
    }
    Ok(given)
}

/// `DeleteAttributes`: gives those that were there, with their values. One given with a value goes only if it has it.
///
/// # Errors
/// See [`AttributeRefusal`].
pub fn delete_attributes(
    tx: &mut Tx<'_>,
    given: Vec<TargetedAttribute>,
) -> Result<Vec<TargetedAttribute>, AttributeRefusal> {
    let mut deleted = Vec::new();
    for (target, attribute) in given {
        let mut instance = find(tx, &target)?;
        let is_meant = |it: &Pair| {
            it.name == attribute.name && (attribute.value.is_none() || it.value == attribute.value)
        };
        if let Some(place) = instance.attributes.iter().position(is_meant) {
            deleted.push((target, instance.attributes.remove(place)));
            instance.version += 1;
            tx.put(instance);
        }
    }
    Ok(deleted)
}

fn find(tx: &Tx<'_>, arn: &ContainerInstanceArn) -> Result<ContainerInstance, AttributeRefusal> {
    tx.get::<ContainerInstance>(arn)
        .filter(|it| it.status != ContainerInstanceStatus::Inactive)
        .map(|it| (*it).clone())
        .ok_or_else(|| AttributeRefusal::TargetNotFound(arn.clone()))
}
