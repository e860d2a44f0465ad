//! Tags of all kinds of resources: given when one is created, put and taken later, listed.

use api::ec2;
use domain::Scope;
use domain::tags::Pair;
use store::{StoreError, TransactError, Tx};

use super::{check_dry_run, from_store, invalid_value, missing, refusal};
use crate::call::Call;

mod describing;
mod kinds;
mod shapes;

pub use describing::describe_tags;
use kinds::KINDS;

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
/// Most resources of a call: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
const RESOURCES_MAX: usize = 1000;
/// Most letters of a key.
const KEY_MAX: usize = 128;
/// Most letters of a value.
const VALUE_MAX: usize = 256;
/// What keys of Amazon's own tags begin with.
const RESERVED: &str = "aws:";

/// A shape that shows tags, or a kind of resource that has none: filters on tags look at them.
pub trait Tagged {
    /// Whether the kind has tags.
    const HAS_TAGS: bool = true;

    /// Those of this resource.
    fn tags(&self) -> &[ec2::Tag];
}

/// `TagSpecifications` of an operation that creates one kind of resource.
///
/// # Errors
/// InvalidParameterValue for another kind and for tags that may not be, TagLimitExceeded.
pub fn of_new(
    given: Option<&Vec<ec2::TagSpecification>>,
    kind: &ec2::ResourceType,
) -> Result<Vec<Pair>, ec2::Error> {
    let mut tags = Vec::new();
    for specification in given.into_iter().flatten() {
        match &specification.resource_type {
            Some(it) if it == kind => {}
            Some(it) => {
                return Err(invalid_value(format!(
                    "'{}' is not a valid taggable resource type for this operation.",
                    it.as_str()
                )));
            }
            None => return Err(invalid_value("Tag specification resource type must have a value")),
        }
        match specification.tags.as_deref() {
            Some(given) if !given.is_empty() => tags.extend(parse(given)?),
            _ => return Err(invalid_value("Tag specification must have at least one tag")),
        }
    }
    check_keys(&tags)?;
    check_count(&tags)?;
    Ok(tags)
}

/// No key may be given twice.
fn check_keys(tags: &[Pair]) -> Result<(), ec2::Error> {
    let mut keys: Vec<&str> = tags.iter().map(|it| it.name.as_str()).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|it| it[0] == it[1]) {
        Some(twice) => Err(invalid_value(format!(
            "Duplicate tag key '{}' specified.",
            twice[0]
        ))),
        None => Ok(()),
    }
}

