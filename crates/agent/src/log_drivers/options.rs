//! Which log driver a container has, from the log configuration of its payload.

use std::collections::BTreeMap;

use super::awslogs::AwsLogsOptions;
use super::fluentd::FluentdOptions;
use super::json_file::{self, JsonFileOptions};
use super::syslog::SyslogOptions;
use crate::host::ContainerSpec;
use crate::tasks::docker_config::LogConfig;
use crate::tasks::payload::Refusal;

/// The driver that hands everything to the log router.
pub const FIRELENS: &str = "awsfirelens";

/// Where the output of a container goes, besides the host's own record of it.
#[derive(Clone, Debug, PartialEq)]
pub enum LogDriver {
    /// Nowhere (`json-file`, `none`, or no driver at all).
    HostOnly,
    /// Files in Docker's form (`json-file` with attributes or compression).
    JsonFile(JsonFileOptions),
    /// CloudWatch Logs.
    AwsLogs(AwsLogsOptions),
    /// A collector that speaks the forward protocol, such as fluentd or fluent-bit.
    Fluentd(FluentdOptions),
    /// A syslog daemon.
    Syslog(SyslogOptions),
    /// The log router of the task, with the options of its output.
    Firelens(BTreeMap<String, String>),
    /// One of these, some of whose options are secrets: it is read once they were fetched.
    Deferred(LogConfig),
}

impl LogDriver {
    /// Reads a log configuration.
    ///
    /// # Errors
    /// If the driver or an option of it is unknown, or an option makes no sense.
    pub fn parse(config: Option<LogConfig>, container: &ContainerSpec) -> Result<Self, Refusal> {
        let Some(config) = config else {
            return Ok(Self::HostOnly);
        };
        let mut options = Options(config.options.unwrap_or_default());
        // They are the router's, whatever they are.
        if config.driver == FIRELENS {
            return Ok(Self::Firelens(options.0));
        }
        // The host keeps all output until it is shipped, so that neither makes a difference here.
        options.take("mode");
        options.take("max-buffer-size");
        let driver = match config.driver.as_str() {
            "awslogs" => Self::AwsLogs(AwsLogsOptions::parse(&mut options, container)?),
            "fluentd" => Self::Fluentd(FluentdOptions::parse(&mut options, container)?),
            "syslog" => Self::Syslog(SyslogOptions::parse(&mut options, container)?),
            "json-file" => json_file::take(&mut options, container)?.map_or(Self::HostOnly, Self::JsonFile),
            "none" => Self::HostOnly,
            other => return Err(Refusal::unsupported(format!("log driver {other}"))),
        };
        options.refuse_rest()?;
        Ok(driver)
    }
}

/// Options of a driver, of which what is understood is taken out.
pub struct Options(pub BTreeMap<String, String>);

impl Options {
    /// An option that is given and not empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|it| !it.is_empty())
    }

    /// `true` or `false`, as Docker reads them; false if not given.
    ///
    /// # Errors
    /// If it is something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.take(name).as_deref() {
            None | Some("false" | "False" | "FALSE" | "f" | "F" | "0") => Ok(false),
            Some("true" | "True" | "TRUE" | "t" | "T" | "1") => Ok(true),
            Some(other) => Err(Refusal::Malformed(format!("{name} \"{other}\""))),
        }
    }

    fn refuse_rest(self) -> Result<(), Refusal> {
        match self.0.into_keys().next() {
            Some(other) => Err(Refusal::unsupported(format!("log option {other}"))),
            None => Ok(()),
        }
    }
}
