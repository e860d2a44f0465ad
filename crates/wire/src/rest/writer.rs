//! Writes answers: each member into its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::items::{http_date, item};
use super::{Answer, HttpOperation, Language, Place};
use crate::json::JsonWriter;
use crate::query::xml::XmlWriter;
use crate::route::Protocol;
use crate::shape::{Layout, ValueWriter};

/// Status of an answer without a body.
const NO_CONTENT: u16 = 204;

/// An answer being written.
pub struct HttpWriter {
    language: Language,
    operation: &'static HttpOperation,
    status: u16,
    headers: Vec<(String, String)>,
    /// The members of the body.
    body: Document,
    has_members: bool,
    payload: Option<Payload>,
    /// Of the member that is being written; `None` is the body.
    place: Option<Place>,
    /// How deep in structures, lists and maps.
    depth: usize,
    /// Items of a list in a header.
    items: Option<Vec<String>>,
    /// Key of an entry of a map of headers, or name of the payload.
    key: String,
}

enum Document {
    Json(JsonWriter),
    Xml(XmlWriter),
}

impl Document {
    fn writer(&mut self) -> &mut dyn ValueWriter {
        match self {
            Self::Json(json) => json,
            Self::Xml(xml) => xml,
        }
    }
}

enum Payload {
    Document(Document),
    Text(String),
    Bytes(Vec<u8>),
}

impl HttpWriter {
    /// An empty answer.
    pub fn new(language: Language, operation: &'static HttpOperation) -> Self {
        Self {
            language,
            operation,
            status: operation.status,
            headers: Vec::new(),
            body: match language {
                Language::Json => Document::Json(JsonWriter::new()),
                Language::Xml(_) => Document::Xml(XmlWriter::new(None)),
            },
            has_members: false,
            payload: None,
            place: None,
            depth: 0,
            items: None,
            key: String::new(),
        }
    }

    /// The answer.
    pub fn into_answer(self) -> Answer {
        let has_payload = self.operation.output.iter().any(|it| it.place == Place::Payload);
        let usual = match self.language {
            Language::Json => Protocol::RestJson.content_type(),
            Language::Xml(_) => Protocol::RestXml.content_type(),
        };
        let (content_type, body) = match self.payload {
            Some(Payload::Document(Document::Json(json))) => (usual, json.into_bytes()),
            Some(Payload::Document(Document::Xml(xml))) => (usual, xml.into_text().into_bytes()),
            Some(Payload::Text(text)) => ("text/plain", text.into_bytes()),
            Some(Payload::Bytes(bytes)) => ("application/octet-stream", bytes),
            None if has_payload => (usual, Vec::new()),
            // Such an answer has no body, and a shape with nothing to say needs none.
            None if self.status == NO_CONTENT && !self.has_members => (usual, Vec::new()),
            None => match (self.body, self.language) {
                (Document::Xml(xml), Language::Xml(namespace)) => (
                    usual,
                    whole(self.operation, namespace, &xml.into_text()).into_bytes(),
                ),
                (Document::Xml(xml), Language::Json) => (usual, xml.into_text().into_bytes()),
                (Document::Json(json), _) => (usual, json.into_bytes()),
            },
        };
        Answer {
            status: self.status,
            content_type,
            headers: self.headers,
            body,
        }
    }

    /// Where the value goes if that is the body; `None` for one that goes to a header, the status or is all of the body.
    fn body(&mut self) -> Option<&mut dyn ValueWriter> {
        match self.place {
            None => Some(self.body.writer()),
            Some(Place::Payload) => match &mut self.payload {
                Some(Payload::Document(document)) => Some(document.writer()),
                _ => None,
            },
            Some(_) => None,
        }
    }

    /// Puts a value as text where it belongs.
    fn put(&mut self, text: String) {
        match self.place {
            Some(Place::Header(name)) => match &mut self.items {
                Some(items) => items.push(item(&text)),
                None => self.headers.push((name.to_owned(), text)),
            },
            Some(Place::HeaderMap(prefix)) => {
                let name = format!("{prefix}{}", self.key).to_ascii_lowercase();
                self.headers.push((name, text));
            }
            Some(Place::Status) => self.status = text.parse().unwrap_or(self.status),
            Some(Place::Payload) => self.payload = Some(Payload::Text(text)),
            // The others are places of requests.
            Some(Place::Label(_) | Place::Query(_) | Place::QueryMap) | None => {}
        }
    }

