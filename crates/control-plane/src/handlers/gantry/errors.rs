//! Exceptions of Gantry's own operations.

use api::{ecs, gantry};
use wire::ServiceError;

/// InvalidParameterException.
pub fn invalid_parameter(message: impl Into<String>) -> gantry::Error {
    gantry::Error::InvalidParameterException(gantry::InvalidParameterException {
        message: Some(message.into()),
    })
}

/// TaskNotFoundException.
pub fn task_not_found(message: impl Into<String>) -> gantry::Error {
    gantry::Error::TaskNotFoundException(gantry::TaskNotFoundException {
        message: Some(message.into()),
    })
}

/// TargetNotConnectedException: the agent cannot be asked.
pub fn not_connected(message: impl Into<String>) -> gantry::Error {
    gantry::Error::TargetNotConnectedException(gantry::TargetNotConnectedException {
        message: Some(message.into()),
    })
}

/// LimitExceededException: there are as many as there may be.
pub fn limit_exceeded(message: impl Into<String>) -> gantry::Error {
    gantry::Error::LimitExceededException(gantry::LimitExceededException {
        message: Some(message.into()),
    })
}

/// ServerException: the history cannot be read.
pub fn history(error: &dyn std::error::Error) -> gantry::Error {
    tracing::error!(%error, "the history of tasks cannot be read");
    gantry::Error::ServerException(gantry::ServerException {
        message: Some(format!("The history of tasks cannot be read: {error}.")),
    })
}

/// ServiceNotFoundException.
pub fn service_not_found(message: impl Into<String>) -> gantry::Error {
    gantry::Error::ServiceNotFoundException(gantry::ServiceNotFoundException {
        message: Some(message.into()),
    })
}

/// NameNotFoundException.
pub fn name_not_found(message: impl Into<String>) -> gantry::Error {
    gantry::Error::NameNotFoundException(gantry::NameNotFoundException {
        message: Some(message.into()),
    })
}

/// ServerException: the state cannot be asked now.
pub fn unavailable(error: &store::StoreError) -> gantry::Error {
    gantry::Error::ServerException(gantry::ServerException {
        message: Some(format!("The state cannot be read now: {error}.")),
    })
}

/// ServerException: the events cannot be read.
pub fn events(error: &dyn std::error::Error) -> gantry::Error {
    tracing::error!(%error, "the events cannot be read");
    gantry::Error::ServerException(gantry::ServerException {
        message: Some(format!("The events cannot be read: {error}.")),
    })
}

/// What ECS says of a name, said by an operation of ours.
pub fn of_name(error: &ecs::Error) -> gantry::Error {
    invalid_parameter(error.message().unwrap_or("The name cannot be read."))
}
