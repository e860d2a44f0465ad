//! Operations of rest-json and rest-xml, as the generator makes them of a model.

use serde_json::Value;
use wire::rest::{Bound, HttpOperation, Place};

use crate::http::bound;
use crate::shapes::Model;

/// Texts of a service live as long as the program.
pub fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The operation that a case gives.
pub fn operation(model: &Model, given: &Value) -> HttpOperation {
    let text = |value: &Value| leaked(value.as_str().unwrap_or_default());
    let ends = |shape: &Value| match shape["shape"].as_str() {
        Some(shape) => places(model, shape),
        None => &[],
    };
    let status = given["http"]["responseCode"].as_u64();
    HttpOperation {
        name: text(&given["name"]),
        method: text(&given["http"]["method"]),
        uri: text(&given["http"]["requestUri"]),
        status: status.and_then(|it| u16::try_from(it).ok()).unwrap_or(200),
        input: ends(&given["input"]),
        output: ends(&given["output"]),
    }
}

fn places(model: &Model, shape: &str) -> &'static [Bound] {
    let bound = bound(model.shape(shape)).into_iter();
    let bound = bound.map(|(member, place)| Bound {
        member: leaked(member),
        place: parsed(&place),
    });
    Vec::leak(bound.collect())
}

/// A place as the generator writes it: `Query("name")`.
fn parsed(place: &str) -> Place {
    let (kind, rest) = place.split_once('(').unwrap_or((place, ""));
    let name = leaked(rest.trim_end_matches(')').trim_matches('"'));
    match kind {
        "Label" => Place::Label(name),
        "Query" => Place::Query(name),
        "QueryMap" => Place::QueryMap,
        "Header" => Place::Header(name),
        "HeaderMap" => Place::HeaderMap(name),
        "Payload" => Place::Payload,
        "Status" => Place::Status,
        other => panic!("{other} is no place"),
    }
}
