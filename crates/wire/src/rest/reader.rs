//! Reads requests: each member from its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::items::{ItemKind, take_item, time};
use super::xml::XmlReader;
use super::{HttpOperation, Language, Place, Request, template};
use crate::json::JsonReader;
use crate::shape::{DecodeError, Layout, ValueReader};

/// Most parameters of a query.
const PARAMETERS_MAX: usize = 1000;

/// Where a request is being read.
pub enum HttpReader<'a> {
    /// At its start.
    Whole(Language, &'a HttpOperation, Request<'a>),
    /// At a label, or at all values of a parameter.
    Values(Vec<String>),
    /// At a header.
    Header(String),
    /// In a list in a header: what is left of it.
    Items(String),
    /// At parameters or headers that make up a map.
    Pairs(Vec<(String, Vec<String>)>),
    /// At a member that is the whole body.
    Payload(Language, &'a [u8]),
    /// In a body of JSON.
    Json(JsonReader<'a>),
    /// In a body of XML.
    Xml(XmlReader),
}

type Entry<'e, R> = &'e mut dyn FnMut(&str, &mut R) -> Result<bool, DecodeError>;

impl<'a> HttpReader<'a> {
    /// At the start of a request.
    pub fn new(language: Language, operation: &'a HttpOperation, request: Request<'a>) -> Self {
        Self::Whole(language, operation, request)
    }

    /// The text of a value outside the body.
    fn text(&mut self, kind: ItemKind) -> Result<String, DecodeError> {
        let text = match self {
            Self::Values(values) => values.first().cloned(),
            Self::Header(text) => Some(text.clone()),
            Self::Items(rest) => Some(take_item(rest, kind)),
            Self::Payload(_, body) => std::str::from_utf8(body).ok().map(str::to_owned),
            Self::Whole(..) | Self::Pairs(_) | Self::Json(_) | Self::Xml(_) => None,
        };
        text.ok_or_else(|| DecodeError::serialization("a text was expected, and something else is there"))
    }

    fn parsed<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, DecodeError> {
        let text = self.text(ItemKind::Text)?;
        text.parse()
            .map_err(|_| DecodeError::serialization(format!("{text:?} is not {what}")))
    }

    /// Begins to read the document that a payload is, if this is one.
    fn open(&mut self) -> Result<(), DecodeError> {
        match *self {
            Self::Payload(Language::Json, body) => *self = Self::Json(JsonReader::new(body)),
            Self::Payload(Language::Xml(_), body) => *self = Self::Xml(XmlReader::parse(body)?),
            _ => {}
        }
        Ok(())
    }
}

/// Lends a reader of JSON to a callback that wants a reader of HTTP.
fn lend<'a, T>(json: &mut JsonReader<'a>, read: impl FnOnce(&mut HttpReader<'a>) -> T) -> T {
    let mut lent = HttpReader::Json(std::mem::replace(json, JsonReader::new(b"")));
    let read = read(&mut lent);
    if let HttpReader::Json(back) = lent {
        *json = back;
    }
    read
}

/// The same of XML: what is at a place of the tree is read there, and does not come back.
fn give<'a, T>(xml: &mut XmlReader, read: impl FnOnce(&mut HttpReader<'a>) -> T) -> T {
    read(&mut HttpReader::Xml(std::mem::take(xml)))
}

fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

/// Calls `entry` for what is bound, then for what the body has.
fn whole<'a>(
    language: Language,
    operation: &HttpOperation,
    request: Request<'a>,
    entry: Entry<'_, HttpReader<'a>>,
) -> Result<(), DecodeError> {
    let labels = template::labels(operation.uri, request.uri.path());
    let labels = labels.ok_or_else(|| DecodeError::serialization("the path is of another operation"))?;
    let parameters = template::parameters(request.uri.query().unwrap_or_default());
    if parameters.len() > PARAMETERS_MAX {
        let most = format!("more than {PARAMETERS_MAX} parameters");
        return Err(DecodeError::serialization(most));
    }
    let mut has_payload = false;
    for it in operation.input {
        let source = match it.place {
            Place::Label(name) => labels
                .iter()
                .find(|(label, _)| *label == name)
                .map(|(_, text)| HttpReader::Values(vec![text.clone()])),
            Place::Query(name) => values_of(&parameters, name).map(HttpReader::Values),
            Place::QueryMap => pairs(&parameters),
            Place::Header(name) => header(request, name).map(HttpReader::Header),
            Place::HeaderMap(prefix) => headers(request, prefix),
            Place::Payload => {
                has_payload = true;
                (!request.body.is_empty()).then_some(HttpReader::Payload(language, request.body))
            }
            Place::Status => None,
        };
        if let Some(mut source) = source {
            entry(it.member, &mut source)?;
            if let HttpReader::Json(json) = &mut source {
                json.end()?;
            }
        }
    }
    if has_payload || is_blank(request.body) {
        return Ok(());
    }
    let is_bound = |name: &str| operation.input.iter().any(|it| it.member == name);
    if let Language::Xml(_) = language {
        return XmlReader::parse(request.body)?.object(&mut |name, xml| match is_bound(name) {
            true => Ok(false),
            false => give(xml, |reader| entry(name, reader)),
        });
    }
    let mut json = JsonReader::new(request.body);
    json.object(&mut |name, json| match is_bound(name) {
        true => Ok(false),
        false => lend(json, |reader| entry(name, reader)),
    })?;
    json.end()
}

