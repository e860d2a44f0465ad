//! Secrets of a container, as its agent fetches them.

use api::acs;
use domain::Scope;
use domain::container_definition::{ContainerDefinition, Secret};
use domain::parameter::Parameter;
use store::State;

/// Secrets that become variables, then those that become options of the log driver.
pub fn secrets(state: &State, scope: &Scope, definition: &ContainerDefinition) -> Option<Vec<acs::Secret>> {
    let variables = definition.secrets.iter().flatten();
    let log = definition.log_configuration.iter();
    let options = log.flat_map(|it| &it.secret_options);
    let all: Vec<acs::Secret> = variables
        .map(|it| secret(state, scope, it, "CONTAINER"))
        .chain(options.map(|it| secret(state, scope, it, "LOG_DRIVER")))
        .collect();
    Some(all).filter(|it| !it.is_empty())
}

/// The secret with the login of the image's registry; one given by its name is in the task's region.
pub fn registry_login(
    scope: &Scope,
    definition: &ContainerDefinition,
) -> Option<acs::RegistryAuthenticationData> {
    let secret = definition.repository_credentials.as_ref()?;
    let region = secret.split(':').nth(3).unwrap_or(&scope.region);
    Some(acs::RegistryAuthenticationData {
        r#type: Some("asm".to_owned()),
        asm_auth_data: Some(acs::ASMAuthData {
            credentials_parameter: Some(secret.clone()),
            region: Some(region.to_owned()),
        }),
    })
}

fn secret(state: &State, scope: &Scope, it: &Secret, target: &str) -> acs::Secret {
    let mut fields = it.value_from.splitn(6, ':').skip(2);
    let (service, region) = (fields.next(), fields.next());
    let is_secret = it.value_from.starts_with("arn:") && service == Some("secretsmanager");
    let region = region.unwrap_or(&scope.region);
    let value_from = match is_secret {
        true => it.value_from.clone(),
        false => parameter(state, scope, &it.value_from),
    };
    let provider = if is_secret { "asm" } else { "ssm" };
    acs::Secret {
        container_path: None,
        name: Some(it.name.clone()),
        provider: Some(provider.to_owned()),
        region: Some(region.to_owned()),
        target: Some(target.to_owned()),
        r#type: Some("ENVIRONMENT_VARIABLE".to_owned()),
        value_from: Some(value_from),
    }
}

/// Agents ask for parameters by name. An ARN does not say whether a name begins with a slash.
fn parameter(state: &State, scope: &Scope, value_from: &str) -> String {
    let Scope { account, region } = scope;
    let ours = format!("arn:aws:ssm:{region}:{account}:parameter");
    let Some(path) = value_from.strip_prefix(&ours) else {
        return value_from.to_owned();
    };
    let is_there = |name: &str| {
        state
            .get::<Parameter>(&(scope.clone(), name.to_owned()))
            .is_some()
    };
    let bare = path.strip_prefix('/').unwrap_or(path);
    match bare.contains('/') || is_there(path) || path == bare {
        true => path.to_owned(),
        false => bare.to_owned(),
    }
}
