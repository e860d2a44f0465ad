//! Exceptions of Systems Manager.

use api::ssm;
use store::TransactError;
use wire::error::CodedError;

use crate::vault::VaultError;

/// ValidationException: no operation models it, all of them answer it.
pub fn validation(message: impl Into<String>) -> ssm::Error {
    coded("ValidationException", message)
}

/// An exception of that name.
pub fn coded(code: &'static str, message: impl Into<String>) -> ssm::Error {
    ssm::Error::Unmodelled(CodedError {
        status: 400,
        code,
        message: message.into(),
    })
}

/// A member breaks a constraint of the model.
pub fn constraint(value: &str, member: &str, rule: &str) -> ssm::Error {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// ParameterNotFound.
pub fn not_found(name: &str) -> ssm::Error {
    ssm::Error::ParameterNotFound(ssm::ParameterNotFound {
        message: Some(format!("Parameter {name} not found.")),
    })
}

/// ParameterVersionNotFound.
pub fn version_not_found(name: &str, selector: &str) -> ssm::Error {
    let what = match selector.parse::<u64>() {
        Ok(version) => format!("version {version} of"),
        Err(_) => format!("label {selector} for"),
    };
    ssm::Error::ParameterVersionNotFound(ssm::ParameterVersionNotFound {
        message: Some(format!(
            "Systems Manager could not find {what} {name}. Verify the version and try again."
        )),
    })
}

/// InternalServerError: a value cannot be sealed or opened.
pub fn from_vault(error: VaultError) -> ssm::Error {
    tracing::error!(%error, "a parameter cannot be sealed or opened");
    internal(&error.to_string())
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<ssm::Error>) -> ssm::Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            internal(&format!("The server could not store the change ({error})."))
        }
    }
}

fn internal(message: &str) -> ssm::Error {
    ssm::Error::InternalServerError(ssm::InternalServerError {
        message: Some(message.to_owned()),
    })
}