fn values_of(parameters: &[(String, String)], name: &str) -> Option<Vec<String>> {
    let named = parameters.iter().filter(|(it, _)| it == name);
    let values: Vec<String> = named.map(|(_, value)| value.clone()).collect();
    (!values.is_empty()).then_some(values)
}

/// Several values of one name come together.
fn pairs<'r>(all: &[(String, String)]) -> Option<HttpReader<'r>> {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in all {
        match pairs.iter_mut().find(|(it, _)| it == name) {
            Some((_, values)) => values.push(value.clone()),
            None => pairs.push((name.clone(), vec![value.clone()])),
        }
    }
    (!pairs.is_empty()).then_some(HttpReader::Pairs(pairs))
}

/// A header; several of one name are one list.
fn header(request: Request<'_>, name: &str) -> Option<String> {
    let values = request.headers.get_all(name).iter();
    let values: Vec<_> = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn headers<'r>(request: Request<'_>, prefix: &str) -> Option<HttpReader<'r>> {
    let names = request
        .headers
        .keys()
        .filter_map(|it| it.as_str().strip_prefix(prefix));
    let pairs = names.map(|it| {
        let value = header(request, &format!("{prefix}{it}")).unwrap_or_default();
        (it.to_owned(), vec![value])
    });
    let pairs: Vec<_> = pairs.collect();
    (!pairs.is_empty()).then_some(HttpReader::Pairs(pairs))
}

impl ValueReader for HttpReader<'_> {
    fn layout(&mut self, layout: Layout) {
        if let Self::Xml(xml) = self {
            xml.layout(layout);
        }
    }

    fn take_null(&mut self) -> bool {
        match self {
            Self::Json(json) => json.take_null(),
            _ => false,
        }
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        match self {
            Self::Json(json) => json.string(),
            Self::Xml(xml) => xml.string(),
            _ => self.text(ItemKind::Text),
        }
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self {
            Self::Json(json) => json.boolean(),
            Self::Xml(xml) => xml.boolean(),
            _ => self.parsed("true or false"),
        }
    }

    fn integer(&mut self) -> Result<i64, DecodeError> {
        match self {
            Self::Json(json) => json.integer(),
            Self::Xml(xml) => xml.integer(),
            _ => self.parsed("a whole number"),
        }
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        match self {
            Self::Json(json) => return json.double(),
            Self::Xml(xml) => return xml.double(),
            _ => {}
        }
        let value: f64 = self.parsed("a number")?;
        let finite = value.is_finite().then_some(value);
        finite.ok_or_else(|| DecodeError::serialization(format!("{value} is out of the range of a Double")))
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        match self {
            Self::Json(json) => return json.timestamp(),
            Self::Xml(xml) => return xml.timestamp(),
            _ => {}
        }
        let text = self.text(ItemKind::Time)?;
        time(&text).ok_or_else(|| DecodeError::serialization(format!("{text:?} is not a time")))
    }

    fn blob(&mut self) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Json(json) => json.blob(),
            Self::Xml(xml) => xml.blob(),
            Self::Payload(_, body) => Ok(body.to_vec()),
            _ => STANDARD
                .decode(self.text(ItemKind::Text)?)
                .map_err(|_| DecodeError::serialization("a blob is not base64")),
        }
    }

    fn document(&mut self) -> Result<String, DecodeError> {
        self.open()?;
        match self {
            Self::Json(json) => json.document(),
            _ => Err(DecodeError::serialization("documents are JSON")),
        }
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.open()?;
        match self {
            Self::Values(values) => {
                let mut values = std::mem::take(values).into_iter();
                values.try_for_each(|it| item(&mut Self::Values(vec![it])))
            }
            Self::Header(text) => {
                let mut items = Self::Items(std::mem::take(text));
                while matches!(&items, Self::Items(rest) if !rest.trim().is_empty()) {
                    // An item that reads nothing would be read for ever.
                    let before = items.left();
                    item(&mut items)?;
                    if items.left() >= before {
                        return Err(DecodeError::serialization(
                            "a header holds no lists of structures",
                        ));
                    }
                }
                Ok(())
            }
            Self::Json(json) => json.list(&mut |json| lend(json, |reader| item(reader))),
            Self::Xml(xml) => xml.list(&mut |xml| give(xml, |reader| item(reader))),
            _ => Err(DecodeError::serialization("a list was expected")),
        }
    }

    fn map(&mut self, entry: Entry<'_, Self>) -> Result<(), DecodeError> {
        match self {
            Self::Pairs(pairs) => {
                let mut pairs = std::mem::take(pairs).into_iter();
                pairs.try_for_each(|(name, values)| entry(&name, &mut Self::Values(values)).map(|_| ()))
            }
            Self::Xml(xml) => xml.map(&mut |name, xml| give(xml, |reader| entry(name, reader))),
            _ => self.object(entry),
        }
    }

    fn object(&mut self, entry: Entry<'_, Self>) -> Result<(), DecodeError> {
        if let Self::Whole(language, operation, request) = *self {
            return whole(language, operation, request, entry);
        }
        self.open()?;
        match self {
            Self::Json(json) => json.object(&mut |name, json| lend(json, |reader| entry(name, reader))),
            Self::Xml(xml) => xml.object(&mut |name, xml| give(xml, |reader| entry(name, reader))),
            _ => Err(DecodeError::serialization("a structure was expected")),
        }
    }
}

impl HttpReader<'_> {
    /// How much of a list in a header is left.
    fn left(&self) -> usize {
        match self {
            Self::Items(rest) => rest.len(),
            _ => 0,
        }
    }
}
