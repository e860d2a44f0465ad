//! Errors as AWS answers them, in each protocol.

use crate::json::JsonWriter;
use crate::query;
use crate::route::Protocol;
use crate::shape::ValueWriter;

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

    /// As the protocol sends it.
    pub fn answer(&self, protocol: Protocol, request_id: &str) -> ErrorAnswer {
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
        answer(
            protocol,
            request_id,
            status,
            code,
            Some(&self.message),
            None::<fn(&mut JsonWriter)>,
        )
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
    let members = |writer: &mut JsonWriter| error.write_members(writer);
    answer(
        protocol,
        request_id,
        error.http_status(),
        error.code(),
        error.message(),
        Some(members),
    )
}

fn answer(
    protocol: Protocol,
    request_id: &str,
    status: u16,
    code: &str,
    message: Option<&str>,
    members: Option<impl Fn(&mut JsonWriter)>,
) -> ErrorAnswer {
    let code = code.to_owned();
    if protocol == Protocol::Query {
        let body = query::error_document(status, &code, message.unwrap_or_default(), request_id);
        return ErrorAnswer {
            status,
            code,
            content_type: protocol.content_type(),
            body,
        };
    }
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.name("__type");
    writer.string(&code);
    match members {
        Some(members) => members(&mut writer),
        None => {
            if let Some(message) = message {
                writer.name("message");
                writer.string(message);
            }
        }
    }
    writer.end_object();
    ErrorAnswer {
        status,
        code,
        content_type: protocol.content_type(),
        body: writer.into_bytes(),
    }
}
