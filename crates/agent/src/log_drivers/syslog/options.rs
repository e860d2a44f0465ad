//! Options of the `syslog` driver.

use crate::host::ContainerSpec;
use crate::log_drivers::address::Address;
use crate::log_drivers::options::Options;
use crate::log_drivers::tag::Tag;
use crate::tasks::payload::Refusal;

/// Where daemons listen.
const PORT: u16 = 514;
/// Where the daemon of this host listens.
const OWN_DAEMON: &str = "unixgram:///dev/log";
/// Names in the order of their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "",
    "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
/// `daemon`.
const DEFAULT_FACILITY: u8 = 3;

/// <https://docs.docker.com/engine/logging/drivers/syslog/>
#[derive(Clone, Debug, PartialEq)]
pub struct SyslogOptions {
    /// Where the daemon is.
    pub address: Address,
    /// Number of the facility.
    pub facility: u8,
    /// How a line looks.
    pub format: Format,
    /// Tag, or name of the program.
    pub tag: Tag,
}

/// `syslog-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As to a daemon of the same host: no host name.
    Local,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424, times in seconds.
    Rfc5424,
    /// RFC 5424, times in microseconds.
    Rfc5424Micro,
}

impl SyslogOptions {
    /// Takes the driver's own options.
    ///
    /// # Errors
    /// If one makes no sense.
    pub fn parse(options: &mut Options, container: &ContainerSpec) -> Result<Self, Refusal> {
        const ADDRESS: &str = "syslog-address";
        let address = options.take(ADDRESS);
        let address = Address::parse(ADDRESS, address.as_deref().unwrap_or(OWN_DAEMON), PORT)?;
        let facility = match options.take("syslog-facility") {
            None => DEFAULT_FACILITY,
            Some(text) => facility(&text)
                .ok_or_else(|| Refusal::Malformed(format!("invalid syslog facility: {text}")))?,
        };
        let format = match options.take("syslog-format").as_deref() {
            None => Format::Local,
            Some("rfc3164") => Format::Rfc3164,
            Some("rfc5424") => Format::Rfc5424,
            Some("rfc5424micro") => Format::Rfc5424Micro,
            Some(other) => return Err(Refusal::Malformed(format!("invalid syslog format: {other}"))),
        };
        Ok(Self {
            address,
            facility,
            format,
            tag: Tag::parse(options.take("tag").as_deref(), container)?,
        })
    }
}

/// By name or number.
fn facility(text: &str) -> Option<u8> {
    let named = FACILITIES.iter().position(|it| *it == text && !it.is_empty());
    let number = named.or_else(|| text.parse().ok().filter(|it| *it < FACILITIES.len()));
    number.and_then(|it| u8::try_from(it).ok())
}
