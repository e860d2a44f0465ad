//! Values in headers: lists with commas, and times as HTTP writes them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// A time: as HTTP writes it, as ISO 8601 does, or as seconds since 1970.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and from_millisecond checks the range"
        )]
        let millis = (seconds * 1000.0).round() as i64;
        return Timestamp::from_millisecond(millis).ok();
    }
    let iso = text.parse().ok();
    iso.or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(text).ok())
}

/// `Tue, 29 Apr 2014 18:30:38 GMT`; empty for a time that HTTP cannot write.
pub fn http_date(time: Timestamp) -> String {
    rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap_or_default()
}

/// What an item of a header may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// Up to the next comma, or in quotes.
    Text,
    /// A time as HTTP writes it, which has a comma of its own.
    Time,
}

/// Takes the first item off a list in a header.
pub fn take_item(rest: &mut String, kind: ItemKind) -> String {
    let text = rest.trim_start().to_owned();
    let (item, left) = match kind {
        ItemKind::Text if text.starts_with('"') => quoted(&text),
        ItemKind::Text => until(&text, 0),
        // `Mon, 16 Dec 2019 23:48:18 GMT`: the comma of the day of the week belongs to it.
        ItemKind::Time if text.starts_with(|it: char| it.is_ascii_alphabetic()) => {
            until(&text, text.find(',').map_or(0, |at| at + 1))
        }
        ItemKind::Time => until(&text, 0),
    };
    *rest = left;
    item
}

fn until(text: &str, from: usize) -> (String, String) {
    match text[from..].find(',') {
        Some(at) => (
            text[..from + at].trim_end().to_owned(),
            text[from + at + 1..].to_owned(),
        ),
        None => (text.trim_end().to_owned(), String::new()),
    }
}

fn quoted(text: &str) -> (String, String) {
    let mut item = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => item.extend(letters.next().map(|(_, it)| it)),
            '"' => {
                let (_, left) = until(&text[at + 1..], 0);
                return (item, left);
            }
            other => item.push(other),
        }
    }
    // The quotes never end: all of it.
    (item, String::new())
}

/// An item as a list in a header has it.
pub fn item(text: &str) -> String {
    if !text.contains([',', '"']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
