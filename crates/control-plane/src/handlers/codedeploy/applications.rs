//! CreateApplication, GetApplication, BatchGetApplications, ListApplications, UpdateApplication, DeleteApplication.

use api::codedeploy::{self, Error};
use domain::Scope;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::CodeDeployDeployment;
use domain::code_deploy::deployment_group::DeploymentGroup;
use store::{Record as _, State, Tx};

use super::errors::{from_store, invalid_compute_platform, too_many};
use super::paging::cut;
use super::{names, tags};
use crate::call::Call;

/// Most applications of a region, as on Amazon.
const APPLICATIONS_MAX: usize = 1000;
/// Most names of one BatchGetApplications.
const BATCH_MAX: usize = 100;

/// The compute platform has to be ECS. One that is not given is Server on Amazon, and so it is refused here.
///
/// # Errors
/// InvalidComputePlatform.
pub fn check_platform(given: Option<&codedeploy::ComputePlatform>) -> Result<(), Error> {
    match given.map_or("Server", |it| it.as_str()) {
        "ECS" => Ok(()),
        other @ ("Server" | "Lambda") => Err(invalid_compute_platform(format!(
            "The compute platform {other} is not supported by Gantry: give computePlatform ECS"
        ))),
        other => Err(invalid_compute_platform(format!(
            "The compute platform {other:?} is not valid: it is one of Server, Lambda, ECS"
        ))),
    }
}

fn exists(name: &str) -> Error {
    Error::ApplicationAlreadyExistsException(codedeploy::ApplicationAlreadyExistsException {
        message: Some(format!("Application already exists with name: {name}")),
    })
}

/// `CreateApplication`.
///
/// # Errors
/// Those of names, ApplicationAlreadyExists, ApplicationLimitExceeded, InvalidComputePlatform, InvalidTagsToAdd.
pub async fn create_application(
    call: Call<codedeploy::CreateApplication>,
) -> Result<codedeploy::CreateApplicationOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_application(&input.application_name)?;
    check_platform(input.compute_platform.as_ref())?;
    let tags = tags::read(input.tags.as_deref())?;
    let created = call.access().store().transact(move |tx| {
        let name = input.application_name;
        if tx
            .get::<CodeDeployApplication>(&(scope.clone(), name.clone()))
            .is_some()
        {
            return Err(exists(&name));
        }
        if tx.state().code_deploy_applications(&scope).count() >= APPLICATIONS_MAX {
            return Err(Error::ApplicationLimitExceededException(
                codedeploy::ApplicationLimitExceededException {
                    message: Some(format!("There can be at most {APPLICATIONS_MAX} applications")),
                },
            ));
        }
        let application = CodeDeployApplication {
            scope,
            name,
            id: tx.ids().uuid(),
            created_at: tx.now(),
            tags,
        };
        Ok(tx.put(application).id.clone())
    });
    Ok(codedeploy::CreateApplicationOutput {
        application_id: Some(created.await.map_err(from_store)?),
    })
}

fn shown(it: &CodeDeployApplication) -> codedeploy::ApplicationInfo {
    codedeploy::ApplicationInfo {
        application_id: Some(it.id.clone()),
        application_name: Some(it.name.clone()),
        compute_platform: Some(codedeploy::ComputePlatform::Ecs),
        create_time: Some(it.created_at),
        git_hub_account_name: None,
        linked_to_git_hub: Some(false),
    }
}

/// `GetApplication`.
///
/// # Errors
/// Those of names.
pub async fn get_application(
    call: Call<codedeploy::GetApplication>,
) -> Result<codedeploy::GetApplicationOutput, Error> {
    let store = call.access().store();
    let found =
        store.read(|state| names::application(state, call.scope(), &call.input().application_name))?;
    Ok(codedeploy::GetApplicationOutput {
        application: Some(shown(&found)),
    })
}

/// `BatchGetApplications`: all have to be there.
///
/// # Errors
/// Those of names, BatchLimitExceeded.
pub async fn batch_get_applications(
    call: Call<codedeploy::BatchGetApplications>,
) -> Result<codedeploy::BatchGetApplicationsOutput, Error> {
    let given = &call.input().application_names;
    if given.len() > BATCH_MAX {
        return Err(too_many("application names", BATCH_MAX));
    }
    let found: Result<Vec<_>, Error> = call.access().store().read(|state| {
        let found = given.iter().map(|it| names::application(state, call.scope(), it));
        found.map(|it| it.map(|it| shown(&it))).collect()
    });
    Ok(codedeploy::BatchGetApplicationsOutput {
        applications_info: Some(found?),
    })
}

