//! Options of the `json-file` driver: how much of a container's output the host keeps.
//!
//! <https://docs.docker.com/engine/logging/drivers/json-file/>

use super::options::Options;
use crate::host::LogLimits;
use crate::tasks::docker_config::LogConfig;
use crate::tasks::payload::Refusal;

/// The driver.
const NAME: &str = "json-file";
/// Docker keeps one file, if its size has a bound and nothing is said of their number.
const FILES: u32 = 1;

/// What a log configuration says of the host's record.
///
/// # Errors
/// As Docker refuses it.
pub fn limits(config: Option<&LogConfig>) -> Result<LogLimits, Refusal> {
    let Some(config) = config.filter(|it| it.driver == NAME) else {
        return Ok(LogLimits::default());
    };
    take(&mut Options(config.options.clone().unwrap_or_default()))
}

/// Takes the driver's own options.
///
/// # Errors
/// As Docker refuses it; compression is not built.
pub fn take(options: &mut Options) -> Result<LogLimits, Refusal> {
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
    if options.flag("compress")? {
        return Err(Refusal::unsupported("log option compress"));
    }
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
