//! RegisterApplicationRevision, GetApplicationRevision, BatchGetApplicationRevisions, ListApplicationRevisions; and how
//! calls name revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::codedeploy::{self, ApplicationRevisionSortBy as SortBy, Error};
use domain::Scope;
use domain::Timestamp;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::{Revision, RevisionKind};
use orchestrator::transitions::register_revision;
use sha2::{Digest, Sha256};
use store::State;

use super::app_spec::BYTES_MAX;
use super::deployments::check_description;
use super::errors::{from_store, invalid_revision, too_many};
use super::paging::cut;
use super::{names, render};
use crate::call::Call;

/// Most revisions of one BatchGetApplicationRevisions, as on Amazon.
const BATCH_MAX: usize = 25;

/// How a call names a revision.
enum Named {
    /// By what it is.
    Content(Revision),
    /// By its checksum alone: it has to be registered.
    Checksum(RevisionKind, String),
}

/// The revision of a deployment.
///
/// # Errors
/// RevisionRequired, InvalidRevision, RevisionDoesNotExist.
pub fn of_deployment(
    state: &State,
    application: &CodeDeployApplication,
    given: Option<&codedeploy::RevisionLocation>,
) -> Result<Revision, Error> {
    match named(given)? {
        Named::Content(it) => Ok(it),
        named @ Named::Checksum(..) => Ok(find(state, application, &named)?.revision.clone()),
    }
}

fn find(
    state: &State,
    application: &CodeDeployApplication,
    named: &Named,
) -> Result<Arc<ApplicationRevision>, Error> {
    let (kind, sha256) = match named {
        Named::Content(it) => (it.kind, &it.sha256),
        Named::Checksum(kind, sha256) => (*kind, sha256),
    };
    let key = (
        application.scope.clone(),
        application.id.clone(),
        kind,
        sha256.clone(),
    );
    let found = state.get::<ApplicationRevision>(&key);
    found.cloned().ok_or_else(|| {
        Error::RevisionDoesNotExistException(codedeploy::RevisionDoesNotExistException {
            message: Some(format!(
                "No application revision found for {} in the application {}: {sha256}",
                kind.as_str(),
                application.name
            )),
        })
    })
}

fn named(given: Option<&codedeploy::RevisionLocation>) -> Result<Named, Error> {
    let given = given.filter(|it| **it != codedeploy::RevisionLocation::default());
    let given = given.ok_or_else(|| {
        Error::RevisionRequiredException(codedeploy::RevisionRequiredException {
            message: Some("RevisionLocation must be specified".to_owned()),
        })
    })?;
    let kind = given.revision_type.as_ref().map_or("", |it| it.as_str());
    let (kind, content, checksum) = match (kind, &given.app_spec_content, &given.string) {
        ("AppSpecContent", Some(it), None) => (RevisionKind::AppSpecContent, &it.content, &it.sha256),
        ("String", None, Some(it)) => (RevisionKind::String, &it.content, &it.sha256),
        ("AppSpecContent" | "String", ..) => {
            return Err(invalid_revision(format!(
                "The revision type {kind} needs the member of that name, and no other"
            )));
        }
        ("S3" | "GitHub", ..) => {
            return Err(invalid_revision(format!(
                "The revision type {kind} is not supported by Gantry yet: give the AppSpec as appSpecContent"
            )));
        }
        _ => {
            return Err(invalid_revision(format!(
                "The revision type {kind:?} is not valid: it is one of S3, GitHub, String, AppSpecContent"
            )));
        }
    };
    let checksum = checksum.as_ref().map(|it| it.to_ascii_lowercase());
    match (content.as_deref().filter(|it| !it.is_empty()), checksum) {
        (Some(content), checksum) => of_content(kind, content, checksum).map(Named::Content),
        (None, Some(sha256)) => Ok(Named::Checksum(kind, sha256)),
        (None, None) => Err(invalid_revision(format!(
            "The revision type {} needs a content, or the sha256 of a revision that is registered",
            kind.as_str()
        ))),
    }
}

fn of_content(kind: RevisionKind, content: &str, checksum: Option<String>) -> Result<Revision, Error> {
    if content.len() > BYTES_MAX {
        return Err(invalid_revision(format!(
            "The AppSpec file has more than {BYTES_MAX} bytes."
        )));
    }
    let sha256 = hex::encode(Sha256::digest(content.as_bytes()));
    match checksum {
        Some(given) if given != sha256 => Err(invalid_revision(format!(
            "The sha256 of the revision is {given}, but that of its content is {sha256}"
        ))),
        _ => Ok(Revision {
            kind,
            content: content.to_owned(),
            sha256,
        }),
    }
}

