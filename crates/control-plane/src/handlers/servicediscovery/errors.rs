//! Exceptions of Cloud Map, in Amazon's words where they are known.

use api::servicediscovery::{self as sd, Error};
use domain::cloud_map::{DiscoveryService, Namespace};
use store::TransactError;
use wire::error::CodedError;

/// InvalidInput.
pub fn invalid_input(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidInput(sd::InvalidInput { message })
}

/// NamespaceNotFound. <https://github.com/kubernetes-sigs/external-dns/issues/5180>
pub fn no_namespace() -> Error {
    let message = Some("Namespace not found".to_owned());
    Error::NamespaceNotFound(sd::NamespaceNotFound { message })
}

/// ServiceNotFound.
pub fn no_service() -> Error {
    let message = Some("Service not found".to_owned());
    Error::ServiceNotFound(sd::ServiceNotFound { message })
}

/// InstanceNotFound.
pub fn no_instance() -> Error {
    let message = Some("Instance not found".to_owned());
    Error::InstanceNotFound(sd::InstanceNotFound { message })
}

/// OperationNotFound.
pub fn no_operation() -> Error {
    let message = Some("Operation not found".to_owned());
    Error::OperationNotFound(sd::OperationNotFound { message })
}

/// CustomHealthNotFound: the service has no custom health.
pub fn no_custom_health() -> Error {
    let message = Some("Custom health not found: the service has no HealthCheckCustomConfig".to_owned());
    Error::CustomHealthNotFound(sd::CustomHealthNotFound { message })
}

/// NamespaceAlreadyExists.
pub fn namespace_exists(known: &Namespace) -> Error {
    Error::NamespaceAlreadyExists(sd::NamespaceAlreadyExists {
        creator_request_id: known.creator_request_id.clone(),
        message: Some(format!("Namespace already exists: {}", known.name)),
        namespace_id: Some(known.id.clone()),
    })
}

/// ServiceAlreadyExists.
pub fn service_exists(known: &DiscoveryService) -> Error {
    Error::ServiceAlreadyExists(sd::ServiceAlreadyExists {
        creator_request_id: known.creator_request_id.clone(),
        message: Some(format!("Service already exists: {}", known.name)),
        service_arn: Some(known.arn()),
        service_id: Some(known.id.clone()),
    })
}

/// ResourceInUse of a service. <https://github.com/hashicorp/terraform-provider-aws/issues/4853>
pub fn has_instances() -> Error {
    in_use("Service contains registered instances; delete the instances before deleting the service")
}

/// ResourceInUse.
pub fn in_use(message: &str) -> Error {
    let message = Some(message.to_owned());
    Error::ResourceInUse(sd::ResourceInUse { message })
}

/// ResourceLimitExceeded.
pub fn too_many(what: &str, most: usize) -> Error {
    Error::ResourceLimitExceeded(sd::ResourceLimitExceeded {
        message: Some(format!("The quota of {most} {what} has been reached")),
    })
}

/// DuplicateRequest: the id of a request came with another one.
pub fn duplicate(operation_id: Option<String>) -> Error {
    Error::DuplicateRequest(sd::DuplicateRequest {
        duplicate_operation_id: operation_id,
        message: Some("Another request with the same CreatorRequestId was made".to_owned()),
    })
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<Error>) -> Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            Error::Unmodelled(CodedError {
                status: 500,
                code: "InternalFailure",
                message: format!("The server could not store the change ({error})."),
            })
        }
    }
}
