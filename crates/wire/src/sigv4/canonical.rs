//! The canonical form of a request: what is signed.

use std::borrow::Cow;

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

/// What stays as it is: letters, digits and `-._~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same in a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Parameters of a query, decoded.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pair = |it: &str| {
        let (name, value) = it.split_once('=').unwrap_or((it, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|it| !it.is_empty()).map(pair).collect()
}

/// Encodes a parameter of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The canonical request, as a service wants it.
pub fn request(parts: &Parts, service: &str, signed_headers: &[String], payload_hash: &str) -> String {
    let mut query: Vec<(String, String)> = pairs(parts.uri.query().unwrap_or_default())
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    query.sort();
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let path = path(parts.uri.path(), service);
    let mut headers = String::with_capacity(256);
    for name in signed_headers {
        let values = parts.headers.get_all(name.as_str()).iter();
        let values: Vec<String> = values
            .map(|it| squeezed(&String::from_utf8_lossy(it.as_bytes())))
            .collect();
        headers.push_str(name);
        headers.push(':');
        headers.push_str(&values.join(","));
        headers.push('\n');
    }
    let (method, names) = (&parts.method, signed_headers.join(";"));
    format!(
        "{method}\n{path}\n{}\n{headers}\n{names}\n{payload_hash}",
        query.join("&")
    )
}

/// The path without its empty and relative pieces, encoded once more; S3's is encoded once only, however it was sent.
fn path(sent: &str, service: &str) -> String {
    if service != super::S3 {
        return utf8_percent_encode(&normalized(sent), RESERVED_IN_PATH).to_string();
    }
    let bytes: Vec<u8> = percent_decode_str(sent).collect();
    percent_encode(&bytes, RESERVED_IN_PATH).to_string()
}

/// As clients sign it: `/a//./b/../c/` is `/a/c/`.
fn normalized(path: &str) -> Cow<'_, str> {
    let is_plain = |piece: &str| !matches!(piece, "" | "." | "..");
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.strip_suffix('/').unwrap_or(inner).split('/').all(is_plain) {
        return Cow::Borrowed(path);
    }
    let mut pieces = Vec::new();
    for piece in inner.split('/') {
        match piece {
            "" | "." => {}
            ".." => drop(pieces.pop()),
            _ => pieces.push(piece),
        }
    }
    let end = if path.ends_with('/') && !pieces.is_empty() {
        "/"
    } else {
        ""
    };
    Cow::Owned(format!("/{}{end}", pieces.join("/")))
}

/// Trimmed, runs of spaces made one.
fn squeezed(value: &str) -> String {
    value
        .split(' ')
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}
