//! Writes JSON as shapes walk by.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::shape::ValueWriter;

/// A document being written.
pub struct JsonWriter {
    out: Vec<u8>,
    has_text_times: bool,
}

impl JsonWriter {
    /// An empty document.
    pub fn new() -> Self {
        Self {
            out: Vec::with_capacity(512),
            has_text_times: false,
        }
    }

    /// An empty document whose times are texts of RFC 3339 with milliseconds, as events of EventBridge have them.
    pub fn with_text_times() -> Self {
        Self {
            has_text_times: true,
            ..Self::new()
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

    fn escaped(&mut self, value: &str) {
        let mut run = 0;
        for (at, byte) in value.bytes().enumerate() {
            if !needs_escape(byte) {
                continue;
            }
            self.out.extend_from_slice(&value.as_bytes()[run..at]);
            run = at + 1;
            let short = match byte {
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                b'"' | b'\\' => byte,
                _ => {
                    let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                    self.out.extend_from_slice(b"\\u00");
                    self.out.extend_from_slice(&digits);
                    continue;
                }
            };
            self.out.extend_from_slice(&[b'\\', short]);
        }
        self.out.extend_from_slice(&value.as_bytes()[run..]);
    }

    fn digits(&mut self, value: i64) {
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl Default for JsonWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ValueWriter for JsonWriter {
    fn string(&mut self, value: &str) {
        self.out.push(b'"');
        // Without an early end this is a few vector instructions, and most texts have nothing to escape.
        let is_plain = value
            .bytes()
            .fold(true, |is_plain, byte| is_plain & !needs_escape(byte));
        if is_plain {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            self.escaped(value);
        }
        self.out.push(b'"');
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i64) {
        self.digits(value);
    }

    fn double(&mut self, value: f64) {
        // JSON has no number for these: AWS writes words, which clients know.
        if value.is_nan() {
            return self.string("NaN");
        }
        if value.is_infinite() {
            return self.string(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
        // A vector takes all that is written.
        let _ = write!(self.out, "{value:?}");
    }

    /// Seconds since 1970 with milliseconds, as AWS writes them.
    fn timestamp(&mut self, value: Timestamp) {
        if self.has_text_times {
            // A vector takes all that is written.
            let _ = write!(self.out, "\"{value:.3}\"");
            return;
        }
        let millis = value.as_millisecond();
        if millis < 0 {
            self.out.push(b'-');
        }
        self.digits((millis / 1000).abs());
        // From 1000, so that there are always three digits after the first.
        let thousandths = 1000 + (millis % 1000).abs();
        let at = self.out.len();
        self.digits(thousandths);
        self.out[at] = b'.';
    }

    fn blob(&mut self, value: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(STANDARD.encode(value).as_bytes());
        self.out.push(b'"');
    }

    fn document(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
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
