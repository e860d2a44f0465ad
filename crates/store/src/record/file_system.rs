//! File systems, mount targets and access points as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::file_system::{AccessPoint, FileSystem, MountTarget};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for FileSystem {
    type Key = String;
    const TABLE: &'static str = "file_system";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.file_systems
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.file_systems
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::FileSystem(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::FileSystem(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for MountTarget {
    type Key = String;
    const TABLE: &'static str = "mount_target";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.mount_targets
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.mount_targets
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::MountTarget(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::MountTarget(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.mount_target(before, after);
    }
}

impl Record for AccessPoint {
    type Key = String;
    const TABLE: &'static str = "access_point";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.access_points
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.access_points
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::AccessPoint(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::AccessPoint(it) => Some(it),
            _ => None,
        }
    }
}
