//! TagResource, UntagResource, ListTagsForResource: of applications and deployment groups.

use api::codedeploy::{self, Error};
use domain::Scope;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::deployment_group::DeploymentGroup;
use domain::tags::Pair;
use store::{State, Tx};

use super::errors::{from_store, invalid_arn, invalid_tags};
use super::names;
use crate::call::Call;

/// Most tags of a resource.
const TAGS_MAX: usize = 50;
/// Longest key of a tag.
const KEY_MAX: usize = 128;
/// Longest value of a tag.
const VALUE_MAX: usize = 256;

/// Reads tags, in the order given.
///
/// # Errors
/// InvalidTagsToAdd.
pub fn read(given: Option<&[codedeploy::Tag]>) -> Result<Vec<Pair>, Error> {
    let mut tags: Vec<Pair> = Vec::new();
    for tag in given.unwrap_or_default() {
        let key = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        if !(1..=KEY_MAX).contains(&key.chars().count()) || value.chars().count() > VALUE_MAX {
            return Err(invalid_tags(format!(
                "The tag {key:?} is not valid: keys have 1 to {KEY_MAX} characters, values {VALUE_MAX} at most"
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_tags("The prefix aws: of tag keys is reserved"));
        }
        if tags.iter().any(|it| it.name == key) {
            return Err(invalid_tags(format!(
                "The tag key {key:?} was given more than once"
            )));
        }
        tags.push(Pair::new(key, value));
    }
    check_count(tags.len())?;
    Ok(tags)
}

fn check_count(count: usize) -> Result<(), Error> {
    match count {
        ..=TAGS_MAX => Ok(()),
        _ => Err(invalid_tags(format!(
            "A resource can have at most {TAGS_MAX} tags"
        ))),
    }
}

/// A record that has tags.
enum Tagged {
    Application(CodeDeployApplication),
    Group(Box<DeploymentGroup>),
}

impl Tagged {
    fn find(state: &State, scope: &Scope, arn: &str) -> Result<Self, Error> {
        if arn.is_empty() {
            return Err(Error::ResourceArnRequiredException(
                codedeploy::ResourceArnRequiredException {
                    message: Some("Resource ARN is required".to_owned()),
                },
            ));
        }
        let head = format!("arn:aws:codedeploy:{}:{}:", scope.region, scope.account);
        let resource = arn.strip_prefix(&head);
        let resource = resource.ok_or_else(|| invalid_arn(format!("The ARN {arn:?} is not valid")))?;
        match resource.split_once(':') {
            Some(("application", name)) => {
                let found = names::application(state, scope, name)?;
                Ok(Self::Application(CodeDeployApplication::clone(&found)))
            }
            Some(("deploymentgroup", path)) => {
                let (application, name) = path.split_once('/').unwrap_or((path, ""));
                let found = names::group(state, scope, application, name)?;
                Ok(Self::Group(Box::new(DeploymentGroup::clone(&found))))
            }
            _ => Err(Error::ArnNotSupportedException(
                codedeploy::ArnNotSupportedException {
                    message: Some(format!(
                        "The ARN {arn:?} is not supported: applications and deployment groups have tags"
                    )),
                },
            )),
        }
    }

    fn tags(&mut self) -> &mut Vec<Pair> {
        match self {
            Self::Application(it) => &mut it.tags,
            Self::Group(it) => &mut it.tags,
        }
    }

    fn put(self, tx: &mut Tx<'_>) {
        match self {
            Self::Application(it) => drop(tx.put(it)),
            Self::Group(it) => drop(tx.put(*it)),
        }
    }
}

fn required(is_missing: bool) -> Result<(), Error> {
    match is_missing {
        false => Ok(()),
        true => Err(Error::TagRequiredException(codedeploy::TagRequiredException {
            message: Some("At least one tag must be specified".to_owned()),
        })),
    }
}

/// `TagResource`: a key that is there gets the new value.
///
/// # Errors
/// Those of ARNs, TagRequired, InvalidTagsToAdd.
pub async fn tag_resource(
    call: Call<codedeploy::TagResource>,
) -> Result<codedeploy::TagResourceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    required(input.tags.is_empty())?;
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
        check_count(tags.len())?;
        resource.put(tx);
        Ok(())
    });
    tagged.await.map_err(from_store)?;
    Ok(codedeploy::TagResourceOutput {})
}

/// `UntagResource`.
///
/// # Errors
/// Those of ARNs, TagRequired.
pub async fn untag_resource(
    call: Call<codedeploy::UntagResource>,
) -> Result<codedeploy::UntagResourceOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    required(input.tag_keys.is_empty())?;
    let untagged = call.access().store().transact(move |tx| {
        let mut resource = Tagged::find(tx.state(), &scope, &input.resource_arn)?;
        resource.tags().retain(|it| !input.tag_keys.contains(&it.name));
        resource.put(tx);
        Ok(())
    });
    untagged.await.map_err(from_store)?;
    Ok(codedeploy::UntagResourceOutput {})
}

/// `ListTagsForResource`: all of them on one page.
///
/// # Errors
/// Those of ARNs.
pub async fn list_tags_for_resource(
    call: Call<codedeploy::ListTagsForResource>,
) -> Result<codedeploy::ListTagsForResourceOutput, Error> {
    let input = call.input();
    let store = call.access().store();
    let mut found = store.read(|state| Tagged::find(state, call.scope(), &input.resource_arn))?;
    let tags = found.tags().iter().map(|it| codedeploy::Tag {
        key: Some(it.name.clone()),
        value: it.value.clone(),
    });
    Ok(codedeploy::ListTagsForResourceOutput {
        next_token: None,
        tags: Some(tags.collect()),
    })
}
