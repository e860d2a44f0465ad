//! The configuration of a log router, as Amazon's agent writes it. Pure.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html>

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{PORT, SOCKET, SOCKET_FOLDER, TaskNames, metadata};
use crate::host::SandboxNetwork;
use crate::tasks::payload::Refusal;

/// Options of the driver that are no options of the output.
const BUFFER_LIMIT: &str = "log-driver-buffer-limit";
const INCLUDE: &str = "include-pattern";
const EXCLUDE: &str = "exclude-pattern";
/// A message to this port is taken and forgotten: it shows that the router works.
const HEALTH_PORT: &str = "8877";
const HEALTH_TAG: &str = "firelens-healthcheck";

/// Routers that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterKind {
    /// fluentd.
    Fluentd,
    /// Fluent Bit.
    Fluentbit,
}

impl RouterKind {
    /// Reads the type of a firelensConfiguration.
    ///
    /// # Errors
    /// If there is no such router.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "fluentd" => Ok(Self::Fluentd),
            "fluentbit" => Ok(Self::Fluentbit),
            other => Err(Refusal::unsupported(format!(
                "firelensConfiguration of type {other}"
            ))),
        }
    }

    /// Where its image has its configuration.
    pub fn config_path(self) -> &'static str {
        match self {
            Self::Fluentd => "/fluentd/etc/fluent.conf",
            Self::Fluentbit => "/fluent-bit/etc/fluent-bit.conf",
        }
    }

    /// Where it has the file that it includes, if that is out of S3.
    pub fn external_path(self) -> &'static str {
        match self {
            Self::Fluentd => "/fluentd/etc/external.conf",
            Self::Fluentbit => "/fluent-bit/etc/external.conf",
        }
    }

    /// How its configuration takes a value from a variable.
    pub fn reference(self, variable: &str) -> String {
        match self {
            Self::Fluentd => format!("\"#{{ENV['{variable}']}}\""),
            Self::Fluentbit => format!("${{{variable}}}"),
        }
    }

    /// The option that names the plug-in of an output.
    fn output_key(self) -> &'static str {
        match self {
            Self::Fluentd => "@type",
            Self::Fluentbit => "Name",
        }
    }
}

/// Where the output of one container goes.
struct Output {
    /// What its tags match.
    tag: String,
    include: Option<String>,
    exclude: Option<String>,
    plugin: Option<String>,
    options: BTreeMap<String, String>,
}

/// The configuration for these containers, each with the options of its driver.
///
/// # Errors
/// If a container has options and no output that takes them, or one that breaks out of its line.
pub fn render(
    kind: RouterKind,
    names: TaskNames<'_>,
    network: &SandboxNetwork,
    options: &BTreeMap<String, String>,
    outputs: Vec<(String, BTreeMap<String, String>)>,
) -> Result<String, Refusal> {
    let outputs = outputs
        .into_iter()
        .map(|(container, options)| output(kind, &container, options))
        .collect::<Result<Vec<_>, _>>()?;
    let listen = match network {
        SandboxNetwork::Awsvpc(_) => Some("127.0.0.1"),
        SandboxNetwork::Bridge => Some("0.0.0.0"),
        SandboxNetwork::Host | SandboxNetwork::None => None,
    };
    let is_described = options.get("enable-ecs-log-metadata").map(String::as_str) != Some("false");
    let fields = match is_described {
        true => metadata(names),
        false => BTreeMap::new(),
    };
    let included = match options.get("config-file-type").map(String::as_str) {
        None => None,
        Some("file") => options.get("config-file-value").map(String::as_str),
        Some("s3") => Some(kind.external_path()),
        Some(other) => {
            return Err(Refusal::unsupported(format!(
                "firelensConfiguration with config-file-type {other}"
            )));
        }
    };
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _ = match kind {
        RouterKind::Fluentd => fluentd(&mut text, listen, &fields, included, &outputs),
        RouterKind::Fluentbit => fluentbit(&mut text, listen, &fields, included, &outputs),
    };
    Ok(text)
}

