//! Errors as AWS answers them, in each protocol.

use crate::json::JsonWriter;
use crate::route::Protocol;
use crate::shape::{Service, ServiceProtocol, ValueWriter};
use crate::{ec2, query};

#[cfg(test)]
mod tests;

/// Namespace of query errors that belong to no service.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// An error of a modelled service.
pub trait ServiceError: std::fmt::Debug + Sized {
    /// Name of the exception.
    fn code(&self) -> &str;
    /// Its message.
    fn message(&self) -> Option<&str>;
    /// The status that the model gives it.
    fn http_status(&self) -> u16;
    /// Writes its members into an object that is already begun.
    fn write_members(&self, writer: &mut JsonWriter);
    /// Reads a modelled exception from its name and document; `None` for another name.
    fn from_json(code: &str, document: &[u8]) -> Option<Self>;
}

/// An error of a service whose model names none, as Amazon EC2's: a code of the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedError {
    /// HTTP status.
    pub status: u16,
    /// `InvalidVpcID.NotFound`
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl ServiceError for CodedError {
    fn code(&self) -> &str {
        self.code
    }
    fn message(&self) -> Option<&str> {
        Some(&self.message)
    }
    fn http_status(&self) -> u16 {
        self.status
    }
    fn write_members(&self, writer: &mut JsonWriter) {
        writer.name("message");
        writer.string(&self.message);
    }
    fn from_json(_: &str, _: &[u8]) -> Option<Self> {
        None
    }
}

/// An error ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// HTTP status.
    pub status: u16,
    /// Name of the exception.
    pub code: String,
    /// Content type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// An error that no service models: signatures, routing, protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonError {
    /// HTTP status.
    pub status: u16,
    /// Name in the JSON protocols.
    pub json_code: &'static str,
    /// Name in the query protocol.
    pub query_code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl CommonError {
    /// No service that is spoken has the operation.
    pub fn unknown_operation(operation: &str) -> Self {
        Self {
            status: 400,
            json_code: "UnknownOperationException",
            query_code: "InvalidAction",
            message: format!(
                "Could not find operation {operation}: it is unknown, or not supported by Gantry yet."
            ),
        }
    }

    /// The service does not have the operation, or it is not built.
    pub fn unknown_operation_of(service: &Service, operation: &str) -> Self {
        let unknown = Self::unknown_operation(operation);
        match service.protocol {
            ServiceProtocol::Json(_)
            | ServiceProtocol::Query
            | ServiceProtocol::RestJson(_)
            | ServiceProtocol::RestXml(_) => unknown,
            ServiceProtocol::Ec2 => Self {
                message: format!(
                    "The action {operation} is not valid for this web service. It is unknown, or not supported by Gantry yet."
                ),
                ..unknown
            },
        }
    }

    /// A form names no action: <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
    pub fn missing_action(why: &str) -> Self {
        Self {
            status: 400,
            json_code: "UnknownOperationException",
            query_code: "MissingAction",
            message: format!("The request is missing an action or a required parameter: {why}."),
        }
    }

    /// No service that is spoken has this version. Amazon EC2 has a word of its own for it:
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
    pub fn unknown_version(protocol: Protocol, action: &str, version: &str) -> Self {
        let unknown = Self::unknown_operation(&format!("{action} for version {version}"));
        match protocol {
            Protocol::Ec2 => Self {
                query_code: "NoSuchVersion",
                message: format!("The specified API version does not exist: {version:?}."),
                ..unknown
            },
            _ => unknown,
        }
    }

    /// The body is not of the protocol.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            json_code: "SerializationException",
            query_code: "MalformedInput",
            message: message.into(),
        }
    }

    /// The caller may not.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            json_code: "AccessDeniedException",
            query_code: "AccessDenied",
            message: message.into(),
        }
    }

    /// The server itself failed.
    pub fn server(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            json_code: "ServerException",
            query_code: "InternalFailure",
            message: message.into(),
        }
    }

    /// As the protocol sends it, where the service is not known.
    pub fn answer(&self, protocol: Protocol, request_id: &str) -> ErrorAnswer {
        self.answer_in(FAULT_NAMESPACE, protocol, request_id)
    }

    /// As the protocol sends it for a service.
    pub fn answer_of(&self, service: &Service, protocol: Protocol, request_id: &str) -> ErrorAnswer {
        self.answer_in(service.xml_namespace, protocol, request_id)
    }

    fn answer_in(&self, namespace: &str, protocol: Protocol, request_id: &str) -> ErrorAnswer {
        let (status, code) = match (protocol, self.status) {
            (Protocol::Json10 | Protocol::Json11, status) => (status, self.json_code),
            (Protocol::Query, 400) => (query_status(self.query_code), self.query_code),
            (Protocol::Query, status) => (status, self.query_code),
            (Protocol::Ec2, status) => ec2_words(status, self.query_code),
            (Protocol::RestXml, status) => rest_xml_words(status, self.query_code),
            (Protocol::RestJson, 400) => (rest_status(self.json_code), self.json_code),
            (Protocol::RestJson, status) => (status, self.json_code),
        };
        match protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                json_answer(protocol, status, code, |writer| {
                    writer.name("message");
                    writer.string(&self.message);
                })
            }
            Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
                xml_answer(protocol, namespace, status, code, &self.message, request_id)
            }
        }
    }
}

