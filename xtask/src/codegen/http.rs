//! Where the members of rest-json and rest-xml lie in HTTP.

use std::fmt::Write;

use super::shapes::{Model, Shape};

/// A member that is not in the body, or is all of it: its name and its place, as `wire::rest::Place` has it.
pub fn bound(shape: &Shape) -> Vec<(&str, String)> {
    let payload = shape.payload.as_deref();
    let places = shape.members.iter().filter_map(|(name, it)| {
        let own_name = it.location_name.as_deref().unwrap_or(name);
        let place = match it.location.as_deref() {
            _ if payload == Some(name) => "Payload".to_owned(),
            Some("uri") => format!("Label({own_name:?})"),
            Some("querystring") if it.location_name.is_none() => "QueryMap".to_owned(),
            Some("querystring") => format!("Query({own_name:?})"),
            Some("header") => format!("Header({:?})", own_name.to_ascii_lowercase()),
            Some("headers") => format!("HeaderMap({:?})", header_prefix(it.location_name.as_deref())),
            Some("statusCode") => "Status".to_owned(),
            _ => return None,
        };
        // The payload may have a name of its own, which stands nowhere: it is known by what the body would call it.
        let known_as = if it.location.is_some() { name } else { own_name };
        Some((known_as, place))
    });
    places.collect()
}

fn header_prefix(name: Option<&str>) -> String {
    name.unwrap_or_default().to_ascii_lowercase()
}

/// The table of a service's operations.
pub fn table(model: &Model) -> String {
    let mut out = String::from(
        "use wire::rest::{Bound, HttpOperation, Place};\n\nstatic HTTP: &[HttpOperation] = &[\n",
    );
    for (name, it) in &model.operations {
        let Some(http) = &it.http else { continue };
        let ends =
            |shape: &Option<String>| shape.as_ref().map_or(String::new(), |it| places(model.shape(it)));
        let _ = writeln!(
            out,
            "HttpOperation {{ name: {name:?}, method: {:?}, uri: {:?}, status: {}, input: &[{}], output: &[{}] }},",
            http.method,
            http.request_uri,
            http.response_code.unwrap_or(200),
            ends(&it.input),
            ends(&it.output),
        );
    }
    out.push_str("];\n\n");
    out
}

fn places(shape: &Shape) -> String {
    let places = bound(shape).into_iter();
    let places =
        places.map(|(member, place)| format!("Bound {{ member: {member:?}, place: Place::{place} }}"));
    places.collect::<Vec<_>>().join(", ")
}
