//! Service deployments and service revisions.

use api::ecs;
use domain::arn::{Arn, Resource};
use domain::service::{Service, ServiceStatus};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::{Scope, ServiceDeploymentArn, ServiceRevisionArn};
use orchestrator::transitions;

use super::{service_connect, strategy};
use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, invalid_parameter, service_not_found};
use crate::handlers::ecs::{listing, names, render};

/// Most items of one Describe.
const DESCRIBED_MAX: usize = 20;
/// Page sizes of ListServiceDeployments.
const TWENTY: listing::Limits = listing::Limits {
    default: 20,
    most: 100,
};
/// Words of the `status` filter.
const STATUSES: [&str; 9] = [
    "PENDING",
    "SUCCESSFUL",
    "STOPPED",
    "STOP_REQUESTED",
    "IN_PROGRESS",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
];

/// `DescribeServiceDeployments`.
///
/// # Errors
/// InvalidParameterException for none, too many, or what is no ARN of a service deployment.
pub async fn describe_service_deployments(
    call: Call<ecs::DescribeServiceDeployments>,
) -> Result<ecs::DescribeServiceDeploymentsOutput, ecs::Error> {
    let arns: Vec<ServiceDeploymentArn> = parse_all(
        call.scope(),
        &call.input().service_deployment_arns,
        "serviceDeploymentArns",
    )?;
    call.access().store().read(|state| {
        let (found, failures) = listing::found::<ServiceDeployment>(state, &arns);
        let found = found.into_iter().map(|it| render::service_deployment(state, it));
        Ok(ecs::DescribeServiceDeploymentsOutput {
            service_deployments: Some(found.collect()),
            failures: Some(failures),
        })
    })
}

/// `DescribeServiceRevisions`.
///
/// # Errors
/// InvalidParameterException for none, too many, or what is no ARN of a service revision.
pub async fn describe_service_revisions(
    call: Call<ecs::DescribeServiceRevisions>,
) -> Result<ecs::DescribeServiceRevisionsOutput, ecs::Error> {
    let arns: Vec<ServiceRevisionArn> = parse_all(
        call.scope(),
        &call.input().service_revision_arns,
        "serviceRevisionArns",
    )?;
    call.access().store().read(|state| {
        let (found, failures) = listing::found::<ServiceRevision>(state, &arns);
        let found = found.into_iter().map(|it| render::service_revision(state, it));
        Ok(ecs::DescribeServiceRevisionsOutput {
            service_revisions: Some(found.collect()),
            failures: Some(failures),
        })
    })
}

fn parse_all<K: Resource>(scope: &Scope, given: &[String], member: &str) -> Result<Vec<Arn<K>>, ecs::Error> {
    if given.is_empty() {
        return Err(invalid_parameter(format!("{member} cannot be empty.")));
    }
    if given.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "{member} can have at most {DESCRIBED_MAX} items."
        )));
    }
    given.iter().map(|it| parse(scope, it)).collect()
}

fn parse<K: Resource>(scope: &Scope, given: &str) -> Result<Arn<K>, ecs::Error> {
    let arn: Arn<K> = Arn::parse(given).map_err(|_| {
        invalid_parameter(format!(
            "Invalid identifier: {given} is not the ARN of a {}.",
            K::WORD.replace('-', " ")
        ))
    })?;
    match arn.scope() == *scope {
        true => Ok(arn),
        false => Err(names::of_other_scope(&arn.scope(), scope)),
    }
}

/// `ListServiceDeployments`: newest first.
///
/// # Errors
/// ClusterNotFoundException, ServiceNotFoundException; InvalidParameterException for a bad status, token or page size.
pub async fn list_service_deployments(
    call: Call<ecs::ListServiceDeployments>,
) -> Result<ecs::ListServiceDeploymentsOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::service(&cluster, &input.service)?;
    let statuses: Vec<&str> = input.status.iter().flatten().map(|it| it.as_str()).collect();
    listing::require_word("status", statuses.iter().copied(), &STATUSES)?;
    let (before, after) = input
        .created_at
        .as_ref()
        .map_or((None, None), |it| (it.before, it.after));
    let matches = |it: &ServiceDeployment| {
        (statuses.is_empty() || statuses.contains(&it.status.as_str()))
            && before.is_none_or(|limit| it.created_at < limit)
            && after.is_none_or(|limit| it.created_at > limit)
    };
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing_name = format!("service deployments {arn} {statuses:?} {before:?} {after:?}");
    let key = call.access().page_key();
    let (briefs, next_token) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        state.get::<Service>(&arn).ok_or_else(service_not_found)?;
        let all = state.deployments_of_service(&arn).into_iter();
        let items = all
            .filter(|it| matches(it))
            .map(|it| (place(it), render::service_deployment_brief(it)));
        listing::list(key, TWENTY, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListServiceDeploymentsOutput {
        service_deployments: Some(briefs),
        next_token,
    })
}