/// `RegisterApplicationRevision`: whether it is an AppSpec is seen when it is deployed.
///
/// # Errors
/// Those of names; RevisionRequired, InvalidRevision, DescriptionTooLong.
pub async fn register_application_revision(
    call: Call<codedeploy::RegisterApplicationRevision>,
) -> Result<codedeploy::RegisterApplicationRevisionOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    names::check_application(&input.application_name)?;
    check_description(input.description.as_deref())?;
    let Named::Content(revision) = named(Some(&input.revision))? else {
        return Err(invalid_revision("A revision is registered with its content"));
    };
    let registered = call.access().store().transact(move |tx| {
        let application = names::application(tx.state(), &scope, &input.application_name)?;
        register_revision(tx, &application, revision, input.description);
        Ok(())
    });
    registered.await.map_err(from_store)?;
    Ok(codedeploy::RegisterApplicationRevisionOutput {})
}

/// The deployment groups of an application, each by the revision that it has.
type Users = BTreeMap<(RevisionKind, String), Vec<String>>;

fn users(state: &State, scope: &Scope, application: &str) -> Users {
    let groups = state.deployment_groups(scope, application);
    let mut groups: BTreeSet<&str> = groups.map(|it| it.name.as_str()).collect();
    let mut users = Users::new();
    let all = state.code_deploy_deployments(scope).into_iter();
    for it in all.filter(|it| it.application == application && it.is_success_of_user()) {
        // The newest one counts.
        if groups.remove(it.group.as_str()) {
            let key = (it.revision.kind, it.revision.sha256.clone());
            users.entry(key).or_default().push(it.group.clone());
        }
    }
    users
}

fn info(it: &ApplicationRevision, users: &Users) -> codedeploy::GenericRevisionInfo {
    let groups = users.get(&(it.revision.kind, it.revision.sha256.clone()));
    codedeploy::GenericRevisionInfo {
        deployment_groups: Some(groups.cloned().unwrap_or_default()),
        description: it.description.clone(),
        first_used_time: it.first_used_at,
        last_used_time: it.last_used_at,
        register_time: Some(it.registered_at),
    }
}

/// `GetApplicationRevision`.
///
/// # Errors
/// Those of names; RevisionRequired, InvalidRevision, RevisionDoesNotExist.
pub async fn get_application_revision(
    call: Call<codedeploy::GetApplicationRevision>,
) -> Result<codedeploy::GetApplicationRevisionOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let name = &input.application_name;
    call.access().store().read(|state| {
        let application = names::application(state, scope, name)?;
        let found = find(state, &application, &named(Some(&input.revision))?)?;
        Ok(codedeploy::GetApplicationRevisionOutput {
            application_name: Some(name.clone()),
            revision: Some(render::revision(&found.revision)),
            revision_info: Some(info(&found, &users(state, scope, name))),
        })
    })
}

/// `BatchGetApplicationRevisions`: those that are there.
///
/// # Errors
/// Those of names; BatchLimitExceeded, RevisionRequired, InvalidRevision.
pub async fn batch_get_application_revisions(
    call: Call<codedeploy::BatchGetApplicationRevisions>,
) -> Result<codedeploy::BatchGetApplicationRevisionsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let name = &input.application_name;
    if input.revisions.len() > BATCH_MAX {
        return Err(too_many("revisions", BATCH_MAX));
    }
    call.access().store().read(|state| {
        let application = names::application(state, scope, name)?;
        let users = users(state, scope, name);
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for given in &input.revisions {
            match find(state, &application, &named(Some(given))?) {
                Ok(it) => found.push(codedeploy::RevisionInfo {
                    generic_revision_info: Some(info(&it, &users)),
                    revision_location: Some(render::revision(&it.revision)),
                }),
                Err(Error::RevisionDoesNotExistException(it)) => missing.extend(it.message),
                Err(error) => return Err(error),
            }
        }
        Ok(codedeploy::BatchGetApplicationRevisionsOutput {
            application_name: Some(name.clone()),
            error_message: (!missing.is_empty()).then(|| missing.join("; ")),
            revisions: Some(found),
        })
    })
}

/// Which revisions a listing has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deployed {
    Only,
    Not,
    Any,
}

