//! The kinds of record, their keys and their tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access_key::AccessKey;
use domain::account_setting::{AccountSetting, SettingName};
use domain::cluster::Cluster;
use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::service::{Service, ServiceEvent};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::task::Task;
use domain::task_definition::{TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use domain::{
    ClusterArn, ContainerInstanceArn, Scope, ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, TaskArn,
    TaskDefinitionArn,
};

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

impl Record for Cluster {
    type Key = ClusterArn;
    const TABLE: &'static str = "cluster";

    fn key(&self) -> ClusterArn {
        self.arn.clone()
    }

    fn key_text(key: &ClusterArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ClusterArn, Arc<Self>> {
        &state.clusters
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ClusterArn, Arc<Self>> {
        &mut state.clusters
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Cluster(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Cluster(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for TaskDefinition {
    type Key = TaskDefinitionArn;
    const TABLE: &'static str = "task_definition";

    fn key(&self) -> TaskDefinitionArn {
        self.arn.clone()
    }

    fn key_text(key: &TaskDefinitionArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<TaskDefinitionArn, Arc<Self>> {
        &state.task_definitions
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<TaskDefinitionArn, Arc<Self>> {
        &mut state.task_definitions
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::TaskDefinition(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::TaskDefinition(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.task_definition(before, after);
    }
}

impl Record for TaskDefinitionFamily {
    type Key = (Scope, String);
    const TABLE: &'static str = "task_definition_family";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.name.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        {
            let (Scope { account, region }, name) = key;
            format!("{account}/{region}/{name}")
        }
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.task_definition_families
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.task_definition_families
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::TaskDefinitionFamily(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::TaskDefinitionFamily(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Service {
    type Key = ServiceArn;
    const TABLE: &'static str = "service";

    fn key(&self) -> ServiceArn {
        self.arn.clone()
    }

    fn key_text(key: &ServiceArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ServiceArn, Arc<Self>> {
        &state.services
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ServiceArn, Arc<Self>> {
        &mut state.services
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Service(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Service(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.service(before, after);
    }
}

impl Record for ServiceDeployment {
    type Key = ServiceDeploymentArn;
    const TABLE: &'static str = "service_deployment";

    fn key(&self) -> ServiceDeploymentArn {
        self.arn.clone()
    }

    fn key_text(key: &ServiceDeploymentArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ServiceDeploymentArn, Arc<Self>> {
        &state.service_deployments
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ServiceDeploymentArn, Arc<Self>> {
        &mut state.service_deployments
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ServiceDeployment(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ServiceDeployment(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ServiceRevision {
    type Key = ServiceRevisionArn;
    const TABLE: &'static str = "service_revision";

    fn key(&self) -> ServiceRevisionArn {
        self.arn.clone()
    }

    fn key_text(key: &ServiceRevisionArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ServiceRevisionArn, Arc<Self>> {
        &state.service_revisions
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ServiceRevisionArn, Arc<Self>> {
        &mut state.service_revisions
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ServiceRevision(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ServiceRevision(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for ServiceEvent {
    type Key = (ServiceArn, u64);
    const TABLE: &'static str = "service_event";

    fn key(&self) -> (ServiceArn, u64) {
        (self.service.clone(), self.sequence)
    }

    fn key_text(key: &(ServiceArn, u64)) -> String {
        {
            // Padded: the order on disk is the order in memory.
            let (service, sequence) = key;
            format!("{service}#{sequence:020}")
        }
    }

    fn table(state: &State) -> &BTreeMap<(ServiceArn, u64), Arc<Self>> {
        &state.service_events
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(ServiceArn, u64), Arc<Self>> {
        &mut state.service_events
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ServiceEvent(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ServiceEvent(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Task {
    type Key = TaskArn;
    const TABLE: &'static str = "task";

    fn key(&self) -> TaskArn {
        self.arn.clone()
    }

    fn key_text(key: &TaskArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<TaskArn, Arc<Self>> {
        &state.tasks
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<TaskArn, Arc<Self>> {
        &mut state.tasks
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Task(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Task(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.task(before, after);
    }
}

impl Record for ContainerInstance {
    type Key = ContainerInstanceArn;
    const TABLE: &'static str = "container_instance";

    fn key(&self) -> ContainerInstanceArn {
        self.arn.clone()
    }

    fn key_text(key: &ContainerInstanceArn) -> String {
        key.as_str().to_owned()
    }

    fn table(state: &State) -> &BTreeMap<ContainerInstanceArn, Arc<Self>> {
        &state.container_instances
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<ContainerInstanceArn, Arc<Self>> {
        &mut state.container_instances
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ContainerInstance(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ContainerInstance(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.container_instance(before, after);
    }
}

impl Record for Host {
    type Key = String;
    const TABLE: &'static str = "host";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.hosts
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.hosts
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Host(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Host(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.host(before, after);
    }
}

impl Record for Vpc {
    type Key = String;
    const TABLE: &'static str = "vpc";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.vpcs
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.vpcs
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Vpc(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Vpc(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for Subnet {
    type Key = String;
    const TABLE: &'static str = "subnet";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.subnets
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.subnets
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::Subnet(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::Subnet(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for AccessKey {
    type Key = String;
    const TABLE: &'static str = "access_key";

    fn key(&self) -> String {
        self.access_key_id.clone()
    }

    fn key_text(key: &String) -> String {
        key.clone()
    }

    fn table(state: &State) -> &BTreeMap<String, Arc<Self>> {
        &state.access_keys
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<String, Arc<Self>> {
        &mut state.access_keys
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::AccessKey(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::AccessKey(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for AccountSetting {
    type Key = (Scope, String, SettingName);
    const TABLE: &'static str = "account_setting";

    fn key(&self) -> (Scope, String, SettingName) {
        (self.scope.clone(), self.principal.clone(), self.name)
    }

    fn key_text((Scope { account, region }, principal, name): &(Scope, String, SettingName)) -> String {
        format!("{account}/{region}/{principal}/{}", name.as_str())
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String, SettingName), Arc<Self>> {
        &state.account_settings
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String, SettingName), Arc<Self>> {
        &mut state.account_settings
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::AccountSetting(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::AccountSetting(it) => Some(it),
            _ => None,
        }
    }
}
