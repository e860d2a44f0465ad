//! TagResource, UntagResource, ListTagsForResource: of namespaces and services.

use api::servicediscovery::{self as sd, Error};
use domain::Scope;
use domain::cloud_map::{DiscoveryService, Namespace};
use domain::tags::Pair;
use store::{State, Tx};

use super::errors::{from_store, invalid_input};
use super::names;
use crate::call::Call;

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
/// Longest key of a tag.
const KEY_MAX: usize = 128;
/// Longest value of a tag.
const VALUE_MAX: usize = 256;

/// Reads tags of a resource that is made.
///
/// # Errors
/// InvalidInput, TooManyTags.
pub fn read(given: Option<&[sd::Tag]>) -> Result<Vec<Pair>, Error> {
    let mut tags: Vec<Pair> = Vec::new();
    for tag in given.unwrap_or_default() {
        if !(1..=KEY_MAX).contains(&tag.key.chars().count()) || tag.value.chars().count() > VALUE_MAX {
            return Err(invalid_input(format!(
                "Invalid tag {:?}: keys have 1 to {KEY_MAX} characters, values {VALUE_MAX} at most",
                tag.key
            )));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_input("Tag keys cannot begin with aws:"));
        }
        if tags.iter().any(|it| it.name == tag.key) {
            return Err(invalid_input(format!("Duplicate tag key: {}", tag.key)));
        }
        tags.push(Pair::new(tag.key.clone(), tag.value.clone()));
    }
    check_count(&tags, None)?;
    Ok(tags)
}

fn check_count(tags: &[Pair], resource: Option<&str>) -> Result<(), Error> {
    match tags.len() {
        ..=TAGS_MAX => Ok(()),
        _ => Err(Error::TooManyTagsException(sd::TooManyTagsException {
            message: Some(format!("A resource can have at most {TAGS_MAX} tags")),
            resource_name: resource.map(str::to_owned),
        })),
    }
}

/// A record that has tags.
enum Tagged {
    Namespace(Namespace),
    Service(DiscoveryService),
}

impl Tagged {
    fn find(state: &State, scope: &Scope, arn: &str) -> Result<Self, Error> {
        let namespace = names::namespace(state, scope, arn);
        let namespace = namespace.ok().filter(|it| it.arn() == arn);
        let service = names::service(state, scope, arn).ok();
        let service = service.filter(|it| it.arn() == arn);
        match (namespace, service) {
            (Some(it), _) => Ok(Self::Namespace(Namespace::clone(it))),
            (_, Some(it)) => Ok(Self::Service(DiscoveryService::clone(it))),
            (None, None) => Err(Error::ResourceNotFoundException(sd::ResourceNotFoundException {
                message: Some(format!("Resource not found: {arn}")),
            })),
        }
    }

    fn tags(&mut self) -> &mut Vec<Pair> {
        match self {
            Self::Namespace(it) => &mut it.tags,
            Self::Service(it) => &mut it.tags,
        }
    }

    fn put(self, tx: &mut Tx<'_>) {
        match self {
            Self::Namespace(it) => drop(tx.put(it)),
            Self::Service(it) => drop(tx.put(it)),
        }
    }
}

/// `TagResource`: a key that is there gets the new value.
///
/// # Errors
/// ResourceNotFound, InvalidInput, TooManyTags.
pub async fn tag_resource(call: Call<sd::TagResource>) -> Result<sd::TagResourceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let new = read(Some(&input.tags))?;
    let tagged = call.access().store().transact(move |tx| {
        let mut resource = Tagged::find(tx.state(), &scope, &input.resource_arn)?;
        let tags = resource.tags();
        for tag in new {
            match tags.iter_mut().find(|it| it.name == tag.name) {
                Some(known) => *known = tag,
                None => tags.push(tag),
            }
        }
        check_count(tags, Some(&input.resource_arn))?;
        resource.put(tx);
        Ok(())
    });
    tagged.await.map_err(from_store)?;
    Ok(sd::TagResourceOutput {})
}

/// `UntagResource`.
///
/// # Errors
/// ResourceNotFound.
pub async fn untag_resource(call: Call<sd::UntagResource>) -> Result<sd::UntagResourceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let untagged = call.access().store().transact(move |tx| {
        let mut resource = Tagged::find(tx.state(), &scope, &input.resource_arn)?;
        resource.tags().retain(|it| !input.tag_keys.contains(&it.name));
        resource.put(tx);
        Ok(())
    });
    untagged.await.map_err(from_store)?;
    Ok(sd::UntagResourceOutput {})
}

/// `ListTagsForResource`.
///
/// # Errors
/// ResourceNotFound.
pub async fn list_tags_for_resource(
    call: Call<sd::ListTagsForResource>,
) -> Result<sd::ListTagsForResourceOutput, Error> {
    let arn = &call.input().resource_arn;
    let store = call.access().store();
    let mut found = store.read(|state| Tagged::find(state, call.scope(), arn))?;
    let tags = found.tags().iter().map(|it| sd::Tag {
        key: it.name.clone(),
        value: it.value.clone().unwrap_or_default(),
    });
    Ok(sd::ListTagsForResourceOutput {
        tags: Some(tags.collect()),
    })
}
