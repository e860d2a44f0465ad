//! Log groups.

use api::logs;
use telemetry::logs::{CreateLogGroup, DescribeLogGroups, LogGroup, LogGroupClass, NameFilter};

use super::{blocking, error, invalid, limit, scope};
use crate::call::Call;

/// `CreateLogGroup`.
///
/// # Errors
/// ResourceAlreadyExistsException, InvalidParameterException.
pub async fn create_log_group(
    call: Call<logs::CreateLogGroup>,
) -> Result<logs::CreateLogGroupOutput, logs::Error> {
    let new = new_group(call.input())?;
    call.access()
        .logs()
        .create_group(&scope(&call), new, call.now())
        .map_err(error)?;
    Ok(logs::CreateLogGroupOutput {})
}

/// What would be kept but not obeyed is refused: nothing is encrypted, protected, or stored by class.
pub(super) fn new_group(input: &logs::CreateLogGroupInput) -> Result<CreateLogGroup, logs::Error> {
    if input.deletion_protection_enabled == Some(true) {
        return Err(unbuilt("deletionProtectionEnabled"));
    }
    if input.kms_key_id.is_some() {
        return Err(unbuilt("kmsKeyId"));
    }
    let class = input.log_group_class.as_ref().map(class).transpose()?;
    match class {
        None | Some(LogGroupClass::Standard) => Ok(CreateLogGroup {
            name: input.log_group_name.clone(),
            kms_key_id: None,
            tags: input.tags.clone().unwrap_or_default(),
            class: LogGroupClass::Standard,
        }),
        Some(other) => Err(unbuilt(&format!("logGroupClass {}", other.as_str()))),
    }
}

fn unbuilt(member: &str) -> logs::Error {
    invalid(format!("{member} is not supported by Gantry yet."))
}

fn class(it: &logs::LogGroupClass) -> Result<LogGroupClass, logs::Error> {
    LogGroupClass::parse(it.as_str())
        .ok_or_else(|| invalid(format!("Invalid log group class: {:?}.", it.as_str())))
}

/// `DeleteLogGroup`.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn delete_log_group(
    call: Call<logs::DeleteLogGroup>,
) -> Result<logs::DeleteLogGroupOutput, logs::Error> {
    let (scope, name) = (scope(&call), call.input().log_group_name.clone());
    blocking(call.access().logs(), move |logs| logs.delete_group(&scope, &name)).await?;
    Ok(logs::DeleteLogGroupOutput {})
}

/// `DescribeLogGroups`.
///
/// # Errors
/// InvalidParameterException.
pub async fn describe_log_groups(
    call: Call<logs::DescribeLogGroups>,
) -> Result<logs::DescribeLogGroupsOutput, logs::Error> {
    let input = call.input();
    let is_filled = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|it| !it.is_empty());
    if input.include_linked_accounts == Some(true) {
        return Err(unbuilt("includeLinkedAccounts"));
    }
    if is_filled(&input.account_identifiers) || is_filled(&input.log_group_identifiers) {
        return Err(invalid(
            "accountIdentifiers and logGroupIdentifiers are not supported by Gantry yet.",
        ));
    }
    let filter = match (&input.log_group_name_prefix, &input.log_group_name_pattern) {
        (None, None) => NameFilter::All,
        (Some(prefix), None) => NameFilter::Prefix(prefix.clone()),
        (None, Some(pattern)) => NameFilter::Contains(pattern.clone()),
        (Some(_), Some(_)) => {
            return Err(invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
    };
    let describe = DescribeLogGroups {
        filter,
        class: input.log_group_class.as_ref().map(class).transpose()?,
        limit: limit(input.limit)?,
        next_token: input.next_token.clone(),
    };
    let scope = scope(&call);
    let page = blocking(call.access().logs(), move |logs| {
        logs.describe_groups(&scope, &describe)
    })
    .await?;
    Ok(logs::DescribeLogGroupsOutput {
        log_groups: Some(page.groups.iter().map(rendered).collect()),
        next_token: page.next_token,
    })
}

pub(super) fn rendered(it: &LogGroup) -> logs::LogGroup {
    logs::LogGroup {
        arn: Some(format!("{}:*", it.arn)),
        log_group_arn: Some(it.arn.clone()),
        log_group_name: Some(it.name.clone()),
        creation_time: Some(it.created_ms),
        retention_in_days: it.retention_days.and_then(|it| i32::try_from(it).ok()),
        metric_filter_count: Some(0),
        stored_bytes: i64::try_from(it.stored_bytes).ok(),
        kms_key_id: it.kms_key_id.clone(),
        log_group_class: Some(logs::LogGroupClass::from(it.class.as_str())),
        ..logs::LogGroup::default()
    }
}

/// `PutRetentionPolicy`.
///
/// # Errors
/// ResourceNotFoundException; InvalidParameterException for days that CloudWatch does not have.
pub async fn put_retention_policy(
    call: Call<logs::PutRetentionPolicy>,
) -> Result<logs::PutRetentionPolicyOutput, logs::Error> {
    let input = call.input();
    let days = u32::try_from(input.retention_in_days);
    let days = days.map_err(|_| invalid("retentionInDays must not be negative."))?;
    call.access()
        .logs()
        .put_retention(&scope(&call), &input.log_group_name, days)
        .map_err(error)?;
    Ok(logs::PutRetentionPolicyOutput {})
}

/// `DeleteRetentionPolicy`.
///
/// # Errors
/// ResourceNotFoundException.
pub async fn delete_retention_policy(
    call: Call<logs::DeleteRetentionPolicy>,
) -> Result<logs::DeleteRetentionPolicyOutput, logs::Error> {
    call.access()
        .logs()
        .delete_retention(&scope(&call), &call.input().log_group_name)
        .map_err(error)?;
    Ok(logs::DeleteRetentionPolicyOutput {})
}