/// Pages go on behind a place: later times come first.
fn place(it: &ServiceDeployment) -> String {
    let age = i128::MAX - it.created_at.as_nanosecond();
    format!("{age:039} {}", it.arn)
}

/// `StopServiceDeployment` with the stop type ROLLBACK, which is the default. ABORT is a word of the model, but no valid
/// value: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>
///
/// # Errors
/// ServiceDeploymentNotFoundException; ConflictException for one that has ended; InvalidParameterException for another
/// stop type, and if there is no earlier revision.
pub async fn stop_service_deployment(
    call: Call<ecs::StopServiceDeployment>,
) -> Result<ecs::StopServiceDeploymentOutput, ecs::Error> {
    let input = call.input();
    match input.stop_type.as_ref().map_or("ROLLBACK", |it| it.as_str()) {
        "ROLLBACK" => {}
        other => {
            return Err(invalid_parameter(format!(
                "Invalid stopType: {other:?}; the valid values are ROLLBACK."
            )));
        }
    }
    let arn: ServiceDeploymentArn = parse(call.scope(), &input.service_deployment_arn)?;
    let store = call.access().store();
    let stopped = store
        .transact(move |tx| transitions::stop_service_deployment(tx, &arn))
        .await;
    let stopped = stopped.map_err(errors::from_store)?;
    Ok(ecs::StopServiceDeploymentOutput {
        service_deployment_arn: Some(stopped.arn.to_string()),
    })
}

/// `ContinueServiceDeployment`: answers a hook that pauses a deployment.
///
/// # Errors
/// ServiceDeploymentNotFoundException; InvalidParameterException if the hook does not wait for an answer.
pub async fn continue_service_deployment(
    call: Call<ecs::ContinueServiceDeployment>,
) -> Result<ecs::ContinueServiceDeploymentOutput, ecs::Error> {
    let input = call.input();
    let action = strategy::action(input.action.as_ref().map_or("CONTINUE", |it| it.as_str()))?;
    if input.hook_id.is_empty() {
        return Err(invalid_parameter("hookId cannot be empty."));
    }
    let arn: ServiceDeploymentArn = parse(call.scope(), &input.service_deployment_arn)?;
    let (named, hook_id) = (arn.to_string(), input.hook_id.clone());
    let store = call.access().store();
    let continued = store
        .transact(move |tx| transitions::continue_service_deployment(tx, &arn, &hook_id, action))
        .await;
    continued.map_err(errors::from_store)?;
    Ok(ecs::ContinueServiceDeploymentOutput {
        service_deployment_arn: Some(named),
    })
}

/// `ListServicesByNamespace`: ACTIVE and DRAINING services of all clusters that take part in Service Connect there.
///
/// # Errors
/// NamespaceNotFoundException; InvalidParameterException for a bad token or page size.
pub async fn list_services_by_namespace(
    call: Call<ecs::ListServicesByNamespace>,
) -> Result<ecs::ListServicesByNamespaceOutput, ecs::Error> {
    let input = call.input();
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (scope, key) = (call.scope(), call.access().page_key());
    let (arns, next_token) = call.access().store().read(|state| {
        let namespace = service_connect::namespace(state, scope, &input.namespace)?;
        let is_in = |it: &Service| {
            let connect = it.service_connect.as_ref().filter(|it| it.is_enabled);
            connect.and_then(|it| it.namespace_id.as_ref()) == Some(&namespace.id)
        };
        let found = state.all::<Service>();
        let found = found.filter(|it| it.status != ServiceStatus::Inactive && is_in(it));
        let items = found.map(|it| (it.arn.to_string(), it.arn.to_string()));
        let listing_name = format!("services of {}", namespace.id);
        listing::list(key, listing::SERVICES, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListServicesByNamespaceOutput {
        service_arns: Some(arns),
        next_token,
    })
}
