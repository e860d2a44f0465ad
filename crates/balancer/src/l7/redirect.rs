//! Where a redirect leads.

use crate::plan::rule::Redirect;

#[cfg(test)]
mod tests;

/// The parts of a request's own URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) protocol: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

/// The value of Location. The path's placeholder stands for the path without its leading slash.
pub(crate) fn location(redirect: &Redirect, parts: &Parts<'_>) -> String {
    let protocol = fill(&redirect.protocol, parts).to_lowercase();
    let host = fill(&redirect.host, parts);
    let port = fill(&redirect.port, parts);
    let path = fill(&redirect.path, parts);
    let query = fill(&redirect.query, parts);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{protocol}://{host}:{port}{slash}{path}{mark}{query}")
}

/// Fills placeholders in, once: what they stand for is not looked at again.
fn fill(text: &str, parts: &Parts<'_>) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find("#{") {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let Some(end) = after.find('}') else {
            rest = &rest[at..];
            break;
        };
        match &after[..end] {
            "protocol" => filled.push_str(parts.protocol),
            "host" => filled.push_str(parts.host),
            "port" => filled.push_str(&parts.port.to_string()),
            "path" => filled.push_str(parts.path.strip_prefix('/').unwrap_or(parts.path)),
            "query" => filled.push_str(parts.query),
            _ => filled.push_str(&rest[at..at + 2 + end + 1]),
        }
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    filled
}
