//! CreateDeploymentGroup, GetDeploymentGroup, BatchGetDeploymentGroups, ListDeploymentGroups, UpdateDeploymentGroup,
//! DeleteDeploymentGroup.

use api::codedeploy::{self, Error};
use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::code_deploy::deployment_config::{ALL_AT_ONCE, TrafficRouting};
use domain::code_deploy::deployment_group::{AutoRollback, DeploymentGroup, TrafficRoutes};
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::{Scope, ServiceArn};
use store::{State, Tx};

use super::errors::{from_store, invalid_config_name, invalid_style, too_many};
use super::group_settings::{self as settings, Given};
use super::paging::cut;
use super::{names, render, tags};
use crate::call::Call;

/// Most groups of an application, as on Amazon.
const GROUPS_MAX: usize = 1000;
/// Most names of one BatchGetDeploymentGroups.
const BATCH_MAX: usize = 100;

fn exists(name: &str) -> Error {
    Error::DeploymentGroupAlreadyExistsException(codedeploy::DeploymentGroupAlreadyExistsException {
        message: Some(format!("Deployment Group already exists with name: {name}")),
    })
}

/// `CreateDeploymentGroup`.
///
/// # Errors
/// Those of names and of each member; DeploymentGroupAlreadyExists, DeploymentGroupLimitExceeded,
/// ECSServiceMappingLimitExceeded, RoleRequired, InvalidRole.
pub async fn create_deployment_group(
    call: Call<codedeploy::CreateDeploymentGroup>,
) -> Result<codedeploy::CreateDeploymentGroupOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let created = call.access().store().transact(move |tx| {
        let group = new_group(tx, &scope, &input)?;
        Ok(tx.put(group).id.clone())
    });
    Ok(codedeploy::CreateDeploymentGroupOutput {
        deployment_group_id: Some(created.await.map_err(from_store)?),
    })
}

fn new_group(
    tx: &Tx<'_>,
    scope: &Scope,
    input: &codedeploy::CreateDeploymentGroupInput,
) -> Result<DeploymentGroup, Error> {
    let (state, name) = (tx.state(), &input.deployment_group_name);
    names::application(state, scope, &input.application_name)?;
    names::check_group(name)?;
    let mut groups = state.deployment_groups(scope, &input.application_name);
    if groups.any(|it| it.name == *name) {
        return Err(exists(name));
    }
    if state.deployment_groups(scope, &input.application_name).count() >= GROUPS_MAX {
        return Err(Error::DeploymentGroupLimitExceededException(
            codedeploy::DeploymentGroupLimitExceededException {
                message: Some(format!(
                    "An application can have at most {GROUPS_MAX} deployment groups"
                )),
            },
        ));
    }
    check_role(&input.service_role_arn)?;
    let given = Given::of_new(input);
    given.check()?;
    if given.style.is_none() {
        // What Amazon would take instead is IN_PLACE.
        return Err(invalid_style(
            "For ECS deployment, the deployment type must be BLUE_GREEN, and deployment option must be \
             WITH_TRAFFIC_CONTROL.",
        ));
    }
    let services = given.services.map_or(&[][..], Vec::as_slice);
    let service = settings::service(state, scope, services)?;
    check_mapping(state, scope, &service, None)?;
    let routes = settings::routes(state, scope, given.load_balancer_info)?;
    let config = input.deployment_config_name.as_deref().unwrap_or(ALL_AT_ONCE);
    check_config(state, scope, config, &routes)?;
    Ok(DeploymentGroup {
        scope: scope.clone(),
        application: input.application_name.clone(),
        name: name.clone(),
        id: tx.ids().uuid(),
        service_role_arn: input.service_role_arn.clone(),
        deployment_config_name: config.to_owned(),
        service,
        routes,
        blue_green: settings::blue_green(given.blue_green)?,
        auto_rollback: given
            .auto_rollback
            .map_or(Ok(AutoRollback::default()), settings::auto_rollback)?,
        created_at: tx.now(),
        tags: tags::read(input.tags.as_deref())?,
    })
}

