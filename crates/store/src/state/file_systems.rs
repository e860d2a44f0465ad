//! Questions about file systems.

use std::sync::Arc;

use domain::Scope;
use domain::file_system::{AccessPoint, FileSystem, MountTarget};

use super::State;

impl State {
    /// File systems of a scope, by id.
    pub fn file_systems(&self, scope: &Scope) -> impl Iterator<Item = &Arc<FileSystem>> + use<'_> {
        let scope = scope.clone();
        self.all::<FileSystem>().filter(move |it| it.scope == scope)
    }

    /// Mount targets of a file system, by id.
    pub fn mount_targets_of(
        &self,
        file_system_id: &str,
    ) -> impl Iterator<Item = &Arc<MountTarget>> + use<'_> {
        let id = file_system_id.to_owned();
        self.all::<MountTarget>()
            .filter(move |it| it.file_system_id == id)
    }

    /// Access points of a scope, by id.
    pub fn access_points(&self, scope: &Scope) -> impl Iterator<Item = &Arc<AccessPoint>> + use<'_> {
        let scope = scope.clone();
        self.all::<AccessPoint>().filter(move |it| it.scope == scope)
    }
}
