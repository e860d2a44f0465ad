//! Exceptions of classic load balancing, in Amazon's words.

use api::elb::{self, Error};
use orchestrator::transitions::ZonesRefusal;
use store::TransactError;
use wire::error::CodedError;

use crate::handlers::listener_certificates::CertificateRefusal;

/// ValidationError, which no operation models.
pub fn validation(message: impl Into<String>) -> Error {
    Error::Unmodelled(CodedError {
        status: 400,
        code: "ValidationError",
        message: message.into(),
    })
}

/// ValidationError: a number is not in its range.
pub fn range(value: i64, member: &str, (least, most): (i64, i64)) -> Result<(), Error> {
    let rule = match value {
        _ if value < least => format!("greater than or equal to {least}"),
        _ if value > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
         {rule}"
    )))
}

/// LoadBalancerNotFound.
pub fn no_load_balancer(name: &str) -> Error {
    Error::AccessPointNotFoundException(elb::AccessPointNotFoundException {
        message: Some(format!("There is no ACTIVE Load Balancer named '{name}'")),
    })
}

/// InvalidInstance.
pub fn no_instance(id: &str) -> Error {
    Error::InvalidEndPointException(elb::InvalidEndPointException {
        message: Some(format!("Could not find EC2 instance {id}.")),
    })
}

/// InvalidConfigurationRequest.
pub fn invalid_configuration(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidConfigurationRequestException(elb::InvalidConfigurationRequestException { message })
}

/// InvalidConfigurationRequest of what is not built.
pub fn unbuilt(what: &str) -> Error {
    invalid_configuration(format!(
        "The requested configuration is not valid: {what} is not supported by Gantry yet."
    ))
}

/// OperationNotPermitted.
pub fn not_permitted(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::OperationNotPermittedException(elb::OperationNotPermittedException { message })
}

/// Why a listener cannot show a certificate: CertificateNotFound, or UnsupportedCertificate, which no operation models.
pub fn certificate(refusal: CertificateRefusal, id: &str) -> Error {
    let message = match refusal {
        CertificateRefusal::NotFound => format!("Server Certificate not found for the key: {id}"),
        CertificateRefusal::OfIam => format!(
            "Server Certificate not found for the key: {id}: server certificates of IAM are not supported by Gantry; import \
             it with acm:ImportCertificate"
        ),
        CertificateRefusal::Nameless => {
            return Error::Unmodelled(CodedError {
                status: 400,
                code: "UnsupportedCertificate",
                message: format!(
                    "The certificate '{id}' must have a fully-qualified domain name, a supported signature, and a supported \
                     key size."
                ),
            });
        }
    };
    Error::CertificateNotFoundException(elb::CertificateNotFoundException {
        message: Some(message),
    })
}

/// ListenerNotFound.
pub fn no_listener(name: &str, port: i32) -> Error {
    Error::ListenerNotFoundException(elb::ListenerNotFoundException {
        message: Some(format!(
            "There is no listener with port {port} for the load balancer '{name}'"
        )),
    })
}

/// PolicyNotFound.
pub fn no_policy(name: &str, policy: &str) -> Error {
    Error::PolicyNotFoundException(elb::PolicyNotFoundException {
        message: Some(format!(
            "There is no policy with name {policy} for load balancer {name}"
        )),
    })
}

/// Why a load balancer cannot be in a subnet.
pub fn zones(refusal: &ZonesRefusal) -> Error {
    let message = match refusal {
        ZonesRefusal::NoFreeAddress(subnet) => format!("Not enough IP space available in {subnet}."),
        // Nobody asks for an address here.
        ZonesRefusal::AddressInUse(address) | ZonesRefusal::AddressOutside(address) => {
            format!("The address {address} cannot be had.")
        }
    };
    Error::InvalidSubnetException(elb::InvalidSubnetException {
        message: Some(message),
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
