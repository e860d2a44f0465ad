//! The state: all records by key, and the indexes that follow them.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access_key::AccessKey;
use domain::account_setting::{AccountSetting, SettingName};
use domain::capacity_provider::CapacityProvider;
use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::cloud_map::{
    DiscoveryInstance, DiscoveryService, InstanceKey, Namespace, Operation as CloudMapOperation,
};
use domain::cluster::Cluster;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::{CodeDeployDeployment, RevisionKind};
use domain::code_deploy::deployment_config::DeploymentConfig;
use domain::code_deploy::deployment_group::DeploymentGroup;
use domain::container_instance::ContainerInstance;
use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::ElasticAddress;
use domain::file_system::{AccessPoint, FileSystem, MountTarget};
use domain::host::Host;
use domain::listener::Listener;
use domain::listener_rule::ListenerRule;
use domain::load_balancer::LoadBalancer;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::parameter::{Parameter, ParameterVersion};
use domain::prefix_list::PrefixList;
use domain::repository::{Repository, RepositoryImage, RepositoryKey, RepositoryLayer};
use domain::role::Role;
use domain::route_table::{InternetGateway, RouteTable};
use domain::secret::{Secret, SecretVersion};
use domain::security_group::SecurityGroup;
use domain::service::{Service, ServiceEvent};
use domain::service_connect::{ClientAlias, ClientAliasKey, ServiceConnectProxy};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::target::{Target, TargetKey};
use domain::target_group::TargetGroup;
use domain::task::Task;
use domain::task_definition::{TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use domain::vpc_endpoint::VpcEndpoint;
use domain::{
    CapacityProviderArn, CertificateArn, ClusterArn, ContainerInstanceArn, ListenerArn, ListenerRuleArn,
    LoadBalancerArn, Scope, ServiceArn, ServiceDeploymentArn, ServiceRevisionArn, TargetGroupArn, TaskArn,
    TaskDefinitionArn,
};

use crate::{CommitId, Record};

mod addresses;
mod certificates;
mod cloud_map;
mod code_deploy;
mod file_systems;
mod group;
mod indexes;
mod interfaces;
mod load_balancing;
mod networks;
mod queries;
mod registry;
mod secrets;
mod service_connect;
mod service_tasks;
mod sites;
mod tally;
#[cfg(test)]
mod tests;

pub use indexes::Indexes;
pub use service_connect::{Endpoint, EndpointState};
pub use service_tasks::{HealthyContainers, OnHost, TARGETS};
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
    pub(crate) security_groups: BTreeMap<String, Arc<SecurityGroup>>,
    pub(crate) network_acls: BTreeMap<String, Arc<NetworkAcl>>,
    pub(crate) route_tables: BTreeMap<String, Arc<RouteTable>>,
    pub(crate) internet_gateways: BTreeMap<String, Arc<InternetGateway>>,
    pub(crate) network_interfaces: BTreeMap<String, Arc<NetworkInterface>>,
    pub(crate) prefix_lists: BTreeMap<String, Arc<PrefixList>>,
    pub(crate) namespaces: BTreeMap<String, Arc<Namespace>>,
    pub(crate) discovery_services: BTreeMap<String, Arc<DiscoveryService>>,
    pub(crate) discovery_instances: BTreeMap<InstanceKey, Arc<DiscoveryInstance>>,
    pub(crate) cloud_map_operations: BTreeMap<String, Arc<CloudMapOperation>>,
    pub(crate) nat_gateways: BTreeMap<String, Arc<NatGateway>>,
    pub(crate) egress_only_internet_gateways: BTreeMap<String, Arc<EgressOnlyInternetGateway>>,
    pub(crate) elastic_addresses: BTreeMap<String, Arc<ElasticAddress>>,
    pub(crate) vpc_endpoints: BTreeMap<String, Arc<VpcEndpoint>>,
    pub(crate) dhcp_options: BTreeMap<String, Arc<DhcpOptions>>,
    pub(crate) client_aliases: BTreeMap<ClientAliasKey, Arc<ClientAlias>>,
    pub(crate) service_connect_proxies: BTreeMap<(String, String), Arc<ServiceConnectProxy>>,
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
    pub(crate) classic_load_balancers: BTreeMap<LoadBalancerArn, Arc<ClassicLoadBalancer>>,
    pub(crate) load_balancers: BTreeMap<LoadBalancerArn, Arc<LoadBalancer>>,
    pub(crate) listeners: BTreeMap<ListenerArn, Arc<Listener>>,
    pub(crate) listener_rules: BTreeMap<ListenerRuleArn, Arc<ListenerRule>>,
    pub(crate) target_groups: BTreeMap<TargetGroupArn, Arc<TargetGroup>>,
    pub(crate) targets: BTreeMap<TargetKey, Arc<Target>>,
    pub(crate) certificates: BTreeMap<CertificateArn, Arc<Certificate>>,
    pub(crate) code_deploy_applications: BTreeMap<(Scope, String), Arc<CodeDeployApplication>>,
    pub(crate) application_revisions:
        BTreeMap<(Scope, String, RevisionKind, String), Arc<ApplicationRevision>>,
    pub(crate) deployment_groups: BTreeMap<(Scope, String, String), Arc<DeploymentGroup>>,
    pub(crate) deployment_configs: BTreeMap<(Scope, String), Arc<DeploymentConfig>>,
    pub(crate) code_deploy_deployments: BTreeMap<(Scope, String), Arc<CodeDeployDeployment>>,
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
