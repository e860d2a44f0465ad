//! What went wrong with a registry, in the words of containerd, and whether trying again can help.

use std::error::Error;

use oci_client::errors::{OciDistributionError, OciErrorCode};

use super::super::ImageError;

/// Why an attempt failed.
#[derive(Debug)]
pub enum Failure {
    /// The registry says that it does not exist.
    NotFound,
    /// Trying again may help.
    Transient(String),
    /// Trying again does not help.
    Final(String),
    /// Not the registry's answer is at fault but what it contains.
    Other(ImageError),
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Self::Other(error)
    }
}

impl From<OciDistributionError> for Failure {
    fn from(error: OciDistributionError) -> Self {
        match error {
            OciDistributionError::ImageManifestNotFoundError(_) => Self::NotFound,
            OciDistributionError::UnauthorizedError { .. } => denied("authorization failed"),
            OciDistributionError::AuthenticationFailure(message) => denied(first_line(&message)),
            OciDistributionError::ServerError {
                code: 401 | 403,
                message,
                ..
            } => denied(first_line(&message)),
            OciDistributionError::ServerError { code: 404, .. } => Self::NotFound,
            OciDistributionError::ServerError { code, url, message } => {
                let text = format!(
                    "unexpected status from GET request to {url}: {code} {}",
                    first_line(&message)
                );
                if code == 429 || code >= 500 {
                    Self::Transient(text)
                } else {
                    Self::Final(text)
                }
            }
            OciDistributionError::RegistryError { envelope, url } => match envelope.errors.first() {
                Some(error) => registry_error(&error.code, &error.message),
                None => Self::Final(format!("unexpected answer from GET request to {url}")),
            },
            OciDistributionError::RequestError(error) => {
                // Whatever is wrong with the request itself stays wrong.
                let is_final = error.is_builder() || error.is_redirect();
                let text = format!("failed to do request: {}", chain(&error));
                if is_final {
                    Self::Final(text)
                } else {
                    Self::Transient(text)
                }
            }
            OciDistributionError::IoError(error) => Self::Transient(chain(&error)),
            other => Self::Final(chain(&other)),
        }
    }
}

fn registry_error(code: &OciErrorCode, message: &str) -> Failure {
    match code {
        OciErrorCode::ManifestUnknown
        | OciErrorCode::NameUnknown
        | OciErrorCode::NotFound
        | OciErrorCode::ManifestBlobUnknown
        | OciErrorCode::BlobUnknown => Failure::NotFound,
        OciErrorCode::Unauthorized | OciErrorCode::Denied => denied(message),
        OciErrorCode::Toomanyrequests => Failure::Transient(format!("toomanyrequests: {message}")),
        other => Failure::Final(format!("{other:?}: {message}")),
    }
}

fn denied(message: &str) -> Failure {
    let message = if message.is_empty() {
        "authorization failed"
    } else {
        message
    };
    Failure::Final(format!(
        "pull access denied, repository does not exist or may require authorization: server message: {message}"
    ))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// An error and what caused it.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
