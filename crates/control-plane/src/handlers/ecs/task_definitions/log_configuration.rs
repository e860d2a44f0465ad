//! Log drivers, their options, and the log router.

use std::collections::BTreeMap;

use api::ecs;
use domain::container_definition::{
    ContainerDefinition, FirelensConfiguration, FirelensType, LogConfiguration,
};

use super::containers::setting;
use super::environment::{self, is_arn_of};
use crate::handlers::ecs::errors::client;

/// What a driver demands and allows.
struct Driver {
    name: &'static str,
    required: &'static [&'static str],
    /// `None` allows anything.
    allowed: Option<&'static [&'static str]>,
}

/// The driver that hands everything to the log router.
pub const FIRELENS: &str = "awsfirelens";
/// Options of every driver.
pub const COMMON: [&str; 2] = ["mode", "max-buffer-size"];
/// Options of awslogs, which the agent obeys all.
pub const AWSLOGS_OPTIONS: [&str; 7] = [
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-multiline-pattern",
    "awslogs-endpoint",
];

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>
const DRIVERS: [Driver; 8] = [
    Driver {
        name: "json-file",
        required: &[],
        allowed: Some(&[
            "max-size",
            "max-file",
            "labels",
            "env",
            "env-regex",
            "tag",
            "compress",
        ]),
    },
    Driver {
        name: "syslog",
        required: &[],
        allowed: None,
    },
    Driver {
        name: "journald",
        required: &[],
        allowed: None,
    },
    Driver {
        name: "gelf",
        required: &["gelf-address"],
        allowed: None,
    },
    Driver {
        name: "fluentd",
        required: &[],
        allowed: None,
    },
    Driver {
        name: "awslogs",
        required: &["awslogs-region", "awslogs-group"],
        allowed: Some(&AWSLOGS_OPTIONS),
    },
    Driver {
        name: "splunk",
        required: &["splunk-url", "splunk-token"],
        allowed: None,
    },
    Driver {
        name: FIRELENS,
        required: &[],
        allowed: None,
    },
];

/// Checks where the output of a container goes.
///
/// # Errors
/// ClientException.
pub fn parse(container: &str, it: &ecs::LogConfiguration) -> Result<LogConfiguration, ecs::Error> {
    let log_driver = it.log_driver.as_str().to_owned();
    let options = it.options.clone().unwrap_or_default();
    let secret_options = environment::secrets(container, it.secret_options.as_deref().unwrap_or_default())?;
    let Some(driver) = DRIVERS.iter().find(|it| it.name == log_driver) else {
        let names = DRIVERS.map(|it| it.name).join(",");
        return Err(client(format!(
            "{log_driver} is not a valid log driver. Must be one of [{names}]"
        )));
    };
    let is_given = |name: &str| options.contains_key(name) || secret_options.iter().any(|it| it.name == name);
    let missing: Vec<&str> = driver
        .required
        .iter()
        .copied()
        .filter(|it| !is_given(it))
        .collect();
    if !missing.is_empty() {
        return Err(client(format!(
            "Log driver {log_driver} requires options: {}",
            missing.join(", ")
        )));
    }
    if let Some(allowed) = driver.allowed {
        let is_known = |name: &str| allowed.contains(&name) || COMMON.contains(&name);
        let unknown: Vec<&str> = options
            .keys()
            .map(String::as_str)
            .filter(|it| !is_known(it))
            .collect();
        if !unknown.is_empty() {
            return Err(client(format!(
                "Log driver {log_driver} disallows options: {}",
                unknown.join(", ")
            )));
        }
    }
    check_values(&log_driver, &options)?;
    Ok(LogConfiguration {
        log_driver,
        options,
        secret_options,
    })
}

