//! The limits of CloudWatch Logs and the checks of names and numbers against them.

use crate::logs::LogsError;

/// Bytes that CloudWatch counts for an event besides its message.
pub const EVENT_OVERHEAD_BYTES: usize = 26;
/// Largest event, overhead included.
pub const EVENT_BYTES_MAX: usize = 1_048_576;
/// Largest batch, overhead included.
pub const BATCH_BYTES_MAX: usize = 1_048_576;
/// Most events in a batch.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Longest time between the first and the last event of a batch.
pub const BATCH_SPAN_MS_MAX: i64 = DAY_MS;
/// Events older than this are refused.
pub const EVENT_AGE_MS_MAX: i64 = 14 * DAY_MS;
/// Events further in the future than this are refused.
pub const EVENT_AHEAD_MS_MAX: i64 = 2 * 3_600_000;
/// Most events in a page.
pub const PAGE_EVENTS_MAX: usize = 10_000;
/// Most bytes of events in a page; a page has at least one event if there is one.
pub const PAGE_BYTES_MAX: usize = 1_048_576;
/// Most groups or streams in a page of a description, and the default.
pub const DESCRIBE_ITEMS_MAX: usize = 50;
/// Most streams that `FilterLogEvents` may name.
pub const FILTER_STREAMS_MAX: usize = 100;
/// Longest group or stream name.
pub const NAME_LENGTH_MAX: usize = 512;
/// Longest filter pattern.
pub const PATTERN_LENGTH_MAX: usize = 1024;
/// Most tags of a group.
pub const TAGS_MAX: usize = 50;
/// The values `PutRetentionPolicy` takes.
pub const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

pub(crate) const DAY_MS: i64 = 86_400_000;

/// CloudWatch's text for a value that breaks a modelled constraint.
pub(crate) fn violation(value: &str, member: &str, constraint: &str) -> LogsError {
    LogsError::InvalidParameter(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         Member must {constraint}"
    ))
}

/// A group name: 1 to 512 of `a-z A-Z 0-9 _ - / . #`, and not one of AWS's own `aws/…`.
pub(crate) fn check_group_name(name: &str) -> Result<(), LogsError> {
    check_length(name, "logGroupName")?;
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || b"_-/.#".contains(&it);
    if !name.bytes().all(is_allowed) {
        let constraint = r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
        return Err(violation(name, "logGroupName", constraint));
    }
    if name.starts_with("aws/") {
        return Err(LogsError::InvalidParameter(
            "Log groups starting with aws/ are reserved for AWS.".to_owned(),
        ));
    }
    Ok(())
}

/// A stream name: 1 to 512 characters without `:` and `*`.
pub(crate) fn check_stream_name(name: &str) -> Result<(), LogsError> {
    check_length(name, "logStreamName")?;
    if name.contains([':', '*']) {
        return Err(violation(
            name,
            "logStreamName",
            "satisfy regular expression pattern: [^:*]*",
        ));
    }
    Ok(())
}

fn check_length(name: &str, member: &str) -> Result<(), LogsError> {
    if name.is_empty() {
        return Err(violation(name, member, "have length greater than or equal to 1"));
    }
    if name.chars().count() > NAME_LENGTH_MAX {
        let constraint = format!("have length less than or equal to {NAME_LENGTH_MAX}");
        return Err(violation(name, member, &constraint));
    }
    Ok(())
}

/// A retention of `PutRetentionPolicy`.
pub(crate) fn check_retention(days: u32) -> Result<(), LogsError> {
    if RETENTION_DAYS.contains(&days) {
        return Ok(());
    }
    let constraint = format!("satisfy enum value set: {RETENTION_DAYS:?}");
    Err(violation(&days.to_string(), "retentionInDays", &constraint))
}

/// The page size to use: `max` if absent, refused if zero or above.
pub(crate) fn check_limit(limit: Option<usize>, max: usize) -> Result<usize, LogsError> {
    match limit {
        None => Ok(max),
        Some(0) => Err(violation("0", "limit", "have value greater than or equal to 1")),
        Some(limit) if limit > max => Err(violation(
            &limit.to_string(),
            "limit",
            &format!("have value less than or equal to {max}"),
        )),
        Some(limit) => Ok(limit),
    }
}
