//! Exceptions of Elastic Load Balancing, in Amazon's words where they are known.

use api::elbv2::{self, Error};
use domain::load_balancing_attribute::AttributeRefusal;
use orchestrator::transitions::ZonesRefusal;
use store::TransactError;
use wire::error::CodedError;

/// ValidationError, which no operation models.
pub fn validation(message: impl Into<String>) -> Error {
    Error::Unmodelled(CodedError {
        status: 400,
        code: "ValidationError",
        message: message.into(),
    })
}

/// ValidationError: a member breaks a constraint of the model.
pub fn constraint(value: &str, member: &str, rule: &str) -> Error {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// InvalidConfigurationRequest.
pub fn invalid_configuration(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidConfigurationRequestException(elbv2::InvalidConfigurationRequestException { message })
}

/// InvalidConfigurationRequest of what is not built.
pub fn unbuilt(what: &str) -> Error {
    invalid_configuration(format!(
        "The requested configuration is not valid: {what} is not supported by Gantry yet."
    ))
}

/// InvalidLoadBalancerAction.
pub fn invalid_action(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidLoadBalancerActionException(elbv2::InvalidLoadBalancerActionException { message })
}

/// OperationNotPermitted.
pub fn not_permitted(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::OperationNotPermittedException(elbv2::OperationNotPermittedException { message })
}

/// LoadBalancerNotFound.
pub fn no_load_balancer(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::LoadBalancerNotFoundException(elbv2::LoadBalancerNotFoundException { message })
}

/// ListenerNotFound.
pub fn no_listener(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::ListenerNotFoundException(elbv2::ListenerNotFoundException { message })
}

/// RuleNotFound.
pub fn no_rule(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::RuleNotFoundException(elbv2::RuleNotFoundException { message })
}

/// TargetGroupNotFound.
pub fn no_target_group(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::TargetGroupNotFoundException(elbv2::TargetGroupNotFoundException { message })
}

/// InvalidTarget.
pub fn invalid_target(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidTargetException(elbv2::InvalidTargetException { message })
}

/// ResourceInUse.
pub fn in_use(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::ResourceInUseException(elbv2::ResourceInUseException { message })
}

/// CertificateNotFound.
pub fn no_certificate(arn: &str) -> Error {
    Error::CertificateNotFoundException(elbv2::CertificateNotFoundException {
        message: Some(format!("Certificate '{arn}' not found")),
    })
}

/// CertificateNotFound of a server certificate of IAM.
pub fn no_server_certificate(arn: &str) -> Error {
    Error::CertificateNotFoundException(elbv2::CertificateNotFoundException {
        message: Some(format!(
            "Certificate '{arn}' not found: server certificates of IAM are not supported by Gantry; import it with \
             acm:ImportCertificate"
        )),
    })
}

/// UnsupportedCertificate, which no operation models.
pub fn unsupported_certificate(arn: &str) -> Error {
    Error::Unmodelled(CodedError {
        status: 400,
        code: "UnsupportedCertificate",
        message: format!(
            "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key \
             size."
        ),
    })
}

/// SSLPolicyNotFound.
pub fn no_ssl_policy(name: &str) -> Error {
    Error::SSLPolicyNotFoundException(elbv2::SSLPolicyNotFoundException {
        message: Some(format!("SSL policy '{name}' not found")),
    })
}

/// PriorityInUse.
pub fn priority_in_use(priority: u16) -> Error {
    Error::PriorityInUseException(elbv2::PriorityInUseException {
        message: Some(format!("Priority '{priority}' is currently in use")),
    })
}

/// IncompatibleProtocols.
pub fn incompatible(group: &str, listener: &str, targets: &str) -> Error {
    Error::IncompatibleProtocolsException(elbv2::IncompatibleProtocolsException {
        message: Some(format!(
            "The listener and its associated target group '{group}' have incompatible protocols: '{listener}' and \
             '{targets}'"
        )),
    })
}

/// TooManyTags.
pub fn too_many_tags() -> Error {
    Error::TooManyTagsException(elbv2::TooManyTagsException {
        message: Some("You've reached the limit on the number of tags for this resource.".to_owned()),
    })
}

/// What is said of an attribute: `of` is `Load balancer`, `kind` what it is `with`.
pub fn attribute(of: &str, with: &str, refusal: AttributeRefusal) -> Error {
    match refusal {
        AttributeRefusal::Unknown(key) => validation(format!("{of} attribute key '{key}' is not recognized")),
        AttributeRefusal::NotOfThisKind(key) => {
            invalid_configuration(format!("{of} attribute key '{key}' is not supported on {with}"))
        }
        AttributeRefusal::Value { key, reason } => validation(format!(
            "The value of {} attribute '{key}' {reason}",
            of.to_lowercase()
        )),
    }
}

/// Why a load balancer cannot be in a subnet.
pub fn zones(refusal: &ZonesRefusal) -> Error {
    match refusal {
        ZonesRefusal::NoFreeAddress(subnet) => Error::InvalidSubnetException(elbv2::InvalidSubnetException {
            message: Some(format!("Not enough IP space available in {subnet}.")),
        }),
        ZonesRefusal::AddressInUse(address) => {
            invalid_configuration(format!("The private IPv4 address '{address}' is already in use"))
        }
        ZonesRefusal::AddressOutside(address) => invalid_configuration(format!(
            "The private IPv4 address '{address}' is not in the range of the subnet"
        )),
    }
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