fn output(
    kind: RouterKind,
    container: &str,
    mut options: BTreeMap<String, String>,
) -> Result<Output, Refusal> {
    let failed = |text: String| {
        Refusal::Initialization(format!(
            "unable to apply log options of container {container} to firelens config: {text}"
        ))
    };
    let breaks_out = |it: &String| it.contains(['\n', '\r']);
    if let Some((name, _)) = options
        .iter()
        .find(|(name, value)| breaks_out(name) || breaks_out(value))
    {
        return Err(failed(format!("option {name:?} has more than one line")));
    }
    options.remove(BUFFER_LIMIT);
    let wildcard = match kind {
        RouterKind::Fluentd => "**",
        RouterKind::Fluentbit => "*",
    };
    let it = Output {
        tag: format!("{container}-firelens{wildcard}"),
        include: options.remove(INCLUDE),
        exclude: options.remove(EXCLUDE),
        plugin: options.remove(kind.output_key()),
        options,
    };
    if it.plugin.is_none() && !it.options.is_empty() {
        let name = match kind {
            RouterKind::Fluentd => "fluentd",
            RouterKind::Fluentbit => "fluentbit",
        };
        return Err(failed(format!(
            "missing output key {} which is required for firelens configuration of type {name}",
            kind.output_key()
        )));
    }
    Ok(it)
}

fn fluentbit(
    text: &mut String,
    listen: Option<&str>,
    fields: &BTreeMap<&str, String>,
    included: Option<&str>,
    outputs: &[Output],
) -> std::fmt::Result {
    writeln!(
        text,
        "\n[INPUT]\n    Name forward\n    unix_path {SOCKET_FOLDER}/{SOCKET}"
    )?;
    if let Some(listen) = listen {
        writeln!(
            text,
            "\n[INPUT]\n    Name forward\n    Listen {listen}\n    Port {PORT}"
        )?;
        writeln!(
            text,
            "\n[INPUT]\n    Name tcp\n    Tag {HEALTH_TAG}\n    Listen 127.0.0.1\n    Port {HEALTH_PORT}"
        )?;
    }
    for it in outputs {
        let tag = &it.tag;
        if let Some(pattern) = &it.include {
            writeln!(
                text,
                "\n[FILTER]\n    Name   grep\n    Match {tag}\n    Regex  log {pattern}"
            )?;
        }
        if let Some(pattern) = &it.exclude {
            writeln!(
                text,
                "\n[FILTER]\n    Name   grep\n    Match {tag}\n    Exclude log {pattern}"
            )?;
        }
    }
    if !fields.is_empty() {
        writeln!(text, "\n[FILTER]\n    Name record_modifier\n    Match *")?;
        for (name, value) in fields {
            writeln!(text, "    Record {name} {value}")?;
        }
    }
    if let Some(path) = included {
        writeln!(text, "\n@INCLUDE {path}")?;
    }
    if listen.is_some() {
        writeln!(text, "\n[OUTPUT]\n    Name null\n    Match {HEALTH_TAG}")?;
    }
    for it in outputs {
        let Some(plugin) = &it.plugin else { continue };
        writeln!(text, "\n[OUTPUT]\n    Name {plugin}\n    Match {}", it.tag)?;
        for (name, value) in &it.options {
            writeln!(text, "    {name} {value}")?;
        }
    }
    Ok(())
}

fn fluentd(
    text: &mut String,
    listen: Option<&str>,
    fields: &BTreeMap<&str, String>,
    included: Option<&str>,
    outputs: &[Output],
) -> std::fmt::Result {
    writeln!(
        text,
        "\n<source>\n    @type unix\n    path {SOCKET_FOLDER}/{SOCKET}\n</source>"
    )?;
    if let Some(listen) = listen {
        writeln!(
            text,
            "\n<source>\n    @type forward\n    bind {listen}\n    port {PORT}\n</source>"
        )?;
    }
    for it in outputs {
        for (section, pattern) in [("regexp", &it.include), ("exclude", &it.exclude)] {
            let Some(pattern) = pattern else { continue };
            writeln!(
                text,
                "\n<filter {}>\n    @type  grep\n    <{section}>\n        key log\n        pattern {pattern}\n    </{section}>\n</filter>",
                it.tag
            )?;
        }
    }
    if !fields.is_empty() {
        writeln!(text, "\n<filter **>\n    @type record_transformer\n    <record>")?;
        for (name, value) in fields {
            writeln!(text, "        {name} {value}")?;
        }
        writeln!(text, "    </record>\n</filter>")?;
    }
    if let Some(path) = included {
        writeln!(text, "\n@include {path}")?;
    }
    for it in outputs {
        let Some(plugin) = &it.plugin else { continue };
        writeln!(text, "\n<match {}>\n    @type {plugin}", it.tag)?;
        for (name, value) in &it.options {
            writeln!(text, "    {name} {value}")?;
        }
        writeln!(text, "</match>")?;
    }
    Ok(())
}