/// In the query protocol, who may not gets 403.
fn query_status(code: &str) -> u16 {
    match code {
        "AccessDenied"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "RequestExpired" => 403,
        _ => 400,
    }
}

/// In rest-json, who may not gets 403, and who asks for nothing that is there gets 404.
fn rest_status(code: &str) -> u16 {
    match code {
        "UnknownOperationException" => 404,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => 403,
        _ => 400,
    }
}

/// Services of rest-xml have the words of query, but for input that does not fit, which is their own InvalidInput.
fn rest_xml_words(status: u16, code: &'static str) -> (u16, &'static str) {
    match (status, code) {
        (_, "ValidationError") => (400, "InvalidInput"),
        (400, code) => (query_status(code), code),
        (status, code) => (status, code),
    }
}

/// Amazon EC2 has words of its own for the common errors of query:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn ec2_words(status: u16, code: &'static str) -> (u16, &'static str) {
    match code {
        "AccessDenied" => (403, "UnauthorizedOperation"),
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "IncompleteSignature" => (401, "AuthFailure"),
        "MissingAuthenticationToken" => (401, "AuthFailure"),
        "MalformedInput" => (400, "InvalidParameterValue"),
        "ValidationError" => (400, "MissingParameter"),
        "InternalFailure" => (500, "InternalError"),
        other => (status, other),
    }
}

/// An error of a service as the protocol sends it.
pub fn modelled<E: ServiceError>(
    service: &Service,
    error: &E,
    protocol: Protocol,
    request_id: &str,
) -> ErrorAnswer {
    let (status, code) = (error.http_status(), error.code());
    match protocol {
        Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
            json_answer(protocol, status, code, |writer| error.write_members(writer))
        }
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
            let message = error.message().unwrap_or_default();
            xml_answer(protocol, service.xml_namespace, status, code, message, request_id)
        }
    }
}

fn xml_answer(
    protocol: Protocol,
    namespace: &str,
    status: u16,
    code: &str,
    message: &str,
    request_id: &str,
) -> ErrorAnswer {
    let body = match protocol {
        Protocol::Ec2 => ec2::error_document(code, message, request_id),
        _ => query::error_document(namespace, status, code, message, request_id),
    };
    ErrorAnswer {
        status,
        code: code.to_owned(),
        content_type: protocol.content_type(),
        body,
    }
}

fn json_answer(
    protocol: Protocol,
    status: u16,
    code: &str,
    members: impl FnOnce(&mut JsonWriter),
) -> ErrorAnswer {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    // rest-json has the code in a header alone, which the HTTP front writes for all protocols.
    if protocol != Protocol::RestJson {
        writer.name("__type");
        writer.string(code);
    }
    members(&mut writer);
    writer.end_object();
    ErrorAnswer {
        status,
        code: code.to_owned(),
        content_type: protocol.content_type(),
        body: writer.into_bytes(),
    }
}
