//! The settings of a container that a payload carries as two JSON texts in the spelling of Docker's API.
//!
//! What is not understood must not change how the container behaves: it is refused, unless it is empty.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::payload::Refusal;
use super::task::HealthCheck;
use crate::host::{ContainerSpec, Terminal};

mod options;
mod signals;
#[cfg(test)]
mod tests;

const MIB: u64 = 1024 * 1024;

/// What the two texts set besides the [`ContainerSpec`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Replaces the stop signal of the image.
    pub stop_signal: Option<i32>,
    /// How its health is asked for.
    pub health_check: Option<HealthCheck>,
    /// Driver and options; `None`: the default.
    pub log: Option<LogConfig>,
    /// `dockerLabels`
    pub labels: BTreeMap<String, String>,
}

/// `LogConfig` of Docker.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LogConfig {
    /// Name of the driver.
    #[serde(rename = "Type")]
    pub driver: String,
    /// Its options.
    #[serde(rename = "Config", default)]
    pub options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// `Healthcheck` of Docker. Times are nanoseconds; 0 is the default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Healthcheck {
    test: Vec<String>,
    interval: u64,
    timeout: u64,
    start_period: u64,
    retries: u32,
}

/// Docker's defaults fill what is left out. `NONE` and nothing at all are no check.
fn health_check(it: Healthcheck) -> Result<Option<HealthCheck>, Refusal> {
    let mut words = it.test.into_iter();
    let arguments: Vec<String> = match words.next().as_deref() {
        None | Some("NONE") => return Ok(None),
        Some("CMD") => words.collect(),
        Some("CMD-SHELL") => ["/bin/sh".to_owned(), "-c".to_owned()]
            .into_iter()
            .chain(words)
            .collect(),
        Some(other) => return Err(Refusal::Malformed(format!("health check of kind {other}"))),
    };
    let or = |nanoseconds: u64, default: u64| match nanoseconds {
        0 => Duration::from_secs(default),
        other => Duration::from_nanos(other),
    };
    Ok(Some(HealthCheck {
        arguments,
        interval: or(it.interval, 30),
        timeout: or(it.timeout, 30),
        retries: if it.retries == 0 { 3 } else { it.retries },
        start_period: Duration::from_nanos(it.start_period),
    }))
}

/// Applies both texts over what the rest of the payload said: they win.
///
/// # Errors
/// A text is no JSON, or sets something that is not supported.
pub fn apply(config: &str, host_config: &str, spec: &mut ContainerSpec) -> Result<Settings, Refusal> {
    let mut settings = Settings::default();
    let mut config = Fields::parse("dockerConfig.config", config)?;
    spec.user = config.text("User")?;
    spec.working_directory = config.text("WorkingDir")?;
    spec.hostname = config.text("Hostname")?;
    if let Some(text) = config.text("StopSignal")? {
        let number =
            signals::number(&text).ok_or_else(|| Refusal::unsupported(format!("stop signal {text}")))?;
        settings.stop_signal = Some(number);
    }
    spec.networking_disabled = config.take("NetworkDisabled")?.unwrap_or(false);
    spec.terminal = Terminal {
        is_interactive: config.take("OpenStdin")?.unwrap_or(false),
        is_allocated: config.take("Tty")?.unwrap_or(false),
    };
    let health = config.take::<Healthcheck>("Healthcheck")?;
    settings.health_check = health.map(health_check).transpose()?.flatten();
    // They change nothing in the container; it is told of them.
    settings.labels = config.take("Labels")?.unwrap_or_default();
    config.refuse_rest()?;

    let mut host = Fields::parse("dockerConfig.hostConfig", host_config)?;
    // The network mode of the task says it.
    host.take::<String>("NetworkMode")?;
    spec.capabilities_add = capabilities(host.take("CapAdd")?);
    spec.capabilities_drop = capabilities(host.take("CapDrop")?);
    spec.privileged |= host.take("Privileged")?.unwrap_or(false);
    spec.readonly_root_filesystem = host.take("ReadonlyRootfs")?.unwrap_or(false);
    spec.init_process_enabled = host.take("Init")?.unwrap_or(false);
    let ulimits: Vec<Ulimit> = host.take("Ulimits")?.unwrap_or_default();
    spec.ulimits = ulimits
        .into_iter()
        .map(|it| (it.name, limit(it.soft), limit(it.hard)))
        .collect();
    if let Some(bytes) = host.bytes("Memory")? {
        spec.memory_mib = Some(bytes / MIB);
    }
    spec.memory_reservation_mib = host.bytes("MemoryReservation")?.map(|bytes| bytes / MIB);
    if let Some(shares) = host.take::<u32>("CpuShares")?.filter(|it| *it > 0) {
        spec.cpu_shares = Some(shares.max(2));
    }
    options::apply(&mut host, spec)?;
    settings.log = host
        .take::<LogConfig>("LogConfig")?
        .filter(|it| !it.driver.is_empty());
    host.refuse_rest()?;
    Ok(settings)
}

/// One of the texts, of which what is understood is taken out.
struct Fields {
    name: &'static str,
    fields: Map<String, Value>,
}

impl Fields {
    fn parse(name: &'static str, text: &str) -> Result<Self, Refusal> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let fields =
            serde_json::from_str(text).map_err(|error| Refusal::Malformed(format!("{name}: {error}")))?;
        Ok(Self { name, fields })
    }

    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Refusal> {
        let Some(value) = self.fields.remove(key).filter(|it| !it.is_null()) else {
            return Ok(None);
        };
        let parsed = serde_json::from_value(value);
        parsed
            .map(Some)
            .map_err(|error| Refusal::Malformed(format!("{}.{key}: {error}", self.name)))
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        Ok(self.take::<String>(key)?.filter(|it| !it.is_empty()))
    }

    fn bytes(&mut self, key: &str) -> Result<Option<u64>, Refusal> {
        Ok(self.take::<u64>(key)?.filter(|it| *it > 0))
    }

    fn refuse_rest(self) -> Result<(), Refusal> {
        match self.fields.iter().find(|(_, value)| !is_neutral(value)) {
            Some((key, _)) => Err(Refusal::unsupported(format!("{}.{key}", self.name))),
            None => Ok(()),
        }
    }
}

/// Whether a setting asks for nothing: null, false, zero, or empty all through.
pub fn is_neutral(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_f64() == Some(0.0),
        Value::String(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.values().all(is_neutral),
    }
}

fn capabilities(names: Option<Vec<String>>) -> Vec<String> {
    let names = names.unwrap_or_default().into_iter();
    names
        .map(|it| it.trim_start_matches("CAP_").to_ascii_uppercase())
        .collect()
}

/// Docker writes "no limit" as -1.
fn limit(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
