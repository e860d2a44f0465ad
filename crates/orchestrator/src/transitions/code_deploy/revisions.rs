//! Revisions that an application knows: registered by themselves, or by the deployments that are made from them.

use std::sync::Arc;

use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::{ApplicationRevision, REVISION_BYTES_KEPT, REVISIONS_KEPT};
use domain::code_deploy::deployment::{CodeDeployDeployment, Revision};
use store::{Record, Tx};

/// `RegisterApplicationRevision`. One that is known gets another description, if there is one, and is kept as long as a new
/// one.
pub fn register_revision(
    tx: &mut Tx<'_>,
    application: &CodeDeployApplication,
    revision: Revision,
    description: Option<String>,
) {
    let mut it = known_or_new(tx, application, revision);
    if tx.get::<ApplicationRevision>(&it.key()).is_some() {
        it.registered_again_at = Some(tx.now());
    }
    it.description = description.or(it.description);
    tx.put(it);
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
        registered_again_at: None,
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
    let size = |it: &ApplicationRevision| it.revision.content.len();
    let (mut count, mut bytes) = (all.len(), all.iter().map(|it| size(it)).sum::<usize>());
    if count <= REVISIONS_KEPT && bytes <= REVISION_BYTES_KEPT {
        return;
    }
    all.sort_by_key(|it| it.touched_at());
    let mut is_surplus = |it: &&&Arc<ApplicationRevision>| {
        let is_surplus = count > REVISIONS_KEPT || bytes > REVISION_BYTES_KEPT;
        count -= 1;
        bytes -= size(it);
        is_surplus
    };
    let gone: Vec<_> = all
        .iter()
        .take_while(|it| is_surplus(it))
        .map(|it| it.key())
        .collect();
    for key in gone {
        tx.delete::<ApplicationRevision>(&key);
    }
}
