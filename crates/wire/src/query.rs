//! The query protocol: forms in, XML out.

mod form;
mod xml;

#[cfg(test)]
mod tests;

use crate::shape::{DecodeError, Service, Value};

pub use form::parameter;

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
    xml::answer(service.xml_namespace, operation, output, request_id)
}

/// Writes an error, in the namespace of its service.
pub fn error_document(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    xml::error(namespace, status, code, message, request_id)
}
