//! What fuzz targets share: properties of documents, and second readers that judge our own.

use serde_json::Value as Json;
use wire::{Value, json};

/// Nesting that our reader of JSON takes in any case.
const DEPTH: usize = 60;

/// Splits the first line off: most targets read there what the rest is for.
pub fn first_line(text: &[u8]) -> (&str, &[u8]) {
    let end = text.iter().position(|it| *it == b'\n').unwrap_or(text.len());
    let line = std::str::from_utf8(&text[..end]).unwrap_or_default();
    (line, text.get(end + 1..).unwrap_or_default())
}

/// What is chosen by its name, or else by its first letter, so that every input tries something.
pub fn chosen<'a, T>(table: &'a [(&'static str, T)], name: &str) -> &'a T {
    let named = table.iter().find(|(it, _)| *it == name);
    let first = usize::from(name.bytes().next().unwrap_or_default());
    &named.unwrap_or(&table[first % table.len()]).1
}

/// What is read once is written so that it is read as the same, by us and by others.
pub fn json_is_stable<T: Value + PartialEq + std::fmt::Debug>(document: &[u8]) {
    let Ok(value) = json::decode::<T>(document) else {
        return;
    };
    let written = json::encode(&value);
    assert!(is_json(&written), "{}", String::from_utf8_lossy(&written));
    let again = json::decode::<T>(&written).expect("what we write we read");
    // Times lose what is below a millisecond when they are first written, and nothing later.
    let settled = json::encode(&again);
    assert_eq!(
        String::from_utf8_lossy(&settled),
        String::from_utf8_lossy(&written)
    );
    assert_eq!(json::decode::<T>(&settled), Ok(again));
}

/// A structure of which we know no member: every value of a document is passed over.
pub fn we_pass_over_what_others_read(document: &[u8]) {
    type Nothing = api::sts::GetCallerIdentityInput;
    let ours = json::decode::<Nothing>(document);
    if document.iter().all(u8::is_ascii_whitespace) {
        assert_eq!(ours, Ok(Nothing {}));
        return;
    }
    match serde_json::from_slice::<Json>(document) {
        Ok(it) if it.is_object() && depth(&it) < DEPTH => assert_eq!(ours, Ok(Nothing {})),
        Ok(_) => {}
        // Numbers that fit no machine are refused by readers, not by the grammar.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => assert!(ours.is_err(), "others do not read it: {error}"),
    }
}

fn depth(value: &Json) -> usize {
    let below = match value {
        Json::Array(items) => items.iter().map(depth).max(),
        Json::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

/// Whether another reader takes it.
pub fn is_json(document: &[u8]) -> bool {
    serde_json::from_slice::<Json>(document).is_ok()
}

/// Reads a document of XML with another reader, which must find it well-formed; gives its text.
pub fn text_of_xml(document: &[u8]) -> String {
    use quick_xml::events::Event;
    let document = std::str::from_utf8(document).expect("XML is UTF-8");
    let mut reader = quick_xml::Reader::from_str(document);
    let (mut open, mut text) = (0_usize, String::new());
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error}: {document}"))
        {
            Event::Start(_) => open += 1,
            Event::End(_) => open -= 1,
            Event::Text(it) => text.push_str(&it.decode().expect("text")),
            Event::GeneralRef(it) => text.push_str(&entity(&it.decode().expect("text"))),
            Event::Eof => break,
            other => panic!("{other:?} in {document}"),
        }
    }
    assert_eq!(open, 0, "{document}");
    text
}

fn entity(name: &str) -> String {
    quick_xml::escape::unescape(&format!("&{name};"))
        .expect("an entity of XML")
        .into_owned()
}

/// Text as XML can hold it.
pub fn held_by_xml(text: &str) -> String {
    let is_held = |it: char| !matches!(it, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|it| if is_held(it) { it } else { '\u{fffd}' })
        .collect()
}