/// The role of a group is kept; nothing is done in its name.
fn check_role(given: &str) -> Result<(), Error> {
    if given.is_empty() {
        return Err(Error::RoleRequiredException(codedeploy::RoleRequiredException {
            message: Some("Role ARN is required".to_owned()),
        }));
    }
    match given.starts_with("arn:aws:iam::") && given.contains(":role/") {
        true => Ok(()),
        false => Err(Error::InvalidRoleException(codedeploy::InvalidRoleException {
            message: Some(format!("The role ARN {given:?} is not valid")),
        })),
    }
}

/// A service is deployed to by one group.
fn check_mapping(
    state: &State,
    scope: &Scope,
    service: &ServiceArn,
    own: Option<&DeploymentGroup>,
) -> Result<(), Error> {
    let mut groups = state.all_deployment_groups(scope);
    let is_own = |it: &DeploymentGroup| own.is_some_and(|own| own.id == it.id);
    match groups.find(|it| it.service == *service && !is_own(it)) {
        None => Ok(()),
        Some(other) => Err(Error::ECSServiceMappingLimitExceededException(
            codedeploy::ECSServiceMappingLimitExceededException {
                message: Some(format!(
                    "The ECS service {} is already associated with the deployment group {} of the application {}",
                    service.name(),
                    other.name,
                    other.application
                )),
            },
        )),
    }
}

/// The config exists, and the load balancer can do what it says.
///
/// # Errors
/// Those of names; InvalidDeploymentConfigName for steps behind a network load balancer.
pub fn check_config(
    state: &State,
    scope: &Scope,
    config: &str,
    routes: &TrafficRoutes,
) -> Result<TrafficRouting, Error> {
    let routing = names::routing(state, scope, config)?;
    let balancer = routes.production.load_balancer().ok();
    let balancer = balancer.and_then(|it| state.get::<LoadBalancer>(&it));
    let is_network = balancer.is_some_and(|it| it.kind == LoadBalancerKind::Network);
    match is_network && routing != TrafficRouting::AllAtOnce {
        true => Err(invalid_config_name(format!(
            "The deployment config {config} is not valid: behind a Network Load Balancer, traffic is shifted all at \
             once ({ALL_AT_ONCE})"
        ))),
        false => Ok(routing),
    }
}

/// `GetDeploymentGroup`.
///
/// # Errors
/// Those of names.
pub async fn get_deployment_group(
    call: Call<codedeploy::GetDeploymentGroup>,
) -> Result<codedeploy::GetDeploymentGroupOutput, Error> {
    let input = call.input();
    call.access().store().read(|state| {
        let found = names::group(
            state,
            call.scope(),
            &input.application_name,
            &input.deployment_group_name,
        )?;
        Ok(codedeploy::GetDeploymentGroupOutput {
            deployment_group_info: Some(render::group(state, &found)),
        })
    })
}

/// `BatchGetDeploymentGroups`: those that are there.
///
/// # Errors
/// Those of names, BatchLimitExceeded.
pub async fn batch_get_deployment_groups(
    call: Call<codedeploy::BatchGetDeploymentGroups>,
) -> Result<codedeploy::BatchGetDeploymentGroupsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let given = &input.deployment_group_names;
    if given.len() > BATCH_MAX {
        return Err(too_many("deployment group names", BATCH_MAX));
    }
    call.access().store().read(|state| {
        names::application(state, scope, &input.application_name)?;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in given {
            match names::group(state, scope, &input.application_name, name) {
                Ok(it) => found.push(render::group(state, &it)),
                Err(Error::DeploymentGroupDoesNotExistException(_)) => missing.push(name.as_str()),
                Err(error) => return Err(error),
            }
        }
        let missing = (!missing.is_empty())
            .then(|| format!("No Deployment Group found for name: {}", missing.join(", ")));
        Ok(codedeploy::BatchGetDeploymentGroupsOutput {
            deployment_groups_info: Some(found),
            error_message: missing,
        })
    })
}

/// `ListDeploymentGroups`, by name.
///
/// # Errors
/// Those of names, InvalidNextToken.
pub async fn list_deployment_groups(
    call: Call<codedeploy::ListDeploymentGroups>,
) -> Result<codedeploy::ListDeploymentGroupsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let name = &input.application_name;
    let (groups, next_token) = call.access().store().read(|state| {
        names::application(state, scope, name)?;
        let all = state.deployment_groups(scope, name);
        let all = all.map(|it| (it.name.clone(), it.name.clone()));
        let listing = format!("deployment groups {name}");
        cut(call.access(), &listing, input.next_token.as_deref(), all)
    })?;
    Ok(codedeploy::ListDeploymentGroupsOutput {
        application_name: Some(name.clone()),
        deployment_groups: Some(groups),
        next_token,
    })
}

