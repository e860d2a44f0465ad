//! What the registry of images finds by other means than a key: tags, and who needs a blob.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Scope;
use domain::repository::{Repository, RepositoryImage, RepositoryKey, RepositoryLayer};

use super::State;
use crate::Record;

/// The indexes of the registry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RegistryIndexes {
    /// Digest of the image that has the tag.
    tags: BTreeMap<(RepositoryKey, String), String>,
    /// How many images of the repository need a blob, or an image of an index.
    needed: Counts<(RepositoryKey, String)>,
    /// How many images and layers of all repositories lie in a blob.
    held: Counts<String>,
}

/// How often each key is counted. What is not is not kept.
#[derive(Clone, Debug, PartialEq)]
struct Counts<K: Ord>(BTreeMap<K, u32>);

impl<K: Ord> Default for Counts<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Counts<K> {
    fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    fn take(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

impl RegistryIndexes {
    pub fn image(&mut self, before: Option<&RepositoryImage>, after: Option<&RepositoryImage>) {
        let needs = |it: &RepositoryImage| -> Vec<(RepositoryKey, String)> {
            let digests = it.layers.iter().chain(&it.manifests);
            digests
                .map(|digest| (it.repository.clone(), digest.clone()))
                .collect()
        };
        if let Some(old) = before {
            needs(old).iter().for_each(|it| self.needed.take(it));
            self.held.take(&old.digest);
            for tag in &old.tags {
                let key = (old.repository.clone(), tag.clone());
                // Another image may have got the tag meanwhile.
                if self.tags.get(&key) == Some(&old.digest) {
                    self.tags.remove(&key);
                }
            }
        }
        if let Some(new) = after {
            needs(new).into_iter().for_each(|it| self.needed.add(it));
            self.held.add(new.digest.clone());
            for tag in &new.tags {
                self.tags
                    .insert((new.repository.clone(), tag.clone()), new.digest.clone());
            }
        }
    }

    pub fn layer(&mut self, before: Option<&RepositoryLayer>, after: Option<&RepositoryLayer>) {
        if let Some(old) = before {
            self.held.take(&old.digest);
        }
        if let Some(new) = after {
            self.held.add(new.digest.clone());
        }
    }
}

impl State {
    /// Repositories of a registry, by name.
    pub fn repositories(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Repository>> + use<'_> {
        let scope = scope.clone();
        self.repositories
            .range(RepositoryKey::new(&scope, "")..)
            .take_while(move |(key, _)| key.scope == scope)
            .map(|(_, it)| it)
    }

    /// Images of a repository, by digest.
    pub fn images_of_repository(
        &self,
        repository: &RepositoryKey,
    ) -> impl Iterator<Item = &Arc<RepositoryImage>> + use<'_> {
        self.of_repository(repository)
    }

    /// Layers of a repository, by digest.
    pub fn layers_of_repository(
        &self,
        repository: &RepositoryKey,
    ) -> impl Iterator<Item = &Arc<RepositoryLayer>> + use<'_> {
        self.of_repository(repository)
    }

    fn of_repository<R: Record<Key = (RepositoryKey, String)>>(
        &self,
        repository: &RepositoryKey,
    ) -> impl Iterator<Item = &Arc<R>> + use<'_, R> {
        let repository = repository.clone();
        R::table(self)
            .range((repository.clone(), String::new())..)
            .take_while(move |((key, _), _)| *key == repository)
            .map(|(_, it)| it)
    }

    /// The image of a repository that has a tag.
    pub fn tagged_image(&self, repository: &RepositoryKey, tag: &str) -> Option<&Arc<RepositoryImage>> {
        let digest = self
            .indexes
            .registry
            .tags
            .get(&(repository.clone(), tag.to_owned()))?;
        self.get::<RepositoryImage>(&(repository.clone(), digest.clone()))
    }

    /// Tags of a repository, in order, each with the digest of its image.
    pub fn tags_of_repository(
        &self,
        repository: &RepositoryKey,
    ) -> impl Iterator<Item = (&str, &str)> + use<'_> {
        let repository = repository.clone();
        self.indexes
            .registry
            .tags
            .range((repository.clone(), String::new())..)
            .take_while(move |((key, _), _)| *key == repository)
            .map(|((_, tag), digest)| (tag.as_str(), digest.as_str()))
    }

    /// Whether an image of the repository needs a layer, or an index of it an image.
    pub fn is_needed_in_repository(&self, repository: &RepositoryKey, digest: &str) -> bool {
        let needed = &self.indexes.registry.needed.0;
        needed.contains_key(&(repository.clone(), digest.to_owned()))
    }

    /// Whether some repository has an image or a layer of that digest: then its content must stay.
    pub fn is_blob_held(&self, digest: &str) -> bool {
        self.indexes.registry.held.0.contains_key(digest)
    }
}
