//! What the registry removes by itself: images that expire, layers that nobody needs, content that nothing names.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::lifecycle_policy::{Candidate, evaluate};
use domain::repository::{Repository, RepositoryKey};
use jiff::SignedDuration;
use orchestrator::transitions::{self, ImageName, RepositoryChange, RepositoryNotFound};
use store::{State, Store};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Registry;
use super::lifecycle_policy;
use crate::control_plane::ControlPlane;

#[cfg(test)]
mod tests;

/// From one round to the next.
const PERIOD: Duration = Duration::from_secs(60);
/// A layer that no image needs is kept for so long: its image may be on its way.
const LAYER_GRACE: SignedDuration = SignedDuration::from_hours(24);
/// A lifecycle policy is obeyed this often. Amazon promises 24 hours.
const LIFECYCLE_PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Repositories that a round looks at.
const REPOSITORIES_A_ROUND: usize = 256;
/// Layers or images that one transaction forgets.
const AT_ONCE: usize = 500;
/// Folders of content that a round looks at, of 256.
const FOLDERS_A_ROUND: usize = 32;

/// Where the rounds are.
#[derive(Debug, Default)]
pub struct Progress {
    /// The last repository of the last round.
    repository: Option<RepositoryKey>,
    /// The next folder of content.
    folder: u8,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Images that lifecycle policies expired.
    pub images: usize,
    /// Layers forgotten.
    pub layers: usize,
    /// Files removed.
    pub files: usize,
    /// Uploads given up.
    pub uploads: usize,
}

/// Removes what is not needed any more, a little each minute, until shutdown.
pub async fn keep_registry(control_plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::default();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = control_plane.clock.now();
        let (registry, store) = (&control_plane.registry, &control_plane.store);
        let collected = round(registry, store, &mut progress, now).await;
        if collected != Collected::default() {
            tracing::info!(?collected, "the registry was cleaned");
        }
    }
}

/// One round.
pub async fn round(
    registry: &Arc<Registry>,
    store: &Store,
    progress: &mut Progress,
    now: Timestamp,
) -> Collected {
    let mut collected = Collected {
        uploads: registry.uploads().expire(now),
        ..Collected::default()
    };
    let repositories = next_repositories(store, progress);
    for key in repositories {
        collected.images += expire_images(store, &key, now).await;
        collected.layers += forget_layers(store, &key, now - LAYER_GRACE).await;
    }
    for _ in 0..FOLDERS_A_ROUND {
        collected.files += remove_files(registry, store, progress.folder).await;
        progress.folder = progress.folder.wrapping_add(1);
    }
    collected
}

fn next_repositories(store: &Store, progress: &mut Progress) -> Vec<RepositoryKey> {
    let after = progress.repository.take();
    let keys: Vec<RepositoryKey> = store.read(|state| {
        let all = state.all::<Repository>().map(|it| &it.key);
        let next = all.filter(|it| after.as_ref().is_none_or(|after| *it > after));
        next.take(REPOSITORIES_A_ROUND).cloned().collect()
    });
    // A short round was the last before the next walk begins.
    progress.repository = keys
        .last()
        .filter(|_| keys.len() == REPOSITORIES_A_ROUND)
        .cloned();
    keys
}

/// Images of a repository as rules look at them.
pub fn candidates(state: &State, key: &RepositoryKey) -> Vec<Candidate> {
    let images = state.images_of_repository(key);
    let candidates = images.map(|it| Candidate {
        digest: it.digest.clone(),
        tags: it.tags.clone(),
        pushed_at: it.pushed_at,
        is_referenced: state.is_needed_in_repository(key, &it.digest),
    });
    candidates.collect()
}

async fn expire_images(store: &Store, key: &RepositoryKey, now: Timestamp) -> usize {
    let due = store.read(|state| {
        let policy = state.get::<Repository>(key)?.lifecycle_policy.clone()?;
        let is_due = policy
            .evaluated_at
            .is_none_or(|at| now.duration_since(at) >= LIFECYCLE_PERIOD);
        is_due.then(|| (policy.text, candidates(state, key)))
    });
    let Some((text, images)) = due else {
        return 0;
    };
    // It was checked when it was put; one of a newer release expires nothing.
    let Ok(rules) = lifecycle_policy::parse(&text) else {
        return 0;
    };
    let expired = evaluate(&rules, &images, now);
    let names: Vec<ImageName> = expired
        .iter()
        .take(AT_ONCE)
        .map(|it| ImageName {
            digest: Some(it.image.digest.clone()),
            tag: None,
        })
        .collect();
    let is_whole = names.len() == expired.len();
    let at = key.clone();
    let done = store.transact(move |tx| -> Result<usize, RepositoryNotFound> {
        // The policy may have been taken back meanwhile.
        let known = tx.get::<Repository>(&at).ok_or(RepositoryNotFound)?;
        if known.lifecycle_policy.as_ref().is_none_or(|it| it.text != text) {
            return Ok(0);
        }
        let deleted = names
            .iter()
            .filter(|it| transitions::delete_image(tx, &at, it).is_ok());
        let count = deleted.count();
        if is_whole {
            transitions::change_repository(tx, &at, RepositoryChange::LifecycleEvaluated(text))?;
        }
        Ok(count)
    });
    done.await.unwrap_or(0)
}

async fn forget_layers(store: &Store, key: &RepositoryKey, before: Timestamp) -> usize {
    let has_any = store.read(|state| {
        let mut layers = state.layers_of_repository(key);
        layers.any(|it| it.uploaded_at < before && !state.is_needed_in_repository(key, &it.digest))
    });
    if !has_any {
        return 0;
    }
    let at = key.clone();
    let forgotten = store.transact(move |tx| -> Result<usize, RepositoryNotFound> {
        Ok(transitions::forget_layers(tx, &at, before, AT_ONCE))
    });
    forgotten.await.unwrap_or(0)
}

async fn remove_files(registry: &Arc<Registry>, store: &Store, folder: u8) -> usize {
    let (registry, store) = (Arc::clone(registry), store.clone());
    let removed = tokio::task::spawn_blocking(move || -> std::io::Result<usize> {
        let mut count = 0;
        for digest in registry.blobs().digests_of(folder)? {
            let is_held = || store.read(|state| state.is_blob_held(&digest));
            if registry.blobs().remove_unless(&digest, is_held)? {
                count += 1;
            }
        }
        Ok(count)
    });
    match removed.await {
        Ok(Ok(count)) => count,
        Ok(Err(error)) => {
            tracing::warn!(%error, "content of the registry cannot be removed");
            0
        }
        Err(_) => 0,
    }
}