/// `UpdateDeploymentGroup`: what is not given stays. Deployments that are under way go on as they began.
///
/// # Errors
/// Those of [`create_deployment_group`].
pub async fn update_deployment_group(
    call: Call<codedeploy::UpdateDeploymentGroup>,
) -> Result<codedeploy::UpdateDeploymentGroupOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let updated = call.access().store().transact(move |tx| {
        let known = names::group(
            tx.state(),
            &scope,
            &input.application_name,
            &input.current_deployment_group_name,
        )?;
        let after = changed(tx.state(), &scope, &known, &input)?;
        if after.name != known.name {
            rename(tx, &known, &after.name);
        }
        tx.put(after);
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(codedeploy::UpdateDeploymentGroupOutput {
        hooks_not_cleaned_up: Some(Vec::new()),
    })
}

fn changed(
    state: &State,
    scope: &Scope,
    known: &DeploymentGroup,
    input: &codedeploy::UpdateDeploymentGroupInput,
) -> Result<DeploymentGroup, Error> {
    let given = Given::of_change(input);
    given.check()?;
    let mut after = known.clone();
    if let Some(name) = input
        .new_deployment_group_name
        .as_ref()
        .filter(|it| **it != known.name)
    {
        names::check_group(name)?;
        let key = (scope.clone(), known.application.clone(), name.clone());
        if state.get::<DeploymentGroup>(&key).is_some() {
            return Err(exists(name));
        }
        after.name.clone_from(name);
    }
    if let Some(role) = &input.service_role_arn {
        check_role(role)?;
        after.service_role_arn.clone_from(role);
    }
    if let Some(services) = given.services {
        after.service = settings::service(state, scope, services)?;
        check_mapping(state, scope, &after.service, Some(known))?;
    }
    if given.load_balancer_info.is_some() {
        after.routes = settings::routes(state, scope, given.load_balancer_info)?;
    }
    if let Some(config) = &input.deployment_config_name {
        after.deployment_config_name.clone_from(config);
    }
    check_config(state, scope, &after.deployment_config_name, &after.routes)?;
    if given.blue_green.is_some() {
        after.blue_green = settings::blue_green(given.blue_green)?;
    }
    if let Some(rollback) = given.auto_rollback {
        after.auto_rollback = settings::auto_rollback(rollback)?;
    }
    Ok(after)
}

/// Its deployments go by the new name as well.
fn rename(tx: &mut Tx<'_>, known: &DeploymentGroup, new: &str) {
    let mine = tx
        .state()
        .deployments_of_group(&known.scope, &known.application, &known.name);
    let mine: Vec<CodeDeployDeployment> = mine.into_iter().map(|it| (**it).clone()).collect();
    for deployment in mine {
        tx.put(CodeDeployDeployment {
            group: new.to_owned(),
            ..deployment
        });
    }
    tx.delete::<DeploymentGroup>(&(known.scope.clone(), known.application.clone(), known.name.clone()));
}

/// `DeleteDeploymentGroup`: with the deployments that have ended. One that is not there is gone. Deployments that are under
/// way end by themselves.
///
/// # Errors
/// Those of names.
pub async fn delete_deployment_group(
    call: Call<codedeploy::DeleteDeploymentGroup>,
) -> Result<codedeploy::DeleteDeploymentGroupOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_application(&input.application_name)?;
    names::check_group(&input.deployment_group_name)?;
    let deleted = call.access().store().transact(move |tx| {
        let (application, name) = (input.application_name, input.deployment_group_name);
        let all = tx.state().deployments_of_group(&scope, &application, &name);
        let ended = all.into_iter().filter(|it| it.status.has_ended());
        let ended: Vec<String> = ended.map(|it| it.id.clone()).collect();
        for id in ended {
            tx.delete::<CodeDeployDeployment>(&(scope.clone(), id));
        }
        tx.delete::<DeploymentGroup>(&(scope, application, name));
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(codedeploy::DeleteDeploymentGroupOutput {
        hooks_not_cleaned_up: Some(Vec::new()),
    })
}