    fn begin_payload(&mut self) {
        if self.place == Some(Place::Payload) && self.payload.is_none() {
            self.payload = Some(Payload::Document(match self.language {
                Language::Json => Document::Json(JsonWriter::new()),
                Language::Xml(_) => Document::Xml(XmlWriter::new(Some(&self.key))),
            }));
        }
    }
}

/// The document that has the members of an answer: its element is named after the operation, as Route 53's are.
fn whole(operation: &HttpOperation, namespace: &str, members: &str) -> String {
    let name = operation.name;
    format!("<?xml version=\"1.0\"?>\n<{name}Response xmlns=\"{namespace}\">{members}</{name}Response>")
}

impl ValueWriter for HttpWriter {
    fn layout(&mut self, layout: Layout) {
        self.begin_payload();
        if let Some(body) = self.body() {
            body.layout(layout);
        }
    }

    fn string(&mut self, value: &str) {
        match self.body() {
            Some(body) => body.string(value),
            None => self.put(value.to_owned()),
        }
    }

    fn boolean(&mut self, value: bool) {
        match self.body() {
            Some(body) => body.boolean(value),
            None => self.put(value.to_string()),
        }
    }

    fn integer(&mut self, value: i64) {
        match self.body() {
            Some(body) => body.integer(value),
            None => self.put(value.to_string()),
        }
    }

    fn double(&mut self, value: f64) {
        match self.body() {
            Some(body) => body.double(value),
            None if value.is_infinite() => {
                self.put(if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
            }
            None => self.put(value.to_string()),
        }
    }

    fn timestamp(&mut self, value: Timestamp) {
        if let Some(body) = self.body() {
            return body.timestamp(value);
        }
        // A time has a comma of its own and no quotes.
        let text = http_date(value);
        match &mut self.items {
            Some(items) => items.push(text),
            None => self.put(text),
        }
    }

    fn blob(&mut self, value: &[u8]) {
        if let Some(body) = self.body() {
            return body.blob(value);
        }
        match self.place {
            Some(Place::Payload) => self.payload = Some(Payload::Bytes(value.to_vec())),
            _ => self.put(STANDARD.encode(value)),
        }
    }

    fn document(&mut self, document: &str) {
        self.begin_payload();
        if let Some(body) = self.body() {
            body.document(document);
        }
    }

    fn begin_list(&mut self) {
        self.begin_payload();
        self.depth += 1;
        match self.body() {
            Some(body) => body.begin_list(),
            None => self.items = Some(Vec::new()),
        }
    }

    fn item(&mut self) {
        if let Some(body) = self.body() {
            body.item();
        }
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        if let Some(body) = self.body() {
            return body.end_list();
        }
        if let Some(items) = self.items.take().filter(|it| !it.is_empty()) {
            self.put(items.join(", "));
        }
    }

    fn begin_object(&mut self) {
        self.begin_payload();
        self.depth += 1;
        if let Some(body) = self.body() {
            body.begin_object();
        }
    }

    fn name(&mut self, name: &str) {
        if self.depth == 1 {
            let bound = self.operation.output.iter().find(|it| it.member == name);
            self.place = bound.map(|it| it.place);
            self.has_members |= self.place.is_none();
            if self.place.is_some() {
                name.clone_into(&mut self.key);
                return;
            }
        }
        match self.body() {
            Some(body) => body.name(name),
            None => name.clone_into(&mut self.key),
        }
    }

    fn end_object(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.place = None;
        }
        if let Some(body) = self.body() {
            body.end_object();
        }
    }

    fn begin_map(&mut self) {
        self.begin_payload();
        self.depth += 1;
        if let Some(body) = self.body() {
            body.begin_map();
        }
    }

    fn key(&mut self, key: &str) {
        match self.body() {
            Some(body) => body.key(key),
            None => key.clone_into(&mut self.key),
        }
    }

    fn end_map(&mut self) {
        self.depth -= 1;
        if let Some(body) = self.body() {
            body.end_map();
        }
    }
}
