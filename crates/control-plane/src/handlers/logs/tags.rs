//! Tags of log groups, by ARN.

use api::logs;
use telemetry::logs::{LogScope, LogsError};

use super::{error, identified, invalid, scope};
use crate::call::Call;

/// Longest key and value.
const KEY_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;

/// `TagResource`: a tag of the same key is replaced.
///
/// # Errors
/// InvalidParameterException, ResourceNotFoundException, TooManyTagsException.
pub async fn tag_resource(call: Call<logs::TagResource>) -> Result<logs::TagResourceOutput, logs::Error> {
    let (scope, input) = (scope(&call), call.input());
    let name = named(&scope, &input.resource_arn)?;
    for (key, value) in &input.tags {
        check(key, value)?;
    }
    let tagged = call.access().logs().tag_group(&scope, &name, input.tags.clone());
    tagged.map_err(|it| match it {
        LogsError::LimitExceeded => logs::Error::TooManyTagsException(logs::TooManyTagsException {
            message: Some("A resource can have no more than 50 tags.".to_owned()),
            resource_name: Some(input.resource_arn.clone()),
        }),
        other => error(other),
    })?;
    Ok(logs::TagResourceOutput {})
}

/// By TagKey and TagValue of <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>
fn check(key: &str, value: &str) -> Result<(), logs::Error> {
    let is_letter = |it: char| it.is_alphanumeric() || it.is_whitespace() || "_.:/=+-@".contains(it);
    let is_key = (1..=KEY_LENGTH_MAX).contains(&key.chars().count()) && key.chars().all(is_letter);
    let is_value = value.chars().count() <= VALUE_LENGTH_MAX && value.chars().all(is_letter);
    if is_key && is_value {
        return Ok(());
    }
    Err(invalid(format!(
        "The tag {key:?} is not valid: keys have 1 to {KEY_LENGTH_MAX} characters and values up to {VALUE_LENGTH_MAX}, of \
         letters, numbers, spaces and _.:/=+-@"
    )))
}

/// `UntagResource`: keys that the group does not have are passed over.
///
/// # Errors
/// InvalidParameterException, ResourceNotFoundException.
pub async fn untag_resource(
    call: Call<logs::UntagResource>,
) -> Result<logs::UntagResourceOutput, logs::Error> {
    let (scope, input) = (scope(&call), call.input());
    let name = named(&scope, &input.resource_arn)?;
    call.access()
        .logs()
        .untag_group(&scope, &name, &input.tag_keys)
        .map_err(error)?;
    Ok(logs::UntagResourceOutput {})
}

/// `ListTagsForResource`.
///
/// # Errors
/// InvalidParameterException, ResourceNotFoundException.
pub async fn list_tags_for_resource(
    call: Call<logs::ListTagsForResource>,
) -> Result<logs::ListTagsForResourceOutput, logs::Error> {
    let scope = scope(&call);
    let name = named(&scope, &call.input().resource_arn)?;
    let group = call
        .access()
        .logs()
        .describe_group(&scope, &name)
        .map_err(error)?;
    Ok(logs::ListTagsForResourceOutput {
        tags: Some(group.tags),
    })
}

/// The group of an ARN; there are no destinations, which could have tags too.
fn named(scope: &LogScope, arn: &str) -> Result<String, logs::Error> {
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("{arn:?} is not the ARN of a log group.")));
    }
    identified(scope, arn)
}
