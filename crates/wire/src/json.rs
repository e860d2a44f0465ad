//! awsJson 1.0 and 1.1, and the messages of ACS and TCS.

mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::JsonReader;
pub use writer::JsonWriter;

use crate::shape::{DecodeError, Value};

/// Reads a whole document. An empty body is an empty structure, as AWS reads it.
///
/// # Errors
/// It is not JSON, or not of the shape.
pub fn decode<T: Value>(bytes: &[u8]) -> Result<T, DecodeError> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) {
        b"{}"
    } else {
        bytes
    };
    let mut reader = JsonReader::new(bytes);
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Writes a document.
pub fn encode<T: Value>(value: &T) -> Vec<u8> {
    let mut writer = JsonWriter::new();
    value.write(&mut writer);
    writer.into_bytes()
}

/// Writes a document whose times are texts, such as `2026-01-31T12:00:00.250Z`: a shape as events of EventBridge have it.
pub fn encode_with_text_times<T: Value>(value: &T) -> Vec<u8> {
    let mut writer = JsonWriter::with_text_times();
    value.write(&mut writer);
    writer.into_bytes()
}
