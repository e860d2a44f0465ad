//! Exceptions of Secrets Manager.

use api::secretsmanager as sm;
use store::TransactError;
use wire::error::CodedError;

use crate::vault::VaultError;

/// ResourceNotFoundException of a secret.
pub fn not_found() -> sm::Error {
    nothing("Secrets Manager can't find the specified secret.")
}

/// ResourceNotFoundException.
pub fn nothing(message: impl Into<String>) -> sm::Error {
    sm::Error::ResourceNotFoundException(sm::ResourceNotFoundException {
        message: Some(message.into()),
    })
}

/// InvalidParameterException.
pub fn invalid(message: impl Into<String>) -> sm::Error {
    sm::Error::InvalidParameterException(sm::InvalidParameterException {
        message: Some(message.into()),
    })
}

/// InvalidRequestException.
pub fn invalid_request(message: impl Into<String>) -> sm::Error {
    sm::Error::InvalidRequestException(sm::InvalidRequestException {
        message: Some(message.into()),
    })
}

/// InvalidRequestException of a secret that is scheduled for deletion.
pub fn marked_for_deletion() -> sm::Error {
    invalid_request("You can't perform this operation on the secret because it was marked for deletion.")
}

/// ResourceExistsException.
pub fn exists(message: impl Into<String>) -> sm::Error {
    sm::Error::ResourceExistsException(sm::ResourceExistsException {
        message: Some(message.into()),
    })
}

/// ValidationException, which no operation models.
pub fn validation(message: impl Into<String>) -> sm::Error {
    sm::Error::Unmodelled(CodedError {
        status: 400,
        code: "ValidationException",
        message: message.into(),
    })
}

/// InvalidParameterException of what is not built.
pub fn unbuilt(member: &str) -> sm::Error {
    invalid(format!("{member} is not supported by Gantry yet."))
}

/// A value cannot be sealed or opened.
pub fn from_vault(error: VaultError) -> sm::Error {
    tracing::error!(%error, "a secret cannot be sealed or opened");
    let message = Some(error.to_string());
    match error {
        VaultError::NoRandomness => sm::Error::EncryptionFailure(sm::EncryptionFailure { message }),
        VaultError::CannotOpen => sm::Error::DecryptionFailure(sm::DecryptionFailure { message }),
    }
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<sm::Error>) -> sm::Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            sm::Error::InternalServiceError(sm::InternalServiceError {
                message: Some(format!("The server could not store the change ({error}).")),
            })
        }
    }
}
