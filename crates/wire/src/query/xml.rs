//! Values in XML. Names come from models; only text needs escaping.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use quick_xml::escape::escape;

use super::{ENTRY, ITEM, KEY, VALUE};
use crate::shape::{Layout, Value, ValueWriter};

/// Writes values as elements.
#[derive(Default)]
pub struct XmlWriter {
    out: String,
    /// Elements around the next value that are begun; none where a value has no element of its own.
    open: Vec<Option<String>>,
    /// Element of the next value.
    pending: Option<String>,
    /// Layout of the next list or map.
    layout: Option<Layout>,
    /// Lists and maps that are begun.
    frames: Vec<Frame>,
}

/// How the parts of a list or map that is begun are written.
enum Frame {
    List {
        item: String,
    },
    Map {
        entry: String,
        key: &'static str,
        value: &'static str,
        is_entry_open: bool,
    },
}

impl XmlWriter {
    /// Nothing yet. The value to come has an element of this name, or none of its own.
    pub fn new(element: Option<&str>) -> Self {
        Self {
            pending: element.map(str::to_owned),
            ..Self::default()
        }
    }

    /// What has been written.
    pub fn into_text(self) -> String {
        self.out
    }

    fn begin(&mut self) {
        let name = self.pending.take();
        if let Some(name) = &name {
            self.start(name);
        }
        self.open.push(name);
    }

    fn end(&mut self) {
        if let Some(name) = self.open.pop().flatten() {
            self.finish(&name);
        }
    }

    /// What has no element of its own gives its name to its parts.
    fn begin_flat(&mut self) -> String {
        self.open.push(None);
        self.pending.take().unwrap_or_default()
    }

    fn start(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
    }

    fn finish(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn text(&mut self, text: &str) {
        self.begin();
        self.out.push_str(&escaped(text));
        self.end();
    }

    /// Ends the entry whose value has been written.
    fn end_entry(&mut self) {
        let Some(Frame::Map {
            entry, is_entry_open, ..
        }) = self.frames.last_mut()
        else {
            return;
        };
        if std::mem::take(is_entry_open) {
            let entry = entry.clone();
            self.finish(&entry);
        }
    }
}

impl ValueWriter for XmlWriter {
    fn layout(&mut self, layout: Layout) {
        self.layout = Some(layout);
    }
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
        if value.is_infinite() {
            self.text(if value > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            self.text(&value.to_string());
        }
    }
    fn timestamp(&mut self, value: Timestamp) {
        let format = match value.subsec_nanosecond() {
            0 => "%Y-%m-%dT%H:%M:%SZ",
            _ => "%Y-%m-%dT%H:%M:%S%.3fZ",
        };
        self.text(&value.strftime(format).to_string());
    }
    fn blob(&mut self, value: &[u8]) {
        self.text(&STANDARD.encode(value));
    }
    fn begin_list(&mut self) {
        let item = match self.layout.take() {
            Some(Layout::FlatList) => self.begin_flat(),
            Some(Layout::List(item)) => {
                self.begin();
                item.to_owned()
            }
            _ => {
                self.begin();
                ITEM.to_owned()
            }
        };
        self.frames.push(Frame::List { item });
    }
    fn item(&mut self) {
        if let Some(Frame::List { item }) = self.frames.last() {
            self.pending = Some(item.clone());
        }
    }
    fn end_list(&mut self) {
        self.frames.pop();
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
    fn begin_map(&mut self) {
        let (entry, key, value) = match self.layout.take() {
            Some(Layout::FlatMap(key, value)) => (self.begin_flat(), key, value),
            Some(Layout::Map(key, value)) => {
                self.begin();
                (ENTRY.to_owned(), key, value)
            }
            _ => {
                self.begin();
                (ENTRY.to_owned(), KEY, VALUE)
            }
        };
        self.frames.push(Frame::Map {
            entry,
            key,
            value,
            is_entry_open: false,
        });
    }
    fn key(&mut self, text: &str) {
        self.end_entry();
        let Some(Frame::Map {
            entry,
            key,
            value,
            is_entry_open,
        }) = self.frames.last_mut()
        else {
            return;
        };
        *is_entry_open = true;
        let (entry, key, value) = (entry.clone(), *key, *value);
        self.start(&entry);
        self.name(key);
        self.text(text);
        self.name(value);
    }
    fn end_map(&mut self) {
        self.end_entry();
        self.frames.pop();
        self.end();
    }
}

/// Text as XML holds it. Control characters have no form in XML, not even an escaped one.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let is_control = |it: char| matches!(it, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(|it| it == '\r' || is_control(it)) {
        return escape(text);
    }
    // Readers make a bare carriage return a line feed.
    let text = text.replace(is_control, "\u{fffd}");
    Cow::Owned(escape(text).replace('\r', "&#13;"))
}

/// `<name>…</name>`
pub fn element<T: Value>(name: &str, value: &T) -> String {
    let mut writer = XmlWriter::new(Some(name));
    value.write(&mut writer);
    writer.into_text()
}

/// The members of a structure, without an element round them.
pub fn members<T: Value>(structure: &T) -> String {
    let mut writer = XmlWriter::new(None);
    structure.write(&mut writer);
    writer.into_text()
}
