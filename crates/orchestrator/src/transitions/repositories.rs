//! Repositories come and go, and what is said of them changes.

use std::sync::Arc;

use domain::Scope;
use domain::repository::{
    Encryption, LifecyclePolicyText, Repository, RepositoryImage, RepositoryKey, RepositoryLayer,
    TagMutability,
};
use domain::tags::Pair;
use store::Tx;

use super::TAGS_MAX;

#[cfg(test)]
mod tests;

/// Most repositories of a registry, Amazon's default quota.
pub const REPOSITORIES_MAX: usize = 100_000;
/// Most records that one transaction deletes: a commit has a limit.
const DELETED_AT_ONCE: usize = 2_000;

/// There is no such repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepositoryNotFound;

/// Why there is no new repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRepositoryRefusal {
    /// The name is taken.
    Exists,
    /// There are [`REPOSITORIES_MAX`].
    TooMany,
}

/// Why a repository is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteRepositoryRefusal {
    /// It is not there.
    NotFound,
    /// It has images, and they were not to be deleted with it.
    NotEmpty,
}

/// Whether the images go with their repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteImages {
    /// Only an empty one is deleted.
    Refuse,
    /// They go (`force`).
    Delete,
}

/// How far the deletion of a repository got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Done(Arc<Repository>),
    /// Some of what it holds is gone: the same again deletes more.
    Begun,
}

/// What is said of a new repository.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Its name and registry.
    pub key: RepositoryKey,
    /// See [`Repository`].
    pub tag_mutability: TagMutability,
    /// See [`Repository`].
    pub scan_on_push: bool,
    /// See [`Repository`].
    pub encryption: Encryption,
    /// See [`Repository`].
    pub tags: Vec<Pair>,
}

/// One change of a repository.
#[derive(Clone, Debug)]
pub enum RepositoryChange {
    /// `PutImageTagMutability`
    TagMutability(TagMutability),
    /// `PutImageScanningConfiguration`
    ScanOnPush(bool),
    /// `SetRepositoryPolicy` and `DeleteRepositoryPolicy`
    Policy(Option<String>),
    /// `PutLifecyclePolicy` and `DeleteLifecyclePolicy`
    LifecyclePolicy(Option<String>),
    /// `StartLifecyclePolicyPreview`: stamped with the time of the transaction.
    LifecyclePreview(String),
    /// Images were compared with the lifecycle policy of this text.
    LifecycleEvaluated(String),
    /// `TagResource` and `UntagResource`: all its tags.
    Tags(Vec<Pair>),
}

/// `CreateRepository`.
///
/// # Errors
/// See [`CreateRepositoryRefusal`].
pub fn create_repository(
    tx: &mut Tx<'_>,
    new: NewRepository,
) -> Result<Arc<Repository>, CreateRepositoryRefusal> {
    if tx.get::<Repository>(&new.key).is_some() {
        return Err(CreateRepositoryRefusal::Exists);
    }
    if repository_count(tx, &new.key.scope) >= REPOSITORIES_MAX {
        return Err(CreateRepositoryRefusal::TooMany);
    }
    let created = Repository {
        key: new.key,
        created_at: tx.now(),
        tag_mutability: new.tag_mutability,
        scan_on_push: new.scan_on_push,
        encryption: new.encryption,
        policy: None,
        lifecycle_policy: None,
        lifecycle_preview: None,
        tags: new.tags,
    };
    tx.put(created.clone());
    Ok(Arc::new(created))
}

/// All registries together, which is one number instead of a walk; others have few.
fn repository_count(tx: &Tx<'_>, scope: &Scope) -> usize {
    match tx.state().all::<Repository>().len() {
        all if all < REPOSITORIES_MAX => all,
        _ => tx.state().repositories(scope).count(),
    }
}