fn parse(given: &[ec2::Tag]) -> Result<Vec<Pair>, ec2::Error> {
    let one = |it: &ec2::Tag| {
        let key = it.key.as_deref().unwrap_or_default();
        let value = it.value.as_deref().unwrap_or_default();
        if key.is_empty() {
            return Err(invalid_value("Tag key cannot be null or empty"));
        }
        if key.starts_with(RESERVED) {
            return Err(invalid_value(
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if key.chars().count() > KEY_MAX {
            return Err(invalid_value(format!(
                "Tag key exceeds the maximum length of {KEY_MAX} characters"
            )));
        }
        if value.chars().count() > VALUE_MAX {
            return Err(invalid_value(format!(
                "Tag value exceeds the maximum length of {VALUE_MAX} characters"
            )));
        }
        Ok(Pair::new(key, value))
    };
    given.iter().map(one).collect()
}

fn check_count(tags: &[Pair]) -> Result<(), ec2::Error> {
    let own = tags.iter().filter(|it| !it.name.starts_with(RESERVED));
    if own.count() > TAGS_MAX {
        return Err(refusal(
            "TagLimitExceeded",
            "The maximum number of Tags for a resource has been reached.",
        ));
    }
    Ok(())
}

/// Tags as shapes show them.
pub fn render(tags: &[Pair]) -> Option<Vec<ec2::Tag>> {
    let tags = tags.iter().map(|it| ec2::Tag {
        key: Some(it.name.clone()),
        value: Some(it.value.clone().unwrap_or_default()),
    });
    Some(tags.collect())
}

/// What is done to the tags of a resource.
enum Change<'a> {
    Put(&'a [Pair]),
    /// Those of a key, or of key and value; all of the user without any.
    Take(&'a [ec2::Tag]),
}

impl Change<'_> {
    fn apply(&self, tags: &mut Vec<Pair>) -> Result<(), ec2::Error> {
        match self {
            Self::Put(new) => {
                for pair in *new {
                    match tags.iter_mut().find(|it| it.name == pair.name) {
                        Some(there) => there.value.clone_from(&pair.value),
                        None => tags.push(pair.clone()),
                    }
                }
                check_count(tags)
            }
            Self::Take([]) => {
                tags.retain(|it| it.name.starts_with(RESERVED));
                Ok(())
            }
            Self::Take(old) => {
                let is_meant = |tag: &Pair, it: &ec2::Tag| {
                    it.key.as_ref() == Some(&tag.name) && it.value.is_none() || is_equal(tag, it)
                };
                tags.retain(|tag| !old.iter().any(|it| is_meant(tag, it)));
                Ok(())
            }
        }
    }
}

fn is_equal(tag: &Pair, other: &ec2::Tag) -> bool {
    other.key.as_ref() == Some(&tag.name) && other.value == tag.value
}

fn change_all(tx: &mut Tx<'_>, scope: &Scope, ids: &[String], change: &Change<'_>) -> Result<(), ec2::Error> {
    for id in ids {
        let kind = KINDS.iter().find(|it| id.starts_with(it.prefix));
        let kind = kind.ok_or_else(|| refusal("InvalidID", format!("The ID '{id}' is not valid")))?;
        (kind.change)(tx, scope, id, change)?;
    }
    Ok(())
}

/// `CreateTags`: a tag that is there gets the new value.
///
/// # Errors
/// InvalidID, the NotFound of the kind of resource, InvalidParameterValue, TagLimitExceeded, ResourceCountExceeded,
/// MissingParameter, DryRunOperation.
pub async fn create_tags(call: Call<ec2::CreateTags>) -> Result<ec2::CreateTagsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_ids(&input.resources)?;
    if input.tags.is_empty() {
        return Err(missing("tagSet"));
    }
    let tags = parse(&input.tags)?;
    check_keys(&tags)?;
    check_dry_run(input.dry_run)?;
    let count = input.resources.len();
    let done = call
        .access()
        .store()
        .transact(move |tx| change_all(tx, &scope, &input.resources, &Change::Put(&tags)));
    changed(done.await, count)?;
    Ok(ec2::CreateTagsOutput {})
}

/// `DeleteTags`: what is not there does not matter.
///
/// # Errors
/// InvalidID, the NotFound of the kind of resource, InvalidParameterValue, ResourceCountExceeded, MissingParameter,
/// DryRunOperation.
pub async fn delete_tags(call: Call<ec2::DeleteTags>) -> Result<ec2::DeleteTagsOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_ids(&input.resources)?;
    let tags = input.tags.unwrap_or_default();
    if tags
        .iter()
        .any(|it| it.key.as_ref().is_some_and(|it| it.starts_with(RESERVED)))
    {
        return Err(invalid_value(
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    check_dry_run(input.dry_run)?;
    let count = input.resources.len();
    let done = call
        .access()
        .store()
        .transact(move |tx| change_all(tx, &scope, &input.resources, &Change::Take(&tags)));
    changed(done.await, count)?;
    Ok(ec2::DeleteTagsOutput {})
}

fn check_ids(ids: &[String]) -> Result<(), ec2::Error> {
    if ids.is_empty() {
        return Err(missing("resourceIdSet"));
    }
    if ids.len() > RESOURCES_MAX {
        return Err(too_many(ids.len()));
    }
    Ok(())
}

/// As Amazon says it: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn too_many(resources: usize) -> ec2::Error {
    refusal(
        "ResourceCountExceeded",
        format!(
            "You have exceeded the number of resources allowed for this request: {resources}, of at most \
             {RESOURCES_MAX}, fewer if they are large. Break up the request into smaller ones."
        ),
    )
}

/// What the end of a transaction over so many resources becomes. All of them change, or none.
fn changed(done: Result<(), TransactError<ec2::Error>>, resources: usize) -> Result<(), ec2::Error> {
    done.map_err(|error| match error {
        TransactError::Unavailable(StoreError::TooLarge { .. }) => too_many(resources),
        other => from_store(other),
    })
}

#[cfg(test)]
mod tests;
