//! Exceptions of IAM, and the rules of its texts.

use api::iam;
use domain::role::Role;
use store::{State, TransactError};
use wire::error::CodedError;

/// ValidationError, which no operation models.
pub fn validation(message: impl Into<String>) -> iam::Error {
    iam::Error::Unmodelled(CodedError {
        status: 400,
        code: "ValidationError",
        message: message.into(),
    })
}

/// NoSuchEntity.
pub fn no_such_entity(message: impl Into<String>) -> iam::Error {
    iam::Error::NoSuchEntityException(iam::NoSuchEntityException {
        message: Some(message.into()),
    })
}

/// LimitExceeded.
pub fn limit_exceeded(message: impl Into<String>) -> iam::Error {
    iam::Error::LimitExceededException(iam::LimitExceededException {
        message: Some(message.into()),
    })
}

/// InvalidInput of what is not built.
pub fn unbuilt(member: &str) -> iam::Error {
    iam::Error::InvalidInputException(iam::InvalidInputException {
        message: Some(format!("{member} is not supported by Gantry yet.")),
    })
}

/// The role of that name.
///
/// # Errors
/// NoSuchEntity in Amazon's words.
pub fn require(state: &State, account: &str, name: &str) -> Result<Role, iam::Error> {
    let role = state.role(account, name).map(|it| Role::clone(it));
    role.ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))
}

/// Checks that a text is a policy: JSON with statements.
///
/// # Errors
/// MalformedPolicyDocument.
pub fn check_policy(document: &str) -> Result<(), iam::Error> {
    let parsed: Option<serde_json::Value> = serde_json::from_str(document).ok();
    let text = match parsed {
        None => "This policy contains invalid Json",
        Some(it) if it["Statement"].is_array() || it["Statement"].is_object() => return Ok(()),
        Some(_) => "Syntax errors in policy.",
    };
    Err(iam::Error::MalformedPolicyDocumentException(
        iam::MalformedPolicyDocumentException {
            message: Some(text.to_owned()),
        },
    ))
}

/// Checks a name: letters, digits and `+=,.@_-`.
///
/// # Errors
/// ValidationError.
pub fn check_name(member: &str, name: &str, most: usize) -> Result<(), iam::Error> {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"+=,.@_-".contains(&it);
    if name.len() > most {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have length \
             less than or equal to {most}"
        )));
    }
    if name.is_empty() || !name.bytes().all(is_letter) {
        return Err(validation(format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        )));
    }
    Ok(())
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<iam::Error>) -> iam::Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            iam::Error::ServiceFailureException(iam::ServiceFailureException {
                message: Some(format!("The server could not store the change ({error}).")),
            })
        }
    }
}
