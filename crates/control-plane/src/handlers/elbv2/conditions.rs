//! Conditions of rules as they are given: checked.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html#rule-condition-types>

use api::elbv2::{self, Error};
use domain::listener_rule::{Condition, IpRange, QueryParameter};

use super::errors::{unbuilt, validation};
use super::limits::{CONDITION_VALUES_MAX, CONDITION_WILDCARDS_MAX};

/// Longest value of a condition.
const VALUE_MAX: usize = 128;
/// Longest name of a header, and longest method.
const TOKEN_MAX: usize = 40;
/// What may stand in paths besides letters and digits.
const PATH_SIGNS: &[u8] = b"_-.$/~\"'@:+&*?";
/// What may stand in names of headers besides letters and digits.
const TOKEN_SIGNS: &[u8] = b"!#$%&'*+-.^_`|~";

/// Reads the conditions of a rule.
///
/// # Errors
/// ValidationError, InvalidConfigurationRequest.
pub fn read(given: &[elbv2::RuleCondition]) -> Result<Vec<Condition>, Error> {
    if given.is_empty() {
        return Err(validation("At least one condition must be specified"));
    }
    let mut conditions: Vec<Condition> = Vec::new();
    for it in given {
        let condition = condition(it)?;
        let field = condition.field();
        let may_repeat = matches!(
            condition,
            Condition::HttpHeader { .. } | Condition::QueryString(_)
        );
        if !may_repeat && conditions.iter().any(|it| it.field() == field) {
            return Err(validation(format!(
                "A rule can only have one '{field}' condition"
            )));
        }
        conditions.push(condition);
    }
    let values: usize = conditions.iter().map(Condition::value_count).sum();
    if values > CONDITION_VALUES_MAX {
        return Err(validation(format!(
            "A rule can only have '{CONDITION_VALUES_MAX}' condition values"
        )));
    }
    if conditions.iter().map(wildcards).sum::<usize>() > CONDITION_WILDCARDS_MAX {
        return Err(validation(format!(
            "A rule can only have '{CONDITION_WILDCARDS_MAX}' condition wildcards"
        )));
    }
    Ok(conditions)
}

fn condition(it: &elbv2::RuleCondition) -> Result<Condition, Error> {
    check_regex(it)?;
    let field = it.field.as_deref().unwrap_or_default();
    let bare = it.values.clone().unwrap_or_default();
    let either = |config: Option<Vec<String>>| match (config, bare.is_empty()) {
        (Some(_), false) => Err(validation(format!(
            "Cannot specify both Values and a configuration for the condition field '{field}'"
        ))),
        (Some(values), true) => non_empty(values),
        (None, _) => non_empty(bare.clone()),
    };
    match field {
        "host-header" => {
            let config = it.host_header_config.as_ref();
            host_header(either(config.map(|it| it.values.clone().unwrap_or_default()))?)
        }
        "path-pattern" => {
            let config = it.path_pattern_config.as_ref();
            path_pattern(either(config.map(|it| it.values.clone().unwrap_or_default()))?)
        }
        "http-header" => {
            let config = it.http_header_config.clone().unwrap_or_default();
            http_header(
                config.http_header_name.unwrap_or_default(),
                non_empty(config.values.unwrap_or_default())?,
            )
        }
        "http-request-method" => {
            let config = it.http_request_method_config.clone().unwrap_or_default();
            http_request_method(non_empty(config.values.unwrap_or_default())?)
        }
        "query-string" => {
            let config = it.query_string_config.clone().unwrap_or_default();
            query_string(non_empty(config.values.unwrap_or_default())?)
        }
        "source-ip" => {
            let config = it.source_ip_config.clone().unwrap_or_default();
            source_ip(&non_empty(config.values.unwrap_or_default())?)
        }
        other => Err(validation(format!(
            "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, \
             query-string, source-ip]'"
        ))),
    }
}

fn check_regex(it: &elbv2::RuleCondition) -> Result<(), Error> {
    let given = [
        it.regex_values.as_ref(),
        it.host_header_config
            .as_ref()
            .and_then(|it| it.regex_values.as_ref()),
        it.path_pattern_config
            .as_ref()
            .and_then(|it| it.regex_values.as_ref()),
        it.http_header_config
            .as_ref()
            .and_then(|it| it.regex_values.as_ref()),
    ];
    match given.into_iter().flatten().any(|it| !it.is_empty()) {
        true => Err(unbuilt("RegexValues of a condition")),
        false => Ok(()),
    }
}

