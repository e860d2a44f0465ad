//! What the parts of a name are made of, after Docker's grammar of references.

/// `registry.example.com:5000`.
pub fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        label.bytes().all(is_plain) && is_bounded(label, |byte| byte != b'-')
    };
    host.split('.').all(is_label) && !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit())
}

/// A part of a repository: lower case, digits, and single separators between them.
pub fn is_path_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators = text.split(|it: char| u8::try_from(it).is_ok_and(is_word));
    let is_separator = |it: &str| matches!(it, "" | "." | "_" | "__") || it.bytes().all(|byte| byte == b'-');
    is_bounded(text, is_word) && separators.all(is_separator)
}

/// `1.2-alpine`.
pub fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_plain = |byte: u8| is_word(byte) || byte == b'.' || byte == b'-';
    text.bytes().next().is_some_and(is_word) && text.bytes().all(is_plain)
}

/// Whether a text begins and ends with certain bytes, and so has any.
fn is_bounded(text: &str, is_end: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|it| is_end(*it)) && bytes.last().is_some_and(|it| is_end(*it))
}
