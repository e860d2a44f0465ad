//! Which driver and options a log configuration names.

use std::collections::BTreeMap;

use super::json_file;
use super::options::LogDriver;
use crate::host::{ContainerSpec, LogLimits};
use crate::tasks::docker_config::LogConfig;

fn parse(driver: &str, options: &[(&str, &str)]) -> Result<LogDriver, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let config = LogConfig {
        driver: driver.to_owned(),
        options: Some(options.iter().map(owned).collect::<BTreeMap<_, _>>()),
    };
    LogDriver::parse(Some(config), &ContainerSpec::default()).map_err(|it| it.to_string())
}

#[test]
fn a_driver_takes_its_own_options_and_no_others() {
    assert_eq!(
        LogDriver::parse(None, &ContainerSpec::default()),
        Ok(LogDriver::HostOnly)
    );
    for driver in ["json-file", "none"] {
        assert_eq!(
            parse(driver, &[("mode", "non-blocking")]),
            Ok(LogDriver::HostOnly)
        );
    }
    assert!(matches!(
        parse("fluentd", &[("fluentd-async", "true")]),
        Ok(LogDriver::Fluentd(_))
    ));
    assert!(matches!(
        parse("syslog", &[("syslog-format", "rfc5424")]),
        Ok(LogDriver::Syslog(_))
    ));
    for (driver, option, expected) in [
        (
            "fluentd",
            ("syslog-format", "rfc5424"),
            "log option syslog-format",
        ),
        ("syslog", ("labels", "a"), "log option labels"),
        ("json-file", ("labels-regex", "a"), "log option labels-regex"),
        ("json-file", ("max-file", "0"), "max-file cannot be less than 1"),
        ("json-file", ("max-size", "10x"), "max-size"),
        ("json-file", ("max-size", "0"), "max-size"),
        ("gelf", ("gelf-address", "udp://host:1"), "log driver gelf"),
    ] {
        let refused = parse(driver, &[option]).expect_err(driver);
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn json_file_bounds_what_is_kept() {
    for (options, file_bytes, files) in [
        (vec![], None, None),
        (vec![("max-size", "10m")], Some(10 << 20), Some(1)),
        (vec![("max-size", "1kb"), ("max-file", "3")], Some(1024), Some(3)),
        (vec![("max-size", "-1"), ("max-file", "2")], None, Some(2)),
        (
            vec![("max-size", "2G"), ("compress", "false")],
            Some(2 << 30),
            Some(1),
        ),
    ] {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let config = |driver: &str| LogConfig {
            driver: driver.to_owned(),
            options: Some(options.iter().map(owned).collect()),
        };
        let found = json_file::limits(Some(&config("json-file")));
        assert_eq!(found, Ok(LogLimits { file_bytes, files }), "{options:?}");
        assert_eq!(json_file::limits(Some(&config("none"))), Ok(LogLimits::default()));
    }
}