fn non_empty<T>(values: Vec<T>) -> Result<Vec<T>, Error> {
    match values.is_empty() {
        true => Err(validation("A condition value must be specified")),
        false => Ok(values),
    }
}

fn too_long(field: &str, most: usize) -> Error {
    validation(format!("The '{field}' value is too long; the limit is '{most}'"))
}

fn invalid_character(value: &str) -> Error {
    validation(format!(
        "Condition value '{value}' contains a character that is not valid"
    ))
}

/// Each has a length and characters that the field allows.
fn check(field: &str, values: &[String], is_fit: impl Fn(u8) -> bool) -> Result<(), Error> {
    for value in values {
        if value.is_empty() {
            return Err(validation("A condition value must be specified"));
        }
        if value.chars().count() > VALUE_MAX {
            return Err(too_long(field, VALUE_MAX));
        }
        if !value.bytes().all(&is_fit) {
            return Err(invalid_character(value));
        }
    }
    Ok(())
}

fn host_header(values: Vec<String>) -> Result<Condition, Error> {
    check("host-header", &values, |it| {
        it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.' | b'*' | b'?')
    })?;
    match values.iter().find(|it| !it.contains('.') && !it.contains('*')) {
        Some(value) => Err(validation(format!(
            "The 'host-header' value '{value}' must contain at least one '.' character"
        ))),
        None => Ok(Condition::HostHeader(values)),
    }
}

fn path_pattern(values: Vec<String>) -> Result<Condition, Error> {
    check("path-pattern", &values, |it| {
        it.is_ascii_alphanumeric() || PATH_SIGNS.contains(&it)
    })?;
    Ok(Condition::PathPattern(values))
}

fn http_header(name: String, values: Vec<String>) -> Result<Condition, Error> {
    if name.is_empty() {
        return Err(validation("An HTTP header name must be specified"));
    }
    if name.len() > TOKEN_MAX {
        return Err(too_long("http-header", TOKEN_MAX));
    }
    if !name
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || TOKEN_SIGNS.contains(&it))
    {
        return Err(invalid_character(&name));
    }
    if name.eq_ignore_ascii_case("host") {
        return Err(validation(
            "The 'http-header' condition cannot be used for the host header: use 'host-header'",
        ));
    }
    check("http-header", &values, |it| (b' '..=b'~').contains(&it))?;
    Ok(Condition::HttpHeader { name, values })
}

fn http_request_method(values: Vec<String>) -> Result<Condition, Error> {
    for value in &values {
        if value.is_empty() {
            return Err(validation("A condition value must be specified"));
        }
        if value.len() > TOKEN_MAX {
            return Err(too_long("http-request-method", TOKEN_MAX));
        }
        if !value
            .bytes()
            .all(|it| it.is_ascii_uppercase() || matches!(it, b'-' | b'_'))
        {
            return Err(invalid_character(value));
        }
    }
    Ok(Condition::HttpRequestMethod(values))
}

fn query_string(values: Vec<elbv2::QueryStringKeyValuePair>) -> Result<Condition, Error> {
    let mut parameters = Vec::new();
    for elbv2::QueryStringKeyValuePair { key, value } in values {
        let key = key.filter(|it| !it.is_empty());
        let value = value.unwrap_or_default();
        let texts: Vec<String> = key.iter().cloned().chain([value.clone()]).collect();
        check("query-string", &texts, |it| (b' '..=b'~').contains(&it))?;
        parameters.push(QueryParameter { key, value });
    }
    Ok(Condition::QueryString(parameters))
}

fn source_ip(values: &[String]) -> Result<Condition, Error> {
    let parsed = values.iter().map(|it| {
        it.parse::<IpRange>().map_err(|_| {
            validation(format!(
                "The value '{it}' of the 'source-ip' condition is not a valid CIDR"
            ))
        })
    });
    Ok(Condition::SourceIp(parsed.collect::<Result<_, _>>()?))
}

fn wildcards(it: &Condition) -> usize {
    let count = |text: &str| text.bytes().filter(|it| matches!(it, b'*' | b'?')).count();
    match it {
        Condition::HostHeader(values)
        | Condition::PathPattern(values)
        | Condition::HttpHeader { values, .. } => values.iter().map(|it| count(it)).sum(),
        Condition::QueryString(values) => {
            let both = values
                .iter()
                .map(|it| count(&it.value) + it.key.as_deref().map_or(0, count));
            both.sum()
        }
        Condition::HttpRequestMethod(_) | Condition::SourceIp(_) => 0,
    }
}