/// `ListApplications`, by name.
///
/// # Errors
/// InvalidNextToken.
pub async fn list_applications(
    call: Call<codedeploy::ListApplications>,
) -> Result<codedeploy::ListApplicationsOutput, Error> {
    let token = call.input().next_token.as_deref();
    let (applications, next_token) = call.access().store().read(|state| {
        let all = state.code_deploy_applications(call.scope());
        let all = all.map(|it| (it.name.clone(), it.name.clone()));
        cut(call.access(), "applications", token, all)
    })?;
    Ok(codedeploy::ListApplicationsOutput {
        applications: Some(applications),
        next_token,
    })
}

/// `UpdateApplication`: another name, which its groups and deployments go by as well.
///
/// # Errors
/// Those of names, ApplicationAlreadyExists.
pub async fn update_application(
    call: Call<codedeploy::UpdateApplication>,
) -> Result<codedeploy::UpdateApplicationOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = input.application_name.unwrap_or_default();
    let updated = call.access().store().transact(move |tx| {
        let known = names::application(tx.state(), &scope, &name)?;
        let Some(new) = input.new_application_name.filter(|it| *it != name) else {
            return Ok(());
        };
        names::check_application(&new)?;
        if tx
            .get::<CodeDeployApplication>(&(scope.clone(), new.clone()))
            .is_some()
        {
            return Err(exists(&new));
        }
        rename(tx, &known, &new);
        Ok(())
    });
    updated.await.map_err(from_store)?;
    Ok(codedeploy::UpdateApplicationOutput {})
}

fn rename(tx: &mut Tx<'_>, known: &CodeDeployApplication, new: &str) {
    let (scope, name) = (&known.scope, &known.name);
    for group in groups(tx.state(), scope, name) {
        tx.delete::<DeploymentGroup>(&(scope.clone(), name.clone(), group.name.clone()));
        tx.put(DeploymentGroup {
            application: new.to_owned(),
            ..group
        });
    }
    for deployment in deployments(tx.state(), scope, name) {
        tx.put(CodeDeployDeployment {
            application: new.to_owned(),
            ..deployment
        });
    }
    tx.delete::<CodeDeployApplication>(&(scope.clone(), name.clone()));
    tx.put(CodeDeployApplication {
        name: new.to_owned(),
        ..known.clone()
    });
}

/// `DeleteApplication`: with its deployment groups, its revisions, and the deployments that have ended. One that is not there is gone.
///
/// # Errors
/// Those of names.
pub async fn delete_application(
    call: Call<codedeploy::DeleteApplication>,
) -> Result<codedeploy::DeleteApplicationOutput, Error> {
    let (scope, name) = (call.scope().clone(), call.input().application_name.clone());
    names::check_application(&name)?;
    let deleted = call.access().store().transact(move |tx| {
        for group in groups(tx.state(), &scope, &name) {
            tx.delete::<DeploymentGroup>(&(scope.clone(), name.clone(), group.name));
        }
        for it in deployments(tx.state(), &scope, &name) {
            if it.status.has_ended() {
                tx.delete::<CodeDeployDeployment>(&(scope.clone(), it.id));
            }
        }
        let key = (scope, name);
        if let Some(known) = tx.get::<CodeDeployApplication>(&key) {
            let revisions = tx.state().application_revisions(&known.scope, &known.id);
            let revisions: Vec<_> = revisions.map(|it| it.key()).collect();
            for it in revisions {
                tx.delete::<ApplicationRevision>(&it);
            }
        }
        tx.delete::<CodeDeployApplication>(&key);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(codedeploy::DeleteApplicationOutput {})
}

fn groups(state: &State, scope: &Scope, application: &str) -> Vec<DeploymentGroup> {
    let groups = state.deployment_groups(scope, application);
    groups.map(|it| DeploymentGroup::clone(it)).collect()
}

fn deployments(state: &State, scope: &Scope, application: &str) -> Vec<CodeDeployDeployment> {
    let all = state.code_deploy_deployments(scope).into_iter();
    let mine = all.filter(|it| it.application == application);
    mine.map(|it| CodeDeployDeployment::clone(it)).collect()
}
