//! Revisions that an application knows: registered by themselves, or by the deployments that are made from them.

use std::sync::Arc;

use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::{ApplicationRevision, REVISIONS_KEPT};
use domain::code_deploy::deployment::{CodeDeployDeployment, Revision};
use store::{Record, Tx};

/// `RegisterApplicationRevision`. One that is known gets another description, if there is one.
pub fn register_revision(
    tx: &mut Tx<'_>,
    application: &CodeDeployApplication,
    revision: Revision,
    description: Option<String>,
) {
    let new = known_or_new(tx, application, revision);
    let description = description.or_else(|| new.description.clone());
    tx.put(ApplicationRevision { description, ..new });
    forget_oldest(tx, application);
}

/// A deployment was made from a revision, which is registered by that.
pub(super) fn note_use(tx: &mut Tx<'_>, deployment: &CodeDeployDeployment) {
    let key = (deployment.scope.clone(), deployment.application.clone());
    let Some(application) = tx.get::<CodeDeployApplication>(&key) else {
        return;
    };
    let mut it = known_or_new(tx, &application, deployment.revision.clone());
    let is_new = tx.get::<ApplicationRevision>(&it.key()).is_none();
    if is_new {
        let id = &deployment.id;
        it.description = Some(format!("Application revision registered by Deployment ID: {id}"));
    }
    it.first_used_at.get_or_insert(tx.now());
    it.last_used_at = Some(tx.now());
    tx.put(it);
    forget_oldest(tx, &application);
}

fn known_or_new(tx: &Tx<'_>, application: &CodeDeployApplication, revision: Revision) -> ApplicationRevision {
    let new = ApplicationRevision {
        scope: application.scope.clone(),
        application_id: application.id.clone(),
        revision,
        description: None,
        registered_at: tx.now(),
        first_used_at: None,
        last_used_at: None,
    };
    let known = tx.get::<ApplicationRevision>(&new.key());
    known.map_or(new, |it| ApplicationRevision::clone(&it))
}

fn forget_oldest(tx: &mut Tx<'_>, application: &CodeDeployApplication) {
    let all = tx
        .state()
        .application_revisions(&application.scope, &application.id);
    let mut all: Vec<&Arc<ApplicationRevision>> = all.collect();
    let Some(surplus) = all.len().checked_sub(REVISIONS_KEPT).filter(|it| *it > 0) else {
        return;
    };
    all.sort_by_key(|it| it.touched_at());
    let gone: Vec<_> = all.iter().take(surplus).map(|it| it.key()).collect();
    for key in gone {
        tx.delete::<ApplicationRevision>(&key);
    }
}
