//! The query protocol: forms in, XML out.

mod form;
pub(crate) mod xml;

#[cfg(test)]
mod tests;

use crate::shape::{DecodeError, Service, Value};

pub use form::parameter;

/// Name of the items of a list that has no other.
const ITEM: &str = "member";
/// Name of the entries of a map.
const ENTRY: &str = "entry";
/// Name of a map's keys that have no other.
const KEY: &str = "key";
/// Name of a map's values that have no other.
const VALUE: &str = "value";

/// Reads the input of an operation from a form.
///
/// # Errors
/// It is no form, or not of the shape.
pub fn decode<T: Value>(body: &[u8]) -> Result<T, DecodeError> {
    let mut reader = form::parse(body)?;
    T::read(&mut reader)
}

/// Writes the answer of an operation.
pub fn encode<T: Value>(service: &Service, operation: &str, output: &T, request_id: &str) -> Vec<u8> {
    let result = xml::element(&format!("{operation}Result"), output);
    format!(
        "<{operation}Response xmlns=\"{}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
        service.xml_namespace
    )
    .into_bytes()
}

/// Writes an error, in the namespace of its service.
pub fn error_document(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let who = if status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (xml::escaped(code), xml::escaped(message));
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{who}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    .into_bytes()
}
