//! Writes answers: each member into its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::items::{http_date, item};
use super::{Answer, HttpOperation, Place};
use crate::json::JsonWriter;
use crate::shape::ValueWriter;

/// Status of an answer without a body.
const NO_CONTENT: u16 = 204;

/// An answer being written.
pub struct HttpWriter {
    operation: &'static HttpOperation,
    status: u16,
    headers: Vec<(String, String)>,
    /// The members of the body.
    json: JsonWriter,
    has_members: bool,
    payload: Option<Payload>,
    /// Of the member that is being written; `None` is the body.
    place: Option<Place>,
    /// How deep in structures, lists and maps.
    depth: usize,
    /// Items of a list in a header.
    items: Option<Vec<String>>,
    /// Key of an entry of a map of headers.
    key: String,
}

enum Payload {
    Json(JsonWriter),
    Text(String),
    Bytes(Vec<u8>),
}

impl HttpWriter {
    /// An empty answer.
    pub fn new(operation: &'static HttpOperation) -> Self {
        Self {
            operation,
            status: operation.status,
            headers: Vec::new(),
            json: JsonWriter::new(),
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
        let (content_type, body) = match self.payload {
            Some(Payload::Json(json)) => ("application/json", json.into_bytes()),
            Some(Payload::Text(text)) => ("text/plain", text.into_bytes()),
            Some(Payload::Bytes(bytes)) => ("application/octet-stream", bytes),
            None if has_payload => ("application/json", Vec::new()),
            // Such an answer has no body, and a shape with nothing to say needs none.
            None if self.status == NO_CONTENT && !self.has_members => ("application/json", Vec::new()),
            None => ("application/json", self.json.into_bytes()),
        };
        Answer {
            status: self.status,
            content_type,
            headers: self.headers,
            body,
        }
    }

    /// The JSON that the value goes to; `None` for one that goes to a header, the status or the whole body.
    fn json(&mut self) -> Option<&mut JsonWriter> {
        match self.place {
            None => Some(&mut self.json),
            Some(Place::Payload) => match &mut self.payload {
                Some(Payload::Json(json)) => Some(json),
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
            self.payload = Some(Payload::Json(JsonWriter::new()));
        }
    }
}

impl ValueWriter for HttpWriter {
    fn string(&mut self, value: &str) {
        match self.json() {
            Some(json) => json.string(value),
            None => self.put(value.to_owned()),
        }
    }

    fn boolean(&mut self, value: bool) {
        match self.json() {
            Some(json) => json.boolean(value),
            None => self.put(value.to_string()),
        }
    }

    fn integer(&mut self, value: i64) {
        match self.json() {
            Some(json) => json.integer(value),
            None => self.put(value.to_string()),
        }
    }

    fn double(&mut self, value: f64) {
        match self.json() {
            Some(json) => json.double(value),
            None if value.is_infinite() => {
                self.put(if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
            }
            None => self.put(value.to_string()),
        }
    }

    fn timestamp(&mut self, value: Timestamp) {
        if let Some(json) = self.json() {
            return json.timestamp(value);
        }
        // A time has a comma of its own and no quotes.
        let text = http_date(value);
        match &mut self.items {
            Some(items) => items.push(text),
            None => self.put(text),
        }
    }

    fn blob(&mut self, value: &[u8]) {
        if let Some(json) = self.json() {
            return json.blob(value);
        }
        match self.place {
            Some(Place::Payload) => self.payload = Some(Payload::Bytes(value.to_vec())),
            _ => self.put(STANDARD.encode(value)),
        }
    }

    fn document(&mut self, document: &str) {
        self.begin_payload();
        if let Some(json) = self.json() {
            json.document(document);
        }
    }

    fn begin_list(&mut self) {
        self.begin_payload();
        self.depth += 1;
        match self.json() {
            Some(json) => json.begin_list(),
            None => self.items = Some(Vec::new()),
        }
    }

    fn item(&mut self) {
        if let Some(json) = self.json() {
            json.item();
        }
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        if let Some(json) = self.json() {
            return json.end_list();
        }
        if let Some(items) = self.items.take().filter(|it| !it.is_empty()) {
            self.put(items.join(", "));
        }
    }

    fn begin_object(&mut self) {
        self.begin_payload();
        self.depth += 1;
        if let Some(json) = self.json() {
            json.begin_object();
        }
    }

    fn name(&mut self, name: &str) {
        if self.depth == 1 {
            let bound = self.operation.output.iter().find(|it| it.member == name);
            self.place = bound.map(|it| it.place);
            self.has_members |= self.place.is_none();
            if self.place.is_some() {
                return;
            }
        }
        match self.json() {
            Some(json) => json.name(name),
            None => name.clone_into(&mut self.key),
        }
    }

    fn end_object(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.place = None;
        }
        if let Some(json) = self.json() {
            json.end_object();
        }
    }
}
