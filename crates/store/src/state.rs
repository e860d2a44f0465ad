//! The state: all records by key, and the indexes that follow them.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access_key::AccessKey;
use domain::account_setting::{AccountSetting, SettingName};
use domain::capacity_provider::CapacityProvider;
use domain::cluster::Cluster;
use domain::container_instance::ContainerInstance;
use domain::file_system::{AccessPoint, FileSystem, MountTarget};
use domain::host::Host;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::parameter::{Parameter, ParameterVersion};
use domain::repository::{Repository, RepositoryImage, RepositoryKey, RepositoryLayer};
use domain::role::Role;
use domain::secret::{Secret, SecretVersion};
use domain::service::{Service, ServiceEvent};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::target::{Target, TargetKey};
use domain::target_group::TargetGroup;
use domain::task::Task;
use domain::task_definition::{TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use domain::{
    CapacityProviderArn, ClusterArn, ContainerInstanceArn, ListenerArn, ListenerRuleArn, LoadBalancerArn,
    Scope, ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, TargetGroupArn, TaskArn, TaskDefinitionArn,
};

use crate::{CommitId, Record};

mod addresses;
mod file_systems;
mod group;
mod indexes;
mod load_balancing;
mod queries;
mod registry;
mod secrets;
mod service_tasks;
mod sites;
mod tally;
#[cfg(test)]
mod tests;

pub use indexes::Indexes;
pub use service_tasks::{HealthyContainers, OnHost};
pub use sites::Site;
pub use tally::Tally;

type Table<R> = BTreeMap<<R as Record>::Key, Arc<R>>;

/// All records and their indexes after a certain commit. Two states share their records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    last_commit: CommitId,
    pub(crate) clusters: BTreeMap<ClusterArn, Arc<Cluster>>,
    pub(crate) task_definitions: BTreeMap<TaskDefinitionArn, Arc<TaskDefinition>>,
    pub(crate) task_definition_families: BTreeMap<(Scope, String), Arc<TaskDefinitionFamily>>,
    pub(crate) services: BTreeMap<ServiceArn, Arc<Service>>,
    pub(crate) service_deployments: BTreeMap<ServiceDeploymentArn, Arc<ServiceDeployment>>,
    pub(crate) service_revisions: BTreeMap<ServiceRevisionArn, Arc<ServiceRevision>>,
    pub(crate) service_events: BTreeMap<(ServiceArn, u64), Arc<ServiceEvent>>,
    pub(crate) tasks: BTreeMap<TaskArn, Arc<Task>>,
    pub(crate) container_instances: BTreeMap<ContainerInstanceArn, Arc<ContainerInstance>>,
    pub(crate) hosts: BTreeMap<String, Arc<Host>>,
    pub(crate) vpcs: BTreeMap<String, Arc<Vpc>>,
    pub(crate) subnets: BTreeMap<String, Arc<Subnet>>,
    pub(crate) access_keys: BTreeMap<String, Arc<AccessKey>>,
    pub(crate) account_settings: BTreeMap<(Scope, String, SettingName), Arc<AccountSetting>>,
    pub(crate) capacity_providers: BTreeMap<CapacityProviderArn, Arc<CapacityProvider>>,
    pub(crate) parameters: BTreeMap<(Scope, String), Arc<Parameter>>,
    pub(crate) parameter_versions: BTreeMap<(Scope, String, u64), Arc<ParameterVersion>>,
    pub(crate) secrets: BTreeMap<(Scope, String), Arc<Secret>>,
    pub(crate) secret_versions: BTreeMap<(Scope, String, String), Arc<SecretVersion>>,
    pub(crate) roles: BTreeMap<(String, String), Arc<Role>>,
    pub(crate) repositories: BTreeMap<RepositoryKey, Arc<Repository>>,
    pub(crate) repository_images: BTreeMap<(RepositoryKey, String), Arc<RepositoryImage>>,
    pub(crate) repository_layers: BTreeMap<(RepositoryKey, String), Arc<RepositoryLayer>>,
    pub(crate) file_systems: BTreeMap<String, Arc<FileSystem>>,
    pub(crate) mount_targets: BTreeMap<String, Arc<MountTarget>>,
    pub(crate) access_points: BTreeMap<String, Arc<AccessPoint>>,
    pub(crate) load_balancers: BTreeMap<LoadBalancerArn, Arc<LoadBalancer>>,
    pub(crate) listeners: BTreeMap<ListenerArn, Arc<Listener>>,
    pub(crate) listener_rules: BTreeMap<ListenerRuleArn, Arc<ListenerRule>>,
    pub(crate) target_groups: BTreeMap<TargetGroupArn, Arc<TargetGroup>>,
    pub(crate) targets: BTreeMap<TargetKey, Arc<Target>>,
    pub(crate) indexes: Indexes,
}

impl State {
    /// The last commit it holds.
    pub fn last_commit(&self) -> CommitId {
        self.last_commit
    }

    /// The record of that key.
    pub fn get<R: Record>(&self, key: &R::Key) -> Option<&Arc<R>> {
        R::table(self).get(key)
    }

    /// All records of a kind, in the order of their keys.
    pub fn all<R: Record>(&self) -> impl DoubleEndedIterator<Item = &Arc<R>> + ExactSizeIterator {
        R::table(self).values()
    }

    /// Puts a record or takes it away, and tells the indexes. Returns what was there.
    pub(crate) fn set<R: Record>(&mut self, key: &R::Key, after: Option<Arc<R>>) -> Option<Arc<R>> {
        let table: &mut Table<R> = R::table_mut(self);
        let before = match &after {
            Some(record) => table.insert(key.clone(), Arc::clone(record)),
            None => table.remove(key),
        };
        R::reindex(&mut self.indexes, before.as_ref(), after.as_ref());
        before
    }

    /// It now holds everything up to that commit.
    pub(crate) fn committed(&mut self, id: CommitId) {
        self.last_commit = id;
    }
}
