//! Writes JSON as shapes walk by.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::shape::ValueWriter;

/// A document being written.
pub struct JsonWriter {
    out: Vec<u8>,
}

impl JsonWriter {
    /// An empty document.
    pub fn new() -> Self {
        Self {
            out: Vec::with_capacity(512),
        }
    }

    /// The document.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'[' | b'{' | b':')) {
            self.out.push(b',');
        }
    }
}

impl Default for JsonWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ValueWriter for JsonWriter {
    fn string(&mut self, value: &str) {
        self.out.push(b'"');
        let mut run = 0;
        for (at, byte) in value.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0..=0x1f => "",
                _ => continue,
            };
            self.out.extend_from_slice(&value.as_bytes()[run..at]);
            if escape.is_empty() {
                self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            } else {
                self.out.extend_from_slice(escape.as_bytes());
            }
            run = at + 1;
        }
        self.out.extend_from_slice(&value.as_bytes()[run..]);
        self.out.push(b'"');
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i64) {
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    fn double(&mut self, value: f64) {
        // JSON has no word for infinity.
        let text = if value.is_finite() {
            format!("{value:?}")
        } else {
            "null".to_owned()
        };
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Seconds since 1970 with milliseconds, as AWS writes them.
    fn timestamp(&mut self, value: Timestamp) {
        let millis = value.as_millisecond();
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.unsigned_abs();
        self.out
            .extend_from_slice(format!("{sign}{}.{:03}", millis / 1000, millis % 1000).as_bytes());
    }

    fn blob(&mut self, value: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(STANDARD.encode(value).as_bytes());
        self.out.push(b'"');
    }

    fn begin_list(&mut self) {
        self.out.push(b'[');
    }

    fn item(&mut self) {
        self.separate();
    }

    fn end_list(&mut self) {
        self.out.push(b']');
    }

    fn begin_object(&mut self) {
        self.out.push(b'{');
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.string(name);
        self.out.push(b':');
    }

    fn end_object(&mut self) {
        self.out.push(b'}');
    }
}
