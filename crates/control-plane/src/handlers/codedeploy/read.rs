//! GetDeployment, BatchGetDeployments, ListDeployments.

use api::codedeploy::{self, Error};
use domain::code_deploy::deployment::CodeDeployDeployment;

use super::errors::{invalid_input, invalid_status, too_many};
use super::paging::cut;
use super::{names, render};
use crate::call::Call;

/// Most ids of one BatchGetDeployments.
const BATCH_MAX: usize = 25;
/// Statuses of the model.
const STATUSES: [&str; 8] = [
    "Created",
    "Queued",
    "InProgress",
    "Baking",
    "Succeeded",
    "Failed",
    "Stopped",
    "Ready",
];

/// `GetDeployment`.
///
/// # Errors
/// Those of names.
pub async fn get_deployment(
    call: Call<codedeploy::GetDeployment>,
) -> Result<codedeploy::GetDeploymentOutput, Error> {
    let store = call.access().store();
    let found = store.read(|state| names::deployment(state, call.scope(), &call.input().deployment_id))?;
    Ok(codedeploy::GetDeploymentOutput {
        deployment_info: Some(render::deployment(&found)),
    })
}

/// `BatchGetDeployments`: those that are there.
///
/// # Errors
/// Those of names, BatchLimitExceeded.
pub async fn batch_get_deployments(
    call: Call<codedeploy::BatchGetDeployments>,
) -> Result<codedeploy::BatchGetDeploymentsOutput, Error> {
    let given = &call.input().deployment_ids;
    if given.len() > BATCH_MAX {
        return Err(too_many("deployment IDs", BATCH_MAX));
    }
    let mut found = Vec::new();
    call.access().store().read(|state| {
        for id in given {
            match names::deployment(state, call.scope(), id) {
                Ok(it) => found.push(render::deployment(&it)),
                Err(Error::DeploymentDoesNotExistException(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    Ok(codedeploy::BatchGetDeploymentsOutput {
        deployments_info: Some(found),
    })
}

/// `ListDeployments`: newest first.
///
/// # Errors
/// Those of names, InvalidDeploymentStatus, InvalidTimeRange, InvalidInput, InvalidNextToken.
pub async fn list_deployments(
    call: Call<codedeploy::ListDeployments>,
) -> Result<codedeploy::ListDeploymentsOutput, Error> {
    let input = call.input();
    check_filters(input)?;
    let (application, group) = (&input.application_name, &input.deployment_group_name);
    let listing = format!(
        "deployments {application:?} {group:?} {:?} {:?} {:?}",
        input.create_time_range, input.include_only_statuses, input.external_id
    );
    let (deployments, next_token) = call.access().store().read(|state| {
        match (application.as_deref(), group.as_deref()) {
            (Some(application), Some(group)) => {
                names::group(state, call.scope(), application, group)?;
            }
            // Neither says anything without the other.
            (Some(_), None) => names::check_group("")?,
            (None, Some(_)) => names::check_application("")?,
            (None, None) => {}
        }
        let all = state.code_deploy_deployments(call.scope()).into_iter();
        let wanted = all.filter(|it| is_wanted(it, input));
        let wanted = wanted.map(|it| (place(it), it.id.clone()));
        cut(call.access(), &listing, input.next_token.as_deref(), wanted)
    })?;
    Ok(codedeploy::ListDeploymentsOutput {
        deployments: Some(deployments),
        next_token,
    })
}

/// Where a deployment is in the listing, which goes down.
fn place(it: &CodeDeployDeployment) -> String {
    format!("{:020} {}", it.created_at.as_nanosecond().max(0), it.id)
}

fn check_filters(input: &codedeploy::ListDeploymentsInput) -> Result<(), Error> {
    let statuses = input.include_only_statuses.as_deref().unwrap_or_default();
    if let Some(other) = statuses.iter().find(|it| !STATUSES.contains(&it.as_str())) {
        return Err(invalid_status(format!(
            "The deployment status {:?} is not valid: it is one of {}",
            other.as_str(),
            STATUSES.join(", ")
        )));
    }
    if input.external_id.is_some() {
        return Err(invalid_input(
            "externalId is not valid: it is for deployments that CloudFormation makes, which Gantry has none of",
        ));
    }
    let range = input.create_time_range.as_ref();
    match range.and_then(|it| it.start.zip(it.end)) {
        Some((start, end)) if start > end => Err(Error::InvalidTimeRangeException(
            codedeploy::InvalidTimeRangeException {
                message: Some("The start of the time range is after its end".to_owned()),
            },
        )),
        _ => Ok(()),
    }
}

fn is_wanted(it: &CodeDeployDeployment, input: &codedeploy::ListDeploymentsInput) -> bool {
    let statuses = input.include_only_statuses.as_deref().unwrap_or_default();
    let range = input.create_time_range.as_ref();
    let (start, end) = (range.and_then(|it| it.start), range.and_then(|it| it.end));
    input
        .application_name
        .as_ref()
        .is_none_or(|name| *name == it.application)
        && input
            .deployment_group_name
            .as_ref()
            .is_none_or(|name| *name == it.group)
        && (statuses.is_empty() || statuses.iter().any(|word| word.as_str() == it.status.as_str()))
        && start.is_none_or(|start| it.created_at >= start)
        && end.is_none_or(|end| it.created_at <= end)
}
