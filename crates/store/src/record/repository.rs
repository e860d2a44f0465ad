//! Repositories, their images and their layers as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::repository::{Repository, RepositoryImage, RepositoryKey, RepositoryLayer};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

fn name_text(key: &RepositoryKey) -> String {
    format!("{}/{}/{}", key.scope.account, key.scope.region, key.name)
}

fn content_text((repository, digest): &(RepositoryKey, String)) -> String {
    format!("{}@{digest}", name_text(repository))
}

impl Record for Repository {
    type Key = RepositoryKey;
    const TABLE: &'static str = "repository";

    fn key(&self) -> RepositoryKey {
        self.key.clone()
    }

    fn key_text(key: &RepositoryKey) -> String {
        name_text(key)
    }

    fn table(state: &State) -> &BTreeMap<RepositoryKey, Arc<Self>> {
        &state.repositories
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<RepositoryKey, Arc<Self>> {
        &mut state.repositories
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Repository(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Repository(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for RepositoryImage {
    type Key = (RepositoryKey, String);
    const TABLE: &'static str = "repository_image";

    fn key(&self) -> (RepositoryKey, String) {
        (self.repository.clone(), self.digest.clone())
    }

    fn key_text(key: &(RepositoryKey, String)) -> String {
        content_text(key)
    }

    fn table(state: &State) -> &BTreeMap<(RepositoryKey, String), Arc<Self>> {
        &state.repository_images
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(RepositoryKey, String), Arc<Self>> {
        &mut state.repository_images
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::RepositoryImage(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::RepositoryImage(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes
            .registry
            .image(before.map(|it| &**it), after.map(|it| &**it));
    }
}

impl Record for RepositoryLayer {
    type Key = (RepositoryKey, String);
    const TABLE: &'static str = "repository_layer";

    fn key(&self) -> (RepositoryKey, String) {
        (self.repository.clone(), self.digest.clone())
    }

    fn key_text(key: &(RepositoryKey, String)) -> String {
        content_text(key)
    }

    fn table(state: &State) -> &BTreeMap<(RepositoryKey, String), Arc<Self>> {
        &state.repository_layers
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(RepositoryKey, String), Arc<Self>> {
        &mut state.repository_layers
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::RepositoryLayer(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::RepositoryLayer(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes
            .registry
            .layer(before.map(|it| &**it), after.map(|it| &**it));
    }
}