fn check_values(driver: &str, options: &BTreeMap<String, String>) -> Result<(), ecs::Error> {
    let option = |name: &str, text: &str| Err(client(format!("Log driver {driver} option '{name}' {text}")));
    let mode = options.get("mode").map(String::as_str);
    if mode.is_some_and(|it| it != "blocking" && it != "non-blocking") {
        return option("mode", "should be 'blocking' or 'non-blocking'.");
    }
    if options.get("max-buffer-size").is_some_and(|it| !is_size(it)) {
        return option("max-buffer-size", "should be a number of bytes, such as '25m'.");
    }
    if driver == "json-file" {
        let files = options.get("max-file").map(|it| it.parse::<u32>());
        if options
            .get("max-size")
            .is_some_and(|it| it != "-1" && !is_size(it))
        {
            return option("max-size", "should be a number of bytes, such as '10m'.");
        }
        if files.is_some_and(|it| !it.is_ok_and(|it| it > 0)) {
            return option("max-file", "should be a number of at least 1.");
        }
    }
    if driver != "awslogs" {
        return Ok(());
    }
    let is_letter = |it: char| it.is_ascii_alphanumeric() || "._-/#".contains(it);
    let is_group = |it: &String| !it.is_empty() && it.len() <= 512 && it.chars().all(is_letter);
    if !options.get("awslogs-group").is_some_and(is_group) {
        return option("awslogs-group", "contains invalid characters.");
    }
    let creates_group = options.get("awslogs-create-group");
    if creates_group.is_some_and(|it| !it.eq_ignore_ascii_case("true")) {
        return option(
            "awslogs-create-group",
            "should only be set to 'true', else omit option.",
        );
    }
    if options.contains_key("awslogs-datetime-format") && options.contains_key("awslogs-multiline-pattern") {
        return option(
            "awslogs-datetime-format",
            "cannot be set together with 'awslogs-multiline-pattern'.",
        );
    }
    Ok(())
}

/// A number with an optional unit: `25m`, `1024`.
fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(|it: char| "bkmgBKMG".contains(it));
    let unit = text.len() - digits.len();
    unit <= 2 && !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

/// Checks a log router.
///
/// # Errors
/// ClientException.
pub fn firelens(
    container: &str,
    it: &ecs::FirelensConfiguration,
) -> Result<FirelensConfiguration, ecs::Error> {
    let kind = match it.r#type {
        ecs::FirelensConfigurationType::Fluentd => FirelensType::Fluentd,
        ecs::FirelensConfigurationType::Fluentbit => FirelensType::Fluentbit,
        ecs::FirelensConfigurationType::Unmodelled(_) => {
            return Err(setting(
                container,
                "The type of a firelensConfiguration must be 'fluentd' or 'fluentbit'.",
            ));
        }
    };
    let wrong = |text: &str| Err(setting(container, text));
    for (name, value) in it.options.iter().flatten() {
        match (name.as_str(), value.as_str()) {
            ("enable-ecs-log-metadata", "true" | "false")
            | ("config-file-type", "s3" | "file")
            | ("config-file-value", _) => {}
            (name, value) => {
                return wrong(&format!(
                    "Invalid option of firelensConfiguration: {name}={value:?}."
                ));
            }
        }
    }
    let option = |name: &str| it.options.as_ref().and_then(|them| them.get(name));
    match (
        option("config-file-type").map(String::as_str),
        option("config-file-value"),
    ) {
        (None, None) => {}
        (Some("s3"), Some(value)) if !is_arn_of(value, "s3") => return Err(client("Invalid arn syntax.")),
        (Some(_), Some(_)) => {}
        _ => {
            return wrong(
                "The options 'config-file-type' and 'config-file-value' of firelensConfiguration go together.",
            );
        }
    }
    Ok(FirelensConfiguration {
        kind,
        options: it.options.clone(),
    })
}

/// A container that logs to the router needs one, and there is at most one.
///
/// # Errors
/// ClientException.
pub fn check_together(containers: &[ContainerDefinition]) -> Result<(), ecs::Error> {
    let routers = containers.iter().filter(|it| it.firelens_configuration.is_some());
    let logs_to_router = |it: &ContainerDefinition| {
        let log = it.log_configuration.as_ref();
        log.is_some_and(|it| it.log_driver == FIRELENS)
    };
    match routers.count() {
        0 if containers.iter().any(logs_to_router) => Err(client(
            "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be specified.",
        )),
        0 | 1 => Ok(()),
        _ => Err(client(
            "A task definition can have only one container with a firelens configuration object.",
        )),
    }
}
