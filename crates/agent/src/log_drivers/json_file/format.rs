//! A line in Docker's form, and the attributes that it has. Pure.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Serialize;

use super::JsonFileOptions;
use crate::host::{LogLine, OutputStream};

/// What each line of a container has, by name.
pub type Attributes = BTreeMap<String, String>;

#[derive(Serialize)]
struct Line<'a> {
    log: &'a str,
    stream: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attrs: &'a Attributes,
    time: String,
}

/// The labels and variables that are asked for and there, and the tag.
pub fn attributes(
    options: &JsonFileOptions,
    labels: &BTreeMap<String, String>,
    environment: &BTreeMap<String, String>,
    runtime_id: &str,
) -> Attributes {
    // Read before: it is one.
    let pattern = options.env_regex.as_deref().and_then(|it| Regex::new(it).ok());
    let is_matched = |name: &str| pattern.as_ref().is_some_and(|it| it.is_match(name));
    let of_labels = labels.iter().filter(|(name, _)| options.labels.contains(name));
    let of_environment = environment
        .iter()
        .filter(|(name, _)| options.env.contains(name) || is_matched(name));
    let all = of_labels.chain(of_environment);
    let mut attributes: Attributes = all.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(tag) = &options.tag {
        attributes.insert("tag".to_owned(), tag.of(runtime_id));
    }
    attributes
}

/// One line of a file, with its end.
pub fn line(line: &LogLine, attributes: &Attributes) -> Vec<u8> {
    let text = format!("{}\n", line.message);
    let shown = Line {
        log: &text,
        stream: match line.stream {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        },
        attrs: attributes,
        time: line.timestamp.to_string(),
    };
    // Texts and a map of texts have a form in JSON, always.
    let mut bytes = serde_json::to_vec(&shown).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
