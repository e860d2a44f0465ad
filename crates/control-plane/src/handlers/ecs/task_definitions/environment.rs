//! Variables of a container: plain, from files, and secret.

use api::ecs;
use domain::container_definition::{EnvironmentFile, Secret};
use domain::tags::Pair;

use super::containers::setting;
use crate::handlers::ecs::errors::client;

/// Most files of a container.
const FILES_MAX: usize = 10;

/// Variables as given; a name without value is the empty text.
pub fn environment(pairs: &[ecs::KeyValuePair]) -> Vec<Pair> {
    let pair = |it: &ecs::KeyValuePair| Pair {
        name: it.name.clone().unwrap_or_default(),
        value: it.value.clone(),
    };
    pairs.iter().map(pair).collect()
}

/// Variables of a container, each with a name.
///
/// # Errors
/// ClientException.
pub fn parse(container: &str, pairs: &[ecs::KeyValuePair]) -> Result<Vec<Pair>, ecs::Error> {
    let environment = environment(pairs);
    if environment.iter().any(|it| it.name.is_empty()) {
        return Err(setting(
            container,
            "The name of an environment variable should not be null or empty.",
        ));
    }
    Ok(environment)
}

/// Files of variables: objects in S3.
///
/// # Errors
/// ClientException.
pub fn files(container: &str, given: &[ecs::EnvironmentFile]) -> Result<Vec<EnvironmentFile>, ecs::Error> {
    if given.len() > FILES_MAX {
        return Err(client(
            "The maximum number of environment files was exceeded. Specify ten or less and try again.",
        ));
    }
    let file = |it: &ecs::EnvironmentFile| {
        if it.r#type != ecs::EnvironmentFileType::S3 {
            return Err(setting(
                container,
                "The type of an environment file must be 's3'.",
            ));
        }
        if !is_arn_of(&it.value, "s3") {
            return Err(client("Invalid arn syntax."));
        }
        if !it.value.ends_with(".env") {
            return Err(setting(
                container,
                "The name of an environment file must end in '.env'.",
            ));
        }
        Ok(EnvironmentFile {
            value: it.value.clone(),
        })
    };
    given.iter().map(file).collect()
}

/// Secrets of a container or of its log driver.
///
/// # Errors
/// ClientException.
pub fn secrets(container: &str, given: &[ecs::Secret]) -> Result<Vec<Secret>, ecs::Error> {
    let secret = |it: &ecs::Secret| {
        if it.name.is_empty() {
            return Err(setting(
                container,
                "The name of a secret should not be null or empty.",
            ));
        }
        if it.value_from.starts_with("arn:") && !is_secret_arn(&it.value_from) {
            return Err(client("Invalid arn syntax."));
        }
        if !is_secret_arn(&it.value_from) && !is_parameter_name(&it.value_from) {
            return Err(setting(
                container,
                &format!(
                    "The 'valueFrom' of secret '{}' must be the name or ARN of a parameter, or the ARN of a secret.",
                    it.name
                ),
            ));
        }
        Ok(Secret {
            name: it.name.clone(),
            value_from: it.value_from.clone(),
        })
    };
    given.iter().map(secret).collect()
}

/// Names must be unique among secrets and plain variables together.
///
/// # Errors
/// ClientException.
pub fn check_names(environment: &[Pair], secrets: &[Secret]) -> Result<(), ecs::Error> {
    for (index, secret) in secrets.iter().enumerate() {
        let is_variable = environment.iter().any(|it| it.name == secret.name);
        if is_variable || secrets[..index].iter().any(|it| it.name == secret.name) {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{}'.",
                secret.name
            )));
        }
    }
    Ok(())
}

/// Whether a secret is one of Secrets Manager; otherwise it is a parameter.
pub fn is_of_secrets_manager(value_from: &str) -> bool {
    is_arn_of(value_from, "secretsmanager")
}

/// `arn:<partition>:<service>:…` with a resource.
pub fn is_arn_of(text: &str, service: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let head = [parts.next(), parts.next(), parts.next()];
    head[0] == Some("arn")
        && head[1].is_some_and(|it| it.starts_with("aws"))
        && head[2] == Some(service)
        && parts.nth(2).is_some_and(|it| !it.is_empty())
}

/// A parameter, or a secret with up to three of key, stage and version.
fn is_secret_arn(text: &str) -> bool {
    let resource = text.splitn(6, ':').nth(5).unwrap_or_default();
    if is_arn_of(text, "ssm") {
        return resource.starts_with("parameter/");
    }
    let parts = resource.split(':').count();
    is_of_secrets_manager(text) && resource.starts_with("secret:") && (parts == 2 || parts == 5)
}

fn is_parameter_name(text: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"._-/:".contains(&it);
    !text.is_empty() && text.len() <= 2048 && text.bytes().all(is_letter)
}
