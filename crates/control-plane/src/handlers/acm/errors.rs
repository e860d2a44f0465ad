//! Exceptions of Certificate Manager, in Amazon's words where they are known.

use api::acm::{self, Error};
use domain::{CertificateArn, Scope};
use store::TransactError;
use wire::error::CodedError;

use crate::vault::VaultError;

/// ValidationException.
pub fn validation(message: impl Into<String>) -> Error {
    Error::ValidationException(acm::ValidationException {
        message: Some(message.into()),
    })
}

/// InvalidParameterException.
pub fn invalid_parameter(message: impl Into<String>) -> Error {
    Error::InvalidParameterException(acm::InvalidParameterException {
        message: Some(message.into()),
    })
}

/// AccessDeniedException.
pub fn denied(message: impl Into<String>) -> Error {
    Error::AccessDeniedException(acm::AccessDeniedException {
        message: Some(message.into()),
    })
}

/// ValidationException: a member breaks a constraint of the model.
pub fn constraint(value: &str, member: &str, rule: &str) -> Error {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// ValidationException of a length, for members whose value is not repeated.
pub fn length(member: &str, rule: &str) -> Error {
    validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {rule}"
    ))
}

/// ResourceNotFoundException of a certificate.
pub fn not_found(arn: &str, scope: &Scope) -> Error {
    Error::ResourceNotFoundException(acm::ResourceNotFoundException {
        message: Some(format!(
            "Could not find certificate {arn} in account {}.",
            scope.account
        )),
    })
}

/// ResourceInUseException of a certificate.
pub fn in_use(arn: &CertificateArn) -> Error {
    Error::ResourceInUseException(acm::ResourceInUseException {
        message: Some(format!(
            "Certificate {arn} in account {} is in use.",
            arn.scope().account
        )),
    })
}

/// LimitExceededException.
pub fn too_many() -> Error {
    Error::LimitExceededException(acm::LimitExceededException {
        message: Some(
            "You have reached the maximum number of certificates. Delete certificates that are not in use, or contact \
             AWS Support to request an increase."
                .to_owned(),
        ),
    })
}

/// InvalidTagException.
pub fn invalid_tag(message: impl Into<String>) -> Error {
    Error::InvalidTagException(acm::InvalidTagException {
        message: Some(message.into()),
    })
}

/// TooManyTagsException.
pub fn too_many_tags() -> Error {
    Error::TooManyTagsException(acm::TooManyTagsException {
        message: Some("The tag set contains too many tags.".to_owned()),
    })
}

/// What is wrong with tags, where the operation names a resource instead of a certificate.
pub fn of_resource(error: Error) -> Error {
    match error {
        Error::InvalidTagException(it) => {
            Error::ValidationException(acm::ValidationException { message: it.message })
        }
        Error::TooManyTagsException(it) => {
            Error::ServiceQuotaExceededException(acm::ServiceQuotaExceededException { message: it.message })
        }
        other => other,
    }
}

/// A key cannot be sealed.
pub fn from_vault(error: VaultError) -> Error {
    tracing::error!(%error, "the key of a certificate cannot be sealed");
    internal(error.to_string())
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

fn internal(message: String) -> Error {
    Error::Unmodelled(CodedError {
        status: 500,
        code: "InternalFailure",
        message,
    })
}
