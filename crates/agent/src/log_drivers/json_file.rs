//! Options of the `json-file` driver: how much of a container's output the host keeps, and whether it is written to
//! files in Docker's form, too.
//!
//! <https://docs.docker.com/engine/logging/drivers/json-file/>

use regex::Regex;

use super::options::Options;
use super::tag::Tag;
use crate::host::{ContainerSpec, LogLimits};
use crate::tasks::docker_config::LogConfig;
use crate::tasks::payload::Refusal;

pub mod cleanup;
mod format;
#[cfg(test)]
mod tests;
mod writer;

pub use self::writer::Writer;

/// The driver.
const NAME: &str = "json-file";
/// Docker keeps one file, if its size has a bound and nothing is said of their number.
const FILES: u32 = 1;

/// Files in Docker's form, for whoever reads those.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonFileOptions {
    /// How much of them is kept.
    pub limits: LogLimits,
    /// Files that are not written any more are compressed.
    pub compresses: bool,
    /// Labels that each line gets.
    pub labels: Vec<String>,
    /// Variables that each line gets.
    pub env: Vec<String>,
    /// And those whose names this regular expression matches.
    pub env_regex: Option<String>,
    /// A tag that each line gets.
    pub tag: Option<Tag>,
}

/// What a log configuration says of the host's record.
///
/// # Errors
/// As Docker refuses it.
pub fn limits(config: Option<&LogConfig>) -> Result<LogLimits, Refusal> {
    let Some(config) = config.filter(|it| it.driver == NAME) else {
        return Ok(LogLimits::default());
    };
    take_limits(&mut Options(config.options.clone().unwrap_or_default()))
}

/// Takes the driver's own options. `None` if nothing is asked for that the host's own record has not.
///
/// # Errors
/// As Docker refuses it.
pub fn take(options: &mut Options, container: &ContainerSpec) -> Result<Option<JsonFileOptions>, Refusal> {
    let limits = take_limits(options)?;
    let compresses = options.flag("compress")?;
    if compresses && (limits.file_bytes.is_none() || limits.files.unwrap_or(FILES) < 2) {
        let reason = "compress cannot be true when max-file is less than 2 or max-size is not set";
        return Err(Refusal::Malformed(reason.to_owned()));
    }
    let mut names = |option: &str| -> Vec<String> {
        let text = options.take(option).unwrap_or_default();
        let names = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        names.map(str::to_owned).collect()
    };
    let (labels, env) = (names("labels"), names("env"));
    let env_regex = options.take("env-regex");
    if env_regex.as_deref().is_some_and(|it| Regex::new(it).is_err()) {
        return Err(Refusal::Malformed(format!(
            "env-regex \"{}\"",
            env_regex.unwrap_or_default()
        )));
    }
    let tag = options.take("tag");
    let tag = tag.map(|it| Tag::parse(Some(&it), container)).transpose()?;
    let asked = JsonFileOptions {
        limits,
        compresses,
        labels,
        env,
        env_regex,
        tag,
    };
    let plain = JsonFileOptions {
        limits,
        compresses: false,
        labels: Vec::new(),
        env: Vec::new(),
        env_regex: None,
        tag: None,
    };
    Ok((asked != plain).then_some(asked))
}

fn take_limits(options: &mut Options) -> Result<LogLimits, Refusal> {
    let size = options.take("max-size").filter(|it| it != "-1");
    let file_bytes = size.map(|it| bytes(&it)).transpose()?;
    let files = match options.take("max-file") {
        None => file_bytes.map(|_| FILES),
        Some(text) => match text.parse() {
            Ok(0) => return Err(Refusal::Malformed("max-file cannot be less than 1".to_owned())),
            Ok(number) => Some(number),
            Err(_) => return Err(Refusal::Malformed(format!("max-file \"{text}\""))),
        },
    };
    Ok(LogLimits { file_bytes, files })
}

/// `10m`, `1024`, `1kb`: units are powers of 1024.
fn bytes(text: &str) -> Result<u64, Refusal> {
    let malformed = || Refusal::Malformed(format!("max-size \"{text}\""));
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let factor: u64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return Err(malformed()),
    };
    let number: u64 = digits.parse().map_err(|_| malformed())?;
    number
        .checked_mul(factor)
        .filter(|it| *it > 0)
        .ok_or_else(malformed)
}
