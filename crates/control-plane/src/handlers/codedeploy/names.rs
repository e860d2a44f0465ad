//! Names of applications, deployment groups, deployment configs and deployments.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html>

use std::sync::Arc;

use api::codedeploy::{self, Error};
use domain::Scope;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::code_deploy::deployment_config::{DeploymentConfig, TrafficRouting, predefined};
use domain::code_deploy::deployment_group::DeploymentGroup;
use store::State;

use super::errors::{
    invalid_application_name, invalid_config_name, invalid_group_name, no_application, no_config,
    no_deployment, no_group,
};

/// Longest name.
const NAME_MAX: usize = 100;

fn is_name(text: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"._+=,@-".contains(&it);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(is_letter)
}

/// What is said of a name that is none.
fn rule(kind: &str, given: &str) -> String {
    format!(
        "{kind} name {given:?} is not valid: it has 1 to {NAME_MAX} letters, digits, and characters of . _ + = , @ -"
    )
}

/// Checks the name of an application.
///
/// # Errors
/// ApplicationNameRequired, InvalidApplicationName.
pub fn check_application(given: &str) -> Result<(), Error> {
    match given {
        "" => Err(Error::ApplicationNameRequiredException(
            codedeploy::ApplicationNameRequiredException {
                message: Some("Application name is required".to_owned()),
            },
        )),
        _ if is_name(given) => Ok(()),
        _ => Err(invalid_application_name(rule("Application", given))),
    }
}

/// Checks the name of a deployment group.
///
/// # Errors
/// DeploymentGroupNameRequired, InvalidDeploymentGroupName.
pub fn check_group(given: &str) -> Result<(), Error> {
    match given {
        "" => Err(Error::DeploymentGroupNameRequiredException(
            codedeploy::DeploymentGroupNameRequiredException {
                message: Some("Deployment Group name is required".to_owned()),
            },
        )),
        _ if is_name(given) => Ok(()),
        _ => Err(invalid_group_name(rule("Deployment Group", given))),
    }
}

/// Checks the name of a deployment config.
///
/// # Errors
/// DeploymentConfigNameRequired, InvalidDeploymentConfigName.
pub fn check_config(given: &str) -> Result<(), Error> {
    match given {
        "" => Err(Error::DeploymentConfigNameRequiredException(
            codedeploy::DeploymentConfigNameRequiredException {
                message: Some("Deployment Config name is required".to_owned()),
            },
        )),
        _ if is_name(given) => Ok(()),
        _ => Err(invalid_config_name(rule("Deployment Config", given))),
    }
}

/// An application of a scope.
///
/// # Errors
/// ApplicationDoesNotExist and those of [`check_application`].
pub fn application(state: &State, scope: &Scope, given: &str) -> Result<Arc<CodeDeployApplication>, Error> {
    check_application(given)?;
    let found = state.get::<CodeDeployApplication>(&(scope.clone(), given.to_owned()));
    found.cloned().ok_or_else(|| no_application(given))
}

/// A deployment group of an application.
///
/// # Errors
/// DeploymentGroupDoesNotExist, and those of [`application`] and [`check_group`].
pub fn group(
    state: &State,
    scope: &Scope,
    application: &str,
    given: &str,
) -> Result<Arc<DeploymentGroup>, Error> {
    self::application(state, scope, application)?;
    check_group(given)?;
    let key = (scope.clone(), application.to_owned(), given.to_owned());
    let found = state.get::<DeploymentGroup>(&key);
    found.cloned().ok_or_else(|| no_group(given))
}

/// What a deployment config says; predefined ones are there always.
///
/// # Errors
/// DeploymentConfigDoesNotExist and those of [`check_config`].
pub fn routing(state: &State, scope: &Scope, given: &str) -> Result<TrafficRouting, Error> {
    check_config(given)?;
    if let Some(routing) = predefined(given) {
        return Ok(routing);
    }
    let found = state.get::<DeploymentConfig>(&(scope.clone(), given.to_owned()));
    found.map(|it| it.routing).ok_or_else(|| no_config(given))
}

/// Checks the id of a deployment: `d-` and nine capital letters and digits.
///
/// # Errors
/// DeploymentIdRequired, InvalidDeploymentId.
pub fn check_deployment(given: &str) -> Result<(), Error> {
    if given.is_empty() {
        return Err(Error::DeploymentIdRequiredException(
            codedeploy::DeploymentIdRequiredException {
                message: Some("Deployment ID must be specified".to_owned()),
            },
        ));
    }
    let letters = given.strip_prefix("d-").unwrap_or_default();
    let is_id = letters.len() == 9
        && letters
            .bytes()
            .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
    match is_id {
        true => Ok(()),
        false => Err(Error::InvalidDeploymentIdException(
            codedeploy::InvalidDeploymentIdException {
                message: Some(format!("The specified deployment ID {given:?} is not valid")),
            },
        )),
    }
}

/// A deployment of a scope.
///
/// # Errors
/// DeploymentDoesNotExist and those of [`check_deployment`].
pub fn deployment(state: &State, scope: &Scope, given: &str) -> Result<Arc<CodeDeployDeployment>, Error> {
    check_deployment(given)?;
    let found = state.get::<CodeDeployDeployment>(&(scope.clone(), given.to_owned()));
    found.cloned().ok_or_else(|| no_deployment(given))
}
