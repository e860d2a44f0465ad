//! Answers in XML. Names come from models; only text needs escaping.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use quick_xml::escape::escape;

use crate::shape::{Value, ValueWriter};

struct XmlWriter {
    out: String,
    /// Elements that are open around the next value: closed after it.
    open: Vec<Option<String>>,
    pending: Option<String>,
}

impl XmlWriter {
    fn begin(&mut self) {
        let name = self.pending.take();
        if let Some(name) = &name {
            self.out.push_str(&format!("<{name}>"));
        }
        self.open.push(name);
    }

    fn end(&mut self) {
        if let Some(name) = self.open.pop().flatten() {
            self.out.push_str(&format!("</{name}>"));
        }
    }

    fn text(&mut self, text: &str) {
        self.begin();
        self.out.push_str(&escaped(text));
        self.end();
    }
}

impl ValueWriter for XmlWriter {
    fn string(&mut self, value: &str) {
        self.text(value);
    }
    fn boolean(&mut self, value: bool) {
        self.text(if value { "true" } else { "false" });
    }
    fn integer(&mut self, value: i64) {
        self.text(&value.to_string());
    }
    fn double(&mut self, value: f64) {
        self.text(&value.to_string());
    }
    fn timestamp(&mut self, value: Timestamp) {
        self.text(&value.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    fn blob(&mut self, value: &[u8]) {
        self.text(&STANDARD.encode(value));
    }
    fn begin_list(&mut self) {
        self.begin();
    }
    fn item(&mut self) {
        self.pending = Some("member".to_owned());
    }
    fn end_list(&mut self) {
        self.end();
    }
    fn begin_object(&mut self) {
        self.begin();
    }
    fn name(&mut self, name: &str) {
        self.pending = Some(name.to_owned());
    }
    fn end_object(&mut self) {
        self.end();
    }
}

/// Text as XML holds it. Control characters have no form in XML, not even an escaped one.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_control = |it: char| matches!(it, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(|it| it == '\r' || is_control(it)) {
        return escape(text);
    }
    // Readers make a bare carriage return a line feed.
    let text = text.replace(is_control, "\u{fffd}");
    Cow::Owned(escape(text).replace('\r', "&#13;"))
}

/// `<OperationResponse><OperationResult>…`
pub fn answer<T: Value>(namespace: &str, operation: &str, output: &T, request_id: &str) -> Vec<u8> {
    let mut writer = XmlWriter {
        out: String::new(),
        open: Vec::new(),
        pending: Some(format!("{operation}Result")),
    };
    output.write(&mut writer);
    let result = writer.out;
    format!(
        "<{operation}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    .into_bytes()
}

/// `<ErrorResponse><Error>…`
pub fn error(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let who = if status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (escaped(code), escaped(message));
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{who}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    .into_bytes()
}