/// `ListApplicationRevisions`.
///
/// # Errors
/// Those of names; InvalidSortBy, InvalidSortOrder, InvalidDeployedStateFilter, BucketNameFilterRequired, InvalidNextToken.
pub async fn list_application_revisions(
    call: Call<codedeploy::ListApplicationRevisions>,
) -> Result<codedeploy::ListApplicationRevisionsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let name = &input.application_name;
    names::check_application(name)?;
    let (deployed, goes_down) = check_listing(input)?;
    let listing = format!(
        "revisions {name} {:?} {:?} {:?} {:?}",
        input.sort_by, input.sort_order, input.deployed, input.s3_bucket
    );
    let (revisions, next_token) = call.access().store().read(|state| {
        let application = names::application(state, scope, name)?;
        let users = users(state, scope, name);
        let is_used =
            |it: &ApplicationRevision| users.contains_key(&(it.revision.kind, it.revision.sha256.clone()));
        let all = state.application_revisions(scope, &application.id);
        // What is in no bucket is in none that is asked for.
        let all = all.filter(|_| input.s3_bucket.is_none());
        let wanted = all.filter(|it| match deployed {
            Deployed::Any => true,
            Deployed::Only => is_used(it),
            Deployed::Not => !is_used(it),
        });
        let placed = wanted.map(|it| (place(it, input.sort_by.as_ref()), it.clone()));
        let mut placed: Vec<_> = placed.collect();
        placed.sort_by(|(one, _), (other, _)| one.cmp(other));
        if goes_down {
            placed.reverse();
        }
        cut(
            call.access(),
            &listing,
            input.next_token.as_deref(),
            placed.into_iter(),
        )
    })?;
    Ok(codedeploy::ListApplicationRevisionsOutput {
        next_token,
        revisions: Some(
            revisions
                .iter()
                .map(|it| render::revision(&it.revision))
                .collect(),
        ),
    })
}

/// Where a revision is in a listing that goes up; one that was never used is first.
fn place(it: &ApplicationRevision, by: Option<&SortBy>) -> String {
    let time = match by {
        Some(SortBy::RegisterTime) => Some(it.registered_at),
        Some(SortBy::FirstUsedTime) => it.first_used_at,
        Some(SortBy::LastUsedTime) => it.last_used_at,
        None | Some(SortBy::Unmodelled(_)) => None,
    };
    let nanoseconds = time.map_or(0, Timestamp::as_nanosecond).max(0);
    let Revision { kind, sha256, .. } = &it.revision;
    format!("{nanoseconds:020} {}/{sha256}", kind.as_str())
}

fn check_listing(input: &codedeploy::ListApplicationRevisionsInput) -> Result<(Deployed, bool), Error> {
    if let Some(SortBy::Unmodelled(other)) = &input.sort_by {
        return Err(Error::InvalidSortByException(
            codedeploy::InvalidSortByException {
                message: Some(format!(
                    "sortBy {other:?} is not valid: it is one of registerTime, firstUsedTime, lastUsedTime"
                )),
            },
        ));
    }
    let goes_down = match &input.sort_order {
        None | Some(codedeploy::SortOrder::Ascending) => false,
        Some(codedeploy::SortOrder::Descending) => true,
        Some(codedeploy::SortOrder::Unmodelled(other)) => {
            return Err(Error::InvalidSortOrderException(
                codedeploy::InvalidSortOrderException {
                    message: Some(format!(
                        "sortOrder {other:?} is not valid: it is one of ascending, descending"
                    )),
                },
            ));
        }
    };
    if input.s3_key_prefix.is_some() && input.s3_bucket.is_none() {
        return Err(Error::BucketNameFilterRequiredException(
            codedeploy::BucketNameFilterRequiredException {
                message: Some("s3KeyPrefix needs s3Bucket".to_owned()),
            },
        ));
    }
    let deployed = match &input.deployed {
        None | Some(codedeploy::ListStateFilterAction::Ignore) => Deployed::Any,
        Some(codedeploy::ListStateFilterAction::Include) => Deployed::Only,
        Some(codedeploy::ListStateFilterAction::Exclude) => Deployed::Not,
        Some(codedeploy::ListStateFilterAction::Unmodelled(other)) => {
            return Err(Error::InvalidDeployedStateFilterException(
                codedeploy::InvalidDeployedStateFilterException {
                    message: Some(format!(
                        "deployed {other:?} is not valid: it is one of include, exclude, ignore"
                    )),
                },
            ));
        }
    };
    Ok((deployed, goes_down))
}
