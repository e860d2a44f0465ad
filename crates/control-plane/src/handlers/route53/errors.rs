//! Exceptions of Route 53, in Amazon's words where they are known.

use api::route53::{self, Error};
use domain::cloud_map::Namespace;
use wire::error::CodedError;

/// InvalidInput.
pub fn invalid_input(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidInput(route53::InvalidInput { message })
}

/// InvalidInput, of what is not built.
pub fn not_supported(why: &str) -> Error {
    invalid_input(format!("This operation is not supported: {why}."))
}

/// NoSuchHostedZone.
pub fn no_zone(id: &str) -> Error {
    let message = Some(format!("No hosted zone found with ID: {id}"));
    Error::NoSuchHostedZone(route53::NoSuchHostedZone { message })
}

/// NoSuchHealthCheck.
pub fn no_health_check(id: &str) -> Error {
    let message = Some(format!("No health check exists with the specified ID {id}"));
    Error::NoSuchHealthCheck(route53::NoSuchHealthCheck { message })
}

/// NoSuchChange.
pub fn no_change(id: &str) -> Error {
    let message = Some(format!("Could not find resource with ID: {id}"));
    Error::NoSuchChange(route53::NoSuchChange { message })
}

/// NoSuchDelegationSet.
pub fn no_delegation_set(id: &str) -> Error {
    let message = Some(format!("No delegation set found with ID: {id}"));
    Error::NoSuchDelegationSet(route53::NoSuchDelegationSet { message })
}

/// InvalidPaginationToken.
pub fn invalid_token() -> Error {
    let message = Some("The pagination token is invalid".to_owned());
    Error::InvalidPaginationToken(route53::InvalidPaginationToken { message })
}

/// AccessDenied, which Amazon says of the zones of namespaces.
/// <https://github.com/amazon-archives/service-discovery-ecs-dns/issues/44>
pub fn managed_by_cloud_map(zone_id: &str, namespace: &Namespace) -> Error {
    let arn = namespace.arn();
    Error::Unmodelled(CodedError {
        status: 403,
        code: "AccessDenied",
        message: format!(
            "The resource hostedzone/{zone_id} can only be managed through servicediscovery.amazonaws.com ({arn})"
        ),
    })
}
