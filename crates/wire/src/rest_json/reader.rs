//! Reads requests: each member from its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::items::{ItemKind, take_item, time};
use super::{HttpOperation, Place, Request, template};
use crate::json::JsonReader;
use crate::shape::{DecodeError, ValueReader};

/// Most parameters of a query.
const PARAMETERS_MAX: usize = 1000;

/// Where a request is being read.
pub enum HttpReader<'a> {
    /// At its start.
    Whole(&'a HttpOperation, Request<'a>),
    /// At a label, or at all values of a parameter.
    Values(Vec<String>),
    /// At a header.
    Header(String),
    /// In a list in a header: what is left of it.
    Items(String),
    /// At parameters or headers that make up a map.
    Pairs(Vec<(String, Vec<String>)>),
    /// At a member that is the whole body.
    Payload(&'a [u8]),
    /// In the body.
    Json(JsonReader<'a>),
}

type Entry<'e, R> = &'e mut dyn FnMut(&str, &mut R) -> Result<bool, DecodeError>;

impl<'a> HttpReader<'a> {
    /// At the start of a request.
    pub fn new(operation: &'a HttpOperation, request: Request<'a>) -> Self {
        Self::Whole(operation, request)
    }

    /// The text of a value outside the body.
    fn text(&mut self, kind: ItemKind) -> Result<String, DecodeError> {
        let text = match self {
            Self::Values(values) => values.first().cloned(),
            Self::Header(text) => Some(text.clone()),
            Self::Items(rest) => Some(take_item(rest, kind)),
            Self::Payload(body) => std::str::from_utf8(body).ok().map(str::to_owned),
            Self::Whole(..) | Self::Pairs(_) | Self::Json(_) => None,
        };
        text.ok_or_else(|| DecodeError::serialization("a text was expected, and something else is there"))
    }

    fn parsed<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, DecodeError> {
        let text = self.text(ItemKind::Text)?;
        text.parse()
            .map_err(|_| DecodeError::serialization(format!("{text:?} is not {what}")))
    }

    /// The body as JSON, if this is one.
    fn json(&mut self) -> Option<&mut JsonReader<'a>> {
        if let Self::Payload(body) = *self {
            *self = Self::Json(JsonReader::new(body));
        }
        match self {
            Self::Json(json) => Some(json),
            _ => None,
        }
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

fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

/// Calls `entry` for what is bound, then for what the body has.
fn whole<'a>(
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
                (!request.body.is_empty()).then_some(HttpReader::Payload(request.body))
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
    let mut json = JsonReader::new(request.body);
    json.object(&mut |name, json| {
        if operation.input.iter().any(|it| it.member == name) {
            return Ok(false);
        }
        lend(json, |reader| entry(name, reader))
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
    fn take_null(&mut self) -> bool {
        match self {
            Self::Json(json) => json.take_null(),
            _ => false,
        }
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        match self {
            Self::Json(json) => json.string(),
            _ => self.text(ItemKind::Text),
        }
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        match self {
            Self::Json(json) => json.boolean(),
            _ => self.parsed("true or false"),
        }
    }

    fn integer(&mut self) -> Result<i64, DecodeError> {
        match self {
            Self::Json(json) => json.integer(),
            _ => self.parsed("a whole number"),
        }
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        if let Self::Json(json) = self {
            return json.double();
        }
        let value: f64 = self.parsed("a number")?;
        let finite = value.is_finite().then_some(value);
        finite.ok_or_else(|| DecodeError::serialization(format!("{value} is out of the range of a Double")))
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        if let Self::Json(json) = self {
            return json.timestamp();
        }
        let text = self.text(ItemKind::Time)?;
        time(&text).ok_or_else(|| DecodeError::serialization(format!("{text:?} is not a time")))
    }

    fn blob(&mut self) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Json(json) => json.blob(),
            Self::Payload(body) => Ok(body.to_vec()),
            _ => STANDARD
                .decode(self.text(ItemKind::Text)?)
                .map_err(|_| DecodeError::serialization("a blob is not base64")),
        }
    }

    fn document(&mut self) -> Result<String, DecodeError> {
        match self.json() {
            Some(json) => json.document(),
            None => Err(DecodeError::serialization("documents are JSON")),
        }
    }

    fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
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
            _ => match self.json() {
                Some(json) => json.list(&mut |json| lend(json, |reader| item(reader))),
                None => Err(DecodeError::serialization("a list was expected")),
            },
        }
    }

    fn map(&mut self, entry: Entry<'_, Self>) -> Result<(), DecodeError> {
        match self {
            Self::Pairs(pairs) => {
                let mut pairs = std::mem::take(pairs).into_iter();
                pairs.try_for_each(|(name, values)| entry(&name, &mut Self::Values(values)).map(|_| ()))
            }
            _ => self.object(entry),
        }
    }

    fn object(&mut self, entry: Entry<'_, Self>) -> Result<(), DecodeError> {
        if let Self::Whole(operation, request) = *self {
            return whole(operation, request, entry);
        }
        match self.json() {
            Some(json) => json.object(&mut |name, json| lend(json, |reader| entry(name, reader))),
            None => Err(DecodeError::serialization("a structure was expected")),
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
