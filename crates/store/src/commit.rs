//! Commits: what one transaction changed.

use std::fmt;
use std::sync::Arc;

use domain::Timestamp;
use domain::access_key::AccessKey;
use domain::account_setting::AccountSetting;
use domain::capacity_provider::CapacityProvider;
use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::cloud_map::{DiscoveryInstance, DiscoveryService, Namespace, Operation as CloudMapOperation};
use domain::cluster::Cluster;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::CodeDeployDeployment;
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
use domain::repository::{Repository, RepositoryImage, RepositoryLayer};
use domain::role::Role;
use domain::route_table::{InternetGateway, RouteTable};
use domain::secret::{Secret, SecretVersion};
use domain::security_group::SecurityGroup;
use domain::service::{Service, ServiceEvent};
use domain::service_connect::{ClientAlias, ServiceConnectProxy};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::target::Target;
use domain::target_group::TargetGroup;
use domain::task::Task;
use domain::task_definition::{TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use domain::vpc_endpoint::VpcEndpoint;
use serde::{Deserialize, Serialize};

use crate::engine::Operation;
use crate::{Record, State, StoreError};

/// Place of a commit in the order of all commits: 1 is the first, none is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitId(pub u64);

impl CommitId {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A transaction that wrote something.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its place in the order.
    pub id: CommitId,
    /// The time of its transaction; of a commit that was read again, that of its batch.
    pub at: Timestamp,
    /// One for each record that differs from before, in the order first written.
    pub changes: Vec<Change>,
}

/// A record that differs from before.
#[derive(Clone, Debug)]
pub enum Change {
    /// See [`Cluster`].
    Cluster(Changed<Cluster>),
    /// See [`TaskDefinition`].
    TaskDefinition(Changed<TaskDefinition>),
    /// See [`TaskDefinitionFamily`].
    TaskDefinitionFamily(Changed<TaskDefinitionFamily>),
    /// See [`Service`].
    Service(Changed<Service>),
    /// See [`ServiceDeployment`].
    ServiceDeployment(Changed<ServiceDeployment>),
    /// See [`ServiceRevision`].
    ServiceRevision(Changed<ServiceRevision>),
    /// See [`ServiceEvent`].
    ServiceEvent(Changed<ServiceEvent>),
    /// See [`Task`].
    Task(Changed<Task>),
    /// See [`ContainerInstance`].
    ContainerInstance(Changed<ContainerInstance>),
    /// See [`Host`].
    Host(Changed<Host>),
    /// See [`Vpc`].
    Vpc(Changed<Vpc>),
    /// See [`Subnet`].
    Subnet(Changed<Subnet>),
    /// See [`SecurityGroup`].
    SecurityGroup(Changed<SecurityGroup>),
    /// See [`NetworkAcl`].
    NetworkAcl(Changed<NetworkAcl>),
    /// See [`RouteTable`].
    RouteTable(Changed<RouteTable>),
    /// See [`InternetGateway`].
    InternetGateway(Changed<InternetGateway>),
    /// See [`NetworkInterface`].
    NetworkInterface(Changed<NetworkInterface>),
    /// See [`PrefixList`].
    PrefixList(Changed<PrefixList>),
    /// See [`Namespace`].
    Namespace(Changed<Namespace>),
    /// See [`DiscoveryService`].
    DiscoveryService(Changed<DiscoveryService>),
    /// See [`DiscoveryInstance`].
    DiscoveryInstance(Changed<DiscoveryInstance>),
    /// See [`CloudMapOperation`].
    CloudMapOperation(Changed<CloudMapOperation>),
    /// See [`NatGateway`].
    NatGateway(Changed<NatGateway>),
    /// See [`EgressOnlyInternetGateway`].
    EgressOnlyInternetGateway(Changed<EgressOnlyInternetGateway>),
    /// See [`ElasticAddress`].
    ElasticAddress(Changed<ElasticAddress>),
    /// See [`VpcEndpoint`].
    VpcEndpoint(Changed<VpcEndpoint>),
    /// See [`DhcpOptions`].
    DhcpOptions(Changed<DhcpOptions>),
    /// See [`ClientAlias`].
    ClientAlias(Changed<ClientAlias>),
    /// See [`ServiceConnectProxy`].
    ServiceConnectProxy(Changed<ServiceConnectProxy>),
    /// See [`AccessKey`].
    AccessKey(Changed<AccessKey>),
    /// See [`AccountSetting`].
    AccountSetting(Changed<AccountSetting>),
    /// See [`CapacityProvider`].
    CapacityProvider(Changed<CapacityProvider>),
    /// See [`Parameter`].
    Parameter(Changed<Parameter>),
    /// See [`ParameterVersion`].
    ParameterVersion(Changed<ParameterVersion>),
    /// See [`Secret`].
    Secret(Changed<Secret>),
    /// See [`SecretVersion`].
    SecretVersion(Changed<SecretVersion>),
    /// See [`Role`].
    Role(Changed<Role>),
    /// See [`Repository`].
    Repository(Changed<Repository>),
    /// See [`RepositoryImage`].
    RepositoryImage(Changed<RepositoryImage>),
    /// See [`RepositoryLayer`].
    RepositoryLayer(Changed<RepositoryLayer>),
    /// See [`FileSystem`].
    FileSystem(Changed<FileSystem>),
    /// See [`MountTarget`].
    MountTarget(Changed<MountTarget>),
    /// See [`AccessPoint`].
    AccessPoint(Changed<AccessPoint>),
    /// See [`ClassicLoadBalancer`].
    ClassicLoadBalancer(Changed<ClassicLoadBalancer>),
    /// See [`LoadBalancer`].
    LoadBalancer(Changed<LoadBalancer>),
    /// See [`Listener`].
    Listener(Changed<Listener>),
    /// See [`ListenerRule`].
    ListenerRule(Changed<ListenerRule>),
    /// See [`TargetGroup`].
    TargetGroup(Changed<TargetGroup>),
    /// See [`Target`].
    Target(Changed<Target>),
    /// See [`Certificate`].
    Certificate(Changed<Certificate>),
    /// See [`CodeDeployApplication`].
    CodeDeployApplication(Changed<CodeDeployApplication>),
    /// See [`ApplicationRevision`].
    ApplicationRevision(Changed<ApplicationRevision>),
    /// See [`DeploymentGroup`].
    DeploymentGroup(Changed<DeploymentGroup>),
    /// See [`DeploymentConfig`].
    DeploymentConfig(Changed<DeploymentConfig>),
    /// See [`CodeDeployDeployment`].
    CodeDeployDeployment(Changed<CodeDeployDeployment>),
}

/// Before and after; at least one of them is there.
#[derive(Clone, Debug)]
pub struct Changed<R> {
    /// `None`: it is new.
    pub before: Option<Arc<R>>,
    /// `None`: it is deleted.
    pub after: Option<Arc<R>>,
}

impl<R> Changed<R> {
    /// The record as it is now, or as it last was.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the store never hands out a change without either side"
    )]
    pub fn current(&self) -> &Arc<R> {
        self.after
            .as_ref()
            .or(self.before.as_ref())
            .expect("a change has a before or an after")
    }
}

