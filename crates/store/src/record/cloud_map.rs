//! Records of Cloud Map: their keys and tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cloud_map::{DiscoveryInstance, DiscoveryService, InstanceKey, Namespace, Operation};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for Namespace {
    type Key = String;
    const TABLE: &'static str = "namespace";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.namespaces
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.namespaces
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Namespace(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Namespace(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.namespace(before, after);
    }
}

impl Record for DiscoveryService {
    type Key = String;
    const TABLE: &'static str = "discovery_service";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.discovery_services
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.discovery_services
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::DiscoveryService(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::DiscoveryService(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.discovery_service(before, after);
    }
}

impl Record for DiscoveryInstance {
    type Key = InstanceKey;
    const TABLE: &'static str = "discovery_instance";

    fn key(&self) -> InstanceKey {
        (self.service_id.clone(), self.id.clone())
    }

    fn key_text((service, id): &InstanceKey) -> String {
        format!("{service}/{id}")
    }

    fn table(state: &State) -> &BTreeMap<InstanceKey, Arc<Self>> {
        &state.discovery_instances
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<InstanceKey, Arc<Self>> {
        &mut state.discovery_instances
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::DiscoveryInstance(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::DiscoveryInstance(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Operation {
    type Key = String;
    const TABLE: &'static str = "cloud_map_operation";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.cloud_map_operations
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.cloud_map_operations
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::CloudMapOperation(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::CloudMapOperation(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.cloud_map_operation(before, after);
    }
}
