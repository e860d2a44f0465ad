//! Options of the `fluentd` driver.

use std::path::PathBuf;

use super::Collector;
use crate::host::ContainerSpec;
use crate::log_drivers::address::Address;
use crate::log_drivers::options::Options;
use crate::log_drivers::tag::Tag;
use crate::tasks::payload::Refusal;

/// Where collectors listen.
const PORT: u16 = 24224;

/// <https://docs.docker.com/engine/logging/drivers/fluentd/>
#[derive(Clone, Debug, PartialEq)]
pub struct FluentdOptions {
    /// Where the collector is.
    pub collector: Collector,
    /// The container starts without waiting for the collector.
    pub is_async: bool,
    /// Times with nanoseconds.
    pub has_nanoseconds: bool,
    /// A message is sent again until the collector has acknowledged it.
    pub wants_acknowledgement: bool,
    /// Tag of the events.
    pub tag: Tag,
    /// Name of the container.
    pub container: String,
    /// The collector is a container of the same task: it does not come back once it has ended.
    pub is_router: bool,
    /// Fields that each record gets: variables of the container that `env` names.
    pub fields: Vec<(String, String)>,
}

impl FluentdOptions {
    /// Those of a container that logs to the router of its task, as Amazon's agent sets them.
    pub fn for_router(socket: PathBuf, tag: String, container: &str) -> Self {
        Self {
            collector: Collector::Unix(socket),
            is_async: true,
            has_nanoseconds: true,
            wants_acknowledgement: false,
            tag: Tag::text(tag),
            container: container.to_owned(),
            is_router: true,
            fields: Vec::new(),
        }
    }

    /// Takes the driver's own options.
    ///
    /// # Errors
    /// If one makes no sense.
    pub fn parse(options: &mut Options, container: &ContainerSpec) -> Result<Self, Refusal> {
        const ADDRESS: &str = "fluentd-address";
        let given = options.take(ADDRESS).unwrap_or_else(|| "localhost".to_owned());
        let collector = match Address::parse(ADDRESS, &given, PORT)? {
            Address::Tcp(host) => Collector::Tcp(host),
            Address::Unix(path) => Collector::Unix(path),
            Address::Udp(_) | Address::UnixDatagram(_) => {
                return Err(Refusal::unsupported(format!("{ADDRESS} \"{given}\"")));
            }
        };
        // Nothing is kept in memory and nothing is given up early, whatever these say.
        for unneeded in [
            "fluentd-buffer-limit",
            "fluentd-retry-wait",
            "fluentd-max-retries",
        ] {
            options.take(unneeded);
        }
        let names = options.take("env").unwrap_or_default();
        let value = |name: &str| {
            container
                .environment
                .get(name)
                .map(|it| (name.to_owned(), it.clone()))
        };
        Ok(Self {
            collector,
            is_async: options.flag("fluentd-async")? || options.flag("fluentd-async-connect")?,
            has_nanoseconds: options.flag("fluentd-sub-second-precision")?,
            wants_acknowledgement: options.flag("fluentd-request-ack")?,
            tag: Tag::parse(options.take("tag").as_deref(), container)?,
            container: container.name.clone(),
            is_router: false,
            fields: names.split(',').filter_map(|it| value(it.trim())).collect(),
        })
    }
}
