//! Amazon EC2's kind of query: the same forms, with every list flat, and answers of their own form.

use crate::query::xml;
use crate::shape::{Service, Value};

#[cfg(test)]
mod tests;

pub use crate::query::decode;

/// Writes the answer of an operation. Amazon's namespace ends in a slash, the model's does not.
pub fn encode<T: Value>(service: &Service, operation: &str, output: &T, request_id: &str) -> Vec<u8> {
    let members = xml::members(output);
    format!(
        "<{operation}Response xmlns=\"{}/\"><requestId>{request_id}</requestId>{members}</{operation}Response>",
        service.xml_namespace
    )
    .into_bytes()
}

/// Writes an error.
pub fn error_document(code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let (code, message) = (xml::escaped(code), xml::escaped(message));
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
    .into_bytes()
}