/// `DeleteRepository`. Content that nothing else holds is removed later, by who keeps the files.
///
/// # Errors
/// See [`DeleteRepositoryRefusal`].
pub fn delete_repository(
    tx: &mut Tx<'_>,
    key: &RepositoryKey,
    images: DeleteImages,
) -> Result<Deletion, DeleteRepositoryRefusal> {
    let repository = tx
        .get::<Repository>(key)
        .ok_or(DeleteRepositoryRefusal::NotFound)?;
    let state = tx.state();
    if images == DeleteImages::Refuse && state.images_of_repository(key).next().is_some() {
        return Err(DeleteRepositoryRefusal::NotEmpty);
    }
    let held: Vec<_> = state
        .images_of_repository(key)
        .take(DELETED_AT_ONCE)
        .map(|it| (key.clone(), it.digest.clone()))
        .collect();
    let layers: Vec<_> = state
        .layers_of_repository(key)
        .take(DELETED_AT_ONCE - held.len())
        .map(|it| (key.clone(), it.digest.clone()))
        .collect();
    held.iter().for_each(|it| tx.delete::<RepositoryImage>(it));
    layers.iter().for_each(|it| tx.delete::<RepositoryLayer>(it));
    let is_empty = tx.state().images_of_repository(key).next().is_none()
        && tx.state().layers_of_repository(key).next().is_none();
    if !is_empty {
        return Ok(Deletion::Begun);
    }
    tx.delete::<Repository>(key);
    Ok(Deletion::Done(repository))
}

/// Changes what is said of a repository; answers it as it was and as it is.
///
/// # Errors
/// [`RepositoryNotFound`].
pub fn change_repository(
    tx: &mut Tx<'_>,
    key: &RepositoryKey,
    change: RepositoryChange,
) -> Result<(Arc<Repository>, Arc<Repository>), RepositoryNotFound> {
    let before = tx.get::<Repository>(key).ok_or(RepositoryNotFound)?;
    let now = tx.now();
    let mut after = (*before).clone();
    match change {
        RepositoryChange::TagMutability(it) => after.tag_mutability = it,
        RepositoryChange::ScanOnPush(it) => after.scan_on_push = it,
        RepositoryChange::Policy(it) => after.policy = it,
        RepositoryChange::LifecyclePolicy(it) => {
            after.lifecycle_policy = it.map(|text| LifecyclePolicyText {
                text,
                evaluated_at: None,
            });
        }
        RepositoryChange::LifecyclePreview(text) => {
            after.lifecycle_preview = Some(LifecyclePolicyText {
                text,
                evaluated_at: Some(now),
            });
        }
        RepositoryChange::LifecycleEvaluated(text) => {
            // The policy may have been replaced meanwhile.
            if let Some(policy) = after.lifecycle_policy.as_mut().filter(|it| it.text == text) {
                policy.evaluated_at = Some(now);
            }
        }
        RepositoryChange::Tags(tags) => after.tags = tags,
    }
    tx.put(after.clone());
    Ok((before, Arc::new(after)))
}

/// Why tags of a repository stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryTagRefusal {
    /// It is not there.
    NotFound,
    /// It would have more than [`TAGS_MAX`].
    TooMany,
}

/// `TagResource`: values of keys that are there are replaced.
///
/// # Errors
/// See [`RepositoryTagRefusal`].
pub fn tag_repository(
    tx: &mut Tx<'_>,
    key: &RepositoryKey,
    given: Vec<Pair>,
) -> Result<(), RepositoryTagRefusal> {
    let known = tx.get::<Repository>(key).ok_or(RepositoryTagRefusal::NotFound)?;
    let mut tags = known.tags.clone();
    for tag in given {
        match tags.iter_mut().find(|it| it.name == tag.name) {
            Some(place) => *place = tag,
            None => tags.push(tag),
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(RepositoryTagRefusal::TooMany);
    }
    let changed = change_repository(tx, key, RepositoryChange::Tags(tags));
    changed.map(drop).map_err(|_| RepositoryTagRefusal::NotFound)
}

/// `UntagResource`: keys that are not there do not matter.
///
/// # Errors
/// [`RepositoryNotFound`].
pub fn untag_repository(
    tx: &mut Tx<'_>,
    key: &RepositoryKey,
    names: &[String],
) -> Result<(), RepositoryNotFound> {
    let known = tx.get::<Repository>(key).ok_or(RepositoryNotFound)?;
    let left = known.tags.iter().filter(|it| !names.contains(&it.name)).cloned();
    let left = left.collect();
    change_repository(tx, key, RepositoryChange::Tags(left)).map(drop)
}
