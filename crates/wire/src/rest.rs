//! rest-json and rest-xml: members lie in the path, the query, headers and the body of HTTP.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>,
//! <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>,
//! <https://smithy.io/2.0/spec/http-bindings.html>

mod items;
mod reader;
mod template;
mod writer;
mod xml;

#[cfg(test)]
mod tests;

use http::{HeaderMap, Method, Uri};

use crate::shape::{DecodeError, Service, ServiceProtocol, Value};

/// How an operation lies in HTTP.
#[derive(Debug, PartialEq, Eq)]
pub struct HttpOperation {
    /// `DescribeFileSystems`
    pub name: &'static str,
    /// `GET`
    pub method: &'static str,
    /// `/2015-02-01/file-systems/{FileSystemId}`
    pub uri: &'static str,
    /// Status of answers.
    pub status: u16,
    /// Members of requests that are not in the body, or are all of it.
    pub input: &'static [Bound],
    /// The same of answers.
    pub output: &'static [Bound],
}

/// A member with a place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// As the generated shape calls it.
    pub member: &'static str,
    /// Where it is.
    pub place: Place,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path, under this label.
    Label(&'static str),
    /// A parameter of the query, as often as a list has items.
    Query(&'static str),
    /// All parameters, those of other members too.
    QueryMap,
    /// A header, in small letters.
    Header(&'static str),
    /// All headers that begin like this, in small letters.
    HeaderMap(&'static str),
    /// The body.
    Payload,
    /// The status of an answer.
    Status,
}

/// What bodies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Json,
    /// Answers are in this namespace.
    Xml(&'static str),
}

impl Language {
    fn of(service: &Service) -> Self {
        match service.protocol {
            ServiceProtocol::RestXml(_) => Self::Xml(service.xml_namespace),
            _ => Self::Json,
        }
    }
}

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Path and query.
    pub uri: &'a Uri,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// An answer ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: &'static str,
    /// Other headers: names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The operation of a service by its name; `None` for a service of another protocol too.
pub fn operation(service: &Service, name: &str) -> Option<&'static HttpOperation> {
    match service.protocol {
        ServiceProtocol::RestJson(operations) | ServiceProtocol::RestXml(operations) => {
            operations.iter().find(|it| it.name == name)
        }
        _ => None,
    }
}

/// The operation that a method and a path mean: the one with the most fixed text, where several fit.
pub fn find(
    operations: &'static [HttpOperation],
    method: &Method,
    uri: &Uri,
) -> Option<&'static HttpOperation> {
    let of_method = operations.iter().filter(|it| it.method == method.as_str());
    let fitting = of_method.filter_map(|it| Some((template::rank(it.uri, uri)?, it)));
    // Of equals the first wins, as `min` does.
    fitting
        .min_by_key(|(rank, _)| std::cmp::Reverse(*rank))
        .map(|(_, it)| it)
}

/// Reads a request of an operation of the service.
///
/// # Errors
/// A part of it is not of the shape.
pub fn decode<T: Value>(
    service: &Service,
    operation: &HttpOperation,
    request: Request<'_>,
) -> Result<T, DecodeError> {
    T::read(&mut reader::HttpReader::new(
        Language::of(service),
        operation,
        request,
    ))
}

/// Writes an answer of an operation of the service.
pub fn encode<T: Value>(service: &Service, operation: &'static HttpOperation, output: &T) -> Answer {
    let mut writer = writer::HttpWriter::new(Language::of(service), operation);
    output.write(&mut writer);
    writer.into_answer()
}
