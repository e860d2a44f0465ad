//! Which driver and options a log configuration names.

use std::collections::BTreeMap;

use super::options::LogDriver;
use crate::host::ContainerSpec;
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
        ("gelf", ("gelf-address", "udp://host:1"), "log driver gelf"),
    ] {
        let refused = parse(driver, &[option]).expect_err(driver);
        assert!(refused.contains(expected), "{refused}");
    }
}
