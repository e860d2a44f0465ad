//! Exceptions of EFS. Each has its own name as a member too.

use api::efs::{self, Error};
use store::TransactError;

/// BadRequest.
pub fn bad_request(message: impl Into<String>) -> Error {
    Error::BadRequest(efs::BadRequest {
        error_code: "BadRequest".to_owned(),
        message: Some(message.into()),
    })
}

/// BadRequest of what is not built.
pub fn unbuilt(member: &str) -> Error {
    bad_request(format!("{member} is not supported by Gantry yet."))
}

/// ValidationException: a member breaks a constraint of the model.
pub fn constraint(value: &str, member: &str, rule: &str) -> Error {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// ValidationException.
pub fn validation(message: impl Into<String>) -> Error {
    Error::ValidationException(efs::ValidationException {
        error_code: "ValidationException".to_owned(),
        message: Some(message.into()),
    })
}

/// FileSystemNotFound.
pub fn no_file_system(id: &str) -> Error {
    Error::FileSystemNotFound(efs::FileSystemNotFound {
        error_code: "FileSystemNotFound".to_owned(),
        message: Some(format!("File system '{id}' does not exist.")),
    })
}

/// MountTargetNotFound.
pub fn no_mount_target(id: &str) -> Error {
    Error::MountTargetNotFound(efs::MountTargetNotFound {
        error_code: "MountTargetNotFound".to_owned(),
        message: Some(format!("Mount target '{id}' does not exist.")),
    })
}

/// AccessPointNotFound.
pub fn no_access_point(id: &str) -> Error {
    Error::AccessPointNotFound(efs::AccessPointNotFound {
        error_code: "AccessPointNotFound".to_owned(),
        message: Some(format!("Access Point '{id}' does not exist.")),
    })
}

/// IncorrectFileSystemLifeCycleState.
pub fn wrong_state(id: &str, state: &str) -> Error {
    Error::IncorrectFileSystemLifeCycleState(efs::IncorrectFileSystemLifeCycleState {
        error_code: "IncorrectFileSystemLifeCycleState".to_owned(),
        message: Some(format!(
            "Invalid lifecycle state '{state}' for operation on file system '{id}': it must be 'available'."
        )),
    })
}

/// InternalServerError.
pub fn internal(message: impl Into<String>) -> Error {
    Error::InternalServerError(efs::InternalServerError {
        error_code: "InternalServerError".to_owned(),
        message: Some(message.into()),
    })
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<Error>) -> Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            internal(format!("The server could not store the change ({error})."))
        }
    }
}
