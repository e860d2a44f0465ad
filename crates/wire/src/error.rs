//! Errors as AWS answers them, in each protocol.

use crate::json::JsonWriter;
use crate::query;
use crate::route::Protocol;
use crate::shape::{Service, ValueWriter};

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
    /// Namespace of the service's query answers; empty where it does not speak query.
    fn xml_namespace() -> &'static str {
        ""
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
    /// The operation does not exist, or is not built.
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
        self.answer_in("", protocol, request_id)
    }

    /// As the protocol sends it for a service.
    pub fn answer_of(&self, service: &Service, protocol: Protocol, request_id: &str) -> ErrorAnswer {
        self.answer_in(service.xml_namespace, protocol, request_id)
    }

    fn answer_in(&self, namespace: &str, protocol: Protocol, request_id: &str) -> ErrorAnswer {
        let (code, status) = match protocol {
            Protocol::Query => (
                self.query_code,
                if self.status == 400 {
                    query_status(self.query_code)
                } else {
                    self.status
                },
            ),
            Protocol::Json10 | Protocol::Json11 => (self.json_code, self.status),
        };
        if protocol == Protocol::Query {
            return query_answer(namespace, status, code, &self.message, request_id);
        }
        json_answer(protocol, status, code, |writer| {
            writer.name("message");
            writer.string(&self.message);
        })
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

/// A modelled error as the protocol sends it.
pub fn modelled<E: ServiceError>(error: &E, protocol: Protocol, request_id: &str) -> ErrorAnswer {
    let (status, code) = (error.http_status(), error.code());
    if protocol == Protocol::Query {
        let message = error.message().unwrap_or_default();
        return query_answer(E::xml_namespace(), status, code, message, request_id);
    }
    json_answer(protocol, status, code, |writer| error.write_members(writer))
}

fn query_answer(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> ErrorAnswer {
    let namespace = if namespace.is_empty() {
        FAULT_NAMESPACE
    } else {
        namespace
    };
    ErrorAnswer {
        status,
        code: code.to_owned(),
        content_type: Protocol::Query.content_type(),
        body: query::error_document(namespace, status, code, message, request_id),
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
    writer.name("__type");
    writer.string(code);
    members(&mut writer);
    writer.end_object();
    ErrorAnswer {
        status,
        code: code.to_owned(),
        content_type: protocol.content_type(),
        body: writer.into_bytes(),
    }
}