/// What can be done with a change of any kind of record.
pub(crate) trait AnyChanged {
    fn apply(&self, state: &mut State);
    fn undo(&self, state: &mut State);
    fn is_change(&self) -> bool;
    fn operation(&self) -> Result<Operation, StoreError>;
}

impl<R: Record> AnyChanged for Changed<R> {
    fn apply(&self, state: &mut State) {
        state.set(&self.current().key(), self.after.clone());
    }

    fn undo(&self, state: &mut State) {
        if self.before.is_some() || self.after.is_some() {
            state.set(&self.current().key(), self.before.clone());
        }
    }

    fn is_change(&self) -> bool {
        self.before != self.after
    }

    fn operation(&self) -> Result<Operation, StoreError> {
        let encode = |record: &Arc<R>| {
            serde_json::value::to_raw_value(&**record).map_err(|error| StoreError::Encoding {
                table: R::TABLE,
                cause: error.to_string(),
            })
        };
        Ok(Operation {
            table: R::TABLE.into(),
            key: R::key_text(&self.current().key()),
            format: R::FORMAT,
            value: self.after.as_ref().map(encode).transpose()?,
        })
    }
}

impl Change {
    pub(crate) fn any(&self) -> &dyn AnyChanged {
        match self {
            Self::Cluster(it) => it,
            Self::TaskDefinition(it) => it,
            Self::TaskDefinitionFamily(it) => it,
            Self::Service(it) => it,
            Self::ServiceDeployment(it) => it,
            Self::ServiceRevision(it) => it,
            Self::ServiceEvent(it) => it,
            Self::Task(it) => it,
            Self::ContainerInstance(it) => it,
            Self::Host(it) => it,
            Self::Vpc(it) => it,
            Self::Subnet(it) => it,
            Self::SecurityGroup(it) => it,
            Self::NetworkAcl(it) => it,
            Self::RouteTable(it) => it,
            Self::InternetGateway(it) => it,
            Self::NetworkInterface(it) => it,
            Self::PrefixList(it) => it,
            Self::Namespace(it) => it,
            Self::DiscoveryService(it) => it,
            Self::DiscoveryInstance(it) => it,
            Self::CloudMapOperation(it) => it,
            Self::NatGateway(it) => it,
            Self::EgressOnlyInternetGateway(it) => it,
            Self::ElasticAddress(it) => it,
            Self::VpcEndpoint(it) => it,
            Self::DhcpOptions(it) => it,
            Self::ClientAlias(it) => it,
            Self::ServiceConnectProxy(it) => it,
            Self::AccessKey(it) => it,
            Self::AccountSetting(it) => it,
            Self::CapacityProvider(it) => it,
            Self::Parameter(it) => it,
            Self::ParameterVersion(it) => it,
            Self::Secret(it) => it,
            Self::SecretVersion(it) => it,
            Self::Role(it) => it,
            Self::Repository(it) => it,
            Self::RepositoryImage(it) => it,
            Self::RepositoryLayer(it) => it,
            Self::FileSystem(it) => it,
            Self::MountTarget(it) => it,
            Self::AccessPoint(it) => it,
            Self::ClassicLoadBalancer(it) => it,
            Self::LoadBalancer(it) => it,
            Self::Listener(it) => it,
            Self::ListenerRule(it) => it,
            Self::TargetGroup(it) => it,
            Self::Target(it) => it,
            Self::Certificate(it) => it,
            Self::CodeDeployApplication(it) => it,
            Self::ApplicationRevision(it) => it,
            Self::DeploymentGroup(it) => it,
            Self::DeploymentConfig(it) => it,
            Self::CodeDeployDeployment(it) => it,
        }
    }
}
