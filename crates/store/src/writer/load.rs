//! From what an engine holds to a state.

use std::sync::Arc;

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
use serde_json::value::RawValue;

use crate::engine::{Engine, Loaded, Operation};
use crate::{Record, State, StoreError};

/// Loads everything.
pub(crate) fn load(engine: &mut dyn Engine) -> Result<(State, Loaded), StoreError> {
    let mut state = State::default();
    let loaded = engine.load(&mut |operation| read(Put(&mut state), &operation))?;
    state.committed(loaded.last_commit);
    Ok((state, loaded))
}

/// What is done with an operation, whatever kind of record it is on.
pub(super) trait Read {
    type Output;

    fn read<R: Record>(self, operation: &Operation) -> Result<Self::Output, StoreError>;
}

/// Finds the kind of record that an operation is on.
pub(super) fn read<T: Read>(with: T, operation: &Operation) -> Result<T::Output, StoreError> {
    match operation.table.as_ref() {
        Cluster::TABLE => with.read::<Cluster>(operation),
        TaskDefinition::TABLE => with.read::<TaskDefinition>(operation),
        TaskDefinitionFamily::TABLE => with.read::<TaskDefinitionFamily>(operation),
        Service::TABLE => with.read::<Service>(operation),
        ServiceDeployment::TABLE => with.read::<ServiceDeployment>(operation),
        ServiceRevision::TABLE => with.read::<ServiceRevision>(operation),
        ServiceEvent::TABLE => with.read::<ServiceEvent>(operation),
        Task::TABLE => with.read::<Task>(operation),
        ContainerInstance::TABLE => with.read::<ContainerInstance>(operation),
        Host::TABLE => with.read::<Host>(operation),
        Vpc::TABLE => with.read::<Vpc>(operation),
        Subnet::TABLE => with.read::<Subnet>(operation),
        NetworkInterface::TABLE => with.read::<NetworkInterface>(operation),
        SecurityGroup::TABLE => with.read::<SecurityGroup>(operation),
        NetworkAcl::TABLE => with.read::<NetworkAcl>(operation),
        RouteTable::TABLE => with.read::<RouteTable>(operation),
        InternetGateway::TABLE => with.read::<InternetGateway>(operation),
        PrefixList::TABLE => with.read::<PrefixList>(operation),
        Namespace::TABLE => with.read::<Namespace>(operation),
        DiscoveryService::TABLE => with.read::<DiscoveryService>(operation),
        DiscoveryInstance::TABLE => with.read::<DiscoveryInstance>(operation),
        CloudMapOperation::TABLE => with.read::<CloudMapOperation>(operation),
        NatGateway::TABLE => with.read::<NatGateway>(operation),
        EgressOnlyInternetGateway::TABLE => with.read::<EgressOnlyInternetGateway>(operation),
        ElasticAddress::TABLE => with.read::<ElasticAddress>(operation),
        VpcEndpoint::TABLE => with.read::<VpcEndpoint>(operation),
        DhcpOptions::TABLE => with.read::<DhcpOptions>(operation),
        ClientAlias::TABLE => with.read::<ClientAlias>(operation),
        ServiceConnectProxy::TABLE => with.read::<ServiceConnectProxy>(operation),
        AccessKey::TABLE => with.read::<AccessKey>(operation),
        AccountSetting::TABLE => with.read::<AccountSetting>(operation),
        CapacityProvider::TABLE => with.read::<CapacityProvider>(operation),
        Parameter::TABLE => with.read::<Parameter>(operation),
        ParameterVersion::TABLE => with.read::<ParameterVersion>(operation),
        Secret::TABLE => with.read::<Secret>(operation),
        SecretVersion::TABLE => with.read::<SecretVersion>(operation),
        Role::TABLE => with.read::<Role>(operation),
        Repository::TABLE => with.read::<Repository>(operation),
        RepositoryImage::TABLE => with.read::<RepositoryImage>(operation),
        RepositoryLayer::TABLE => with.read::<RepositoryLayer>(operation),
        FileSystem::TABLE => with.read::<FileSystem>(operation),
        MountTarget::TABLE => with.read::<MountTarget>(operation),
        AccessPoint::TABLE => with.read::<AccessPoint>(operation),
        ClassicLoadBalancer::TABLE => with.read::<ClassicLoadBalancer>(operation),
        LoadBalancer::TABLE => with.read::<LoadBalancer>(operation),
        Listener::TABLE => with.read::<Listener>(operation),
        ListenerRule::TABLE => with.read::<ListenerRule>(operation),
        TargetGroup::TABLE => with.read::<TargetGroup>(operation),
        Target::TABLE => with.read::<Target>(operation),
        Certificate::TABLE => with.read::<Certificate>(operation),
        CodeDeployApplication::TABLE => with.read::<CodeDeployApplication>(operation),
        ApplicationRevision::TABLE => with.read::<ApplicationRevision>(operation),
        DeploymentGroup::TABLE => with.read::<DeploymentGroup>(operation),
        DeploymentConfig::TABLE => with.read::<DeploymentConfig>(operation),
        CodeDeployDeployment::TABLE => with.read::<CodeDeployDeployment>(operation),
        table => Err(StoreError::Newer {
            what: format!("the record {table} {} is of an unknown kind; it", operation.key),
            found: operation.format,
            known: 0,
        }),
    }
}

/// The record that an operation stores.
pub(super) fn record<R: Record>(operation: &Operation) -> Result<R, StoreError> {
    let what = || format!("{} {}", R::TABLE, operation.key);
    if operation.format > R::FORMAT {
        return Err(StoreError::Newer {
            what: format!("the record {}", what()),
            found: operation.format,
            known: R::FORMAT,
        });
    }
    let damaged = |cause: &dyn std::fmt::Display| StoreError::Damaged {
        what: format!("{}: {cause}", what()),
    };
    let value = operation.value.as_deref().map_or("", RawValue::get);
    let record: R = serde_json::from_str(value).map_err(|error| damaged(&error))?;
    if R::key_text(&record.key()) != operation.key {
        return Err(damaged(&"it lies under another key than its own"));
    }
    Ok(record)
}

struct Put<'a>(&'a mut State);

impl Read for Put<'_> {
    type Output = ();

    fn read<R: Record>(self, operation: &Operation) -> Result<(), StoreError> {
        let record: R = record(operation)?;
        let key = record.key();
        self.0.set(&key, Some(Arc::new(record)));
        Ok(())
    }
}
