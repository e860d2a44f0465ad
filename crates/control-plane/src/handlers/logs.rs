//! Amazon CloudWatch Logs, on this machine's disk.

mod events;
mod groups;
mod streams;
mod tags;
#[cfg(test)]
mod tests;

pub use events::{filter_log_events, get_log_events, put_log_events};
pub use groups::{
    create_log_group, delete_log_group, delete_retention_policy, describe_log_groups, put_retention_policy,
};
pub use streams::{create_log_stream, delete_log_stream, describe_log_streams};
pub use tags::{list_tags_for_resource, tag_resource, untag_resource};

use std::sync::Arc;

use api::logs;
use telemetry::logs::{LogScope, Logs, LogsError};
use wire::Operation;

use crate::call::Call;

/// Account and region of a call, as the log store has them.
fn scope<O: Operation>(call: &Call<O>) -> LogScope {
    LogScope {
        account: call.scope().account.clone(),
        region: call.scope().region.clone(),
    }
}

/// Runs what reads from the disk where it holds up nobody else.
async fn blocking<T: Send + 'static>(
    logs: &Arc<Logs>,
    work: impl FnOnce(&Logs) -> Result<T, LogsError> + Send + 'static,
) -> Result<T, logs::Error> {
    let store = Arc::clone(logs);
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(done) => done.map_err(error),
        Err(_) => Err(unavailable("reading the logs was cut short")),
    }
}

/// A group by its name, or by an identifier that may be its ARN.
fn group(scope: &LogScope, name: Option<&str>, identifier: Option<&str>) -> Result<String, logs::Error> {
    match (name, identifier) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(identifier)) => identified(scope, identifier),
        (Some(_), Some(_)) => Err(invalid(
            "Only one of logGroupName or logGroupIdentifier may be specified.",
        )),
        (None, None) => Err(invalid(
            "Either logGroupName or logGroupIdentifier must be specified.",
        )),
    }
}

/// The name in an identifier. Groups of other accounts and regions are not here, whatever their names.
fn identified(scope: &LogScope, identifier: &str) -> Result<String, logs::Error> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier.to_owned());
    }
    let ours = format!("arn:aws:logs:{}:{}:log-group:", scope.region, scope.account);
    match identifier.strip_prefix(&ours) {
        Some(name) => Ok(name.strip_suffix(":*").unwrap_or(name).to_owned()),
        None => Err(error(LogsError::GroupNotFound)),
    }
}

/// A number that may not be negative.
fn limit(given: Option<i32>) -> Result<Option<usize>, logs::Error> {
    let limit = given.map(usize::try_from).transpose();
    limit.map_err(|_| invalid("limit must not be negative."))
}

fn invalid(message: impl Into<String>) -> logs::Error {
    logs::Error::InvalidParameterException(logs::InvalidParameterException {
        message: Some(message.into()),
    })
}

fn unavailable(message: impl Into<String>) -> logs::Error {
    logs::Error::ServiceUnavailableException(logs::ServiceUnavailableException {
        message: Some(message.into()),
    })
}

fn error(error: LogsError) -> logs::Error {
    let message = Some(error.to_string());
    match error {
        LogsError::GroupNotFound | LogsError::StreamNotFound => {
            logs::Error::ResourceNotFoundException(logs::ResourceNotFoundException { message })
        }
        LogsError::GroupAlreadyExists | LogsError::StreamAlreadyExists => {
            logs::Error::ResourceAlreadyExistsException(logs::ResourceAlreadyExistsException { message })
        }
        LogsError::InvalidParameter(text) => invalid(text),
        LogsError::LimitExceeded => {
            logs::Error::LimitExceededException(logs::LimitExceededException { message })
        }
        LogsError::InUse(_) | LogsError::Storage { .. } => {
            tracing::error!(error = message, "the log store failed");
            unavailable("The log store failed; it has been logged.")
        }
    }
}
