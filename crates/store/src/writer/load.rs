//! From what an engine holds to a state.

use std::sync::Arc;

use domain::access_key::AccessKey;
use domain::account_setting::AccountSetting;
use domain::capacity_provider::CapacityProvider;
use domain::cluster::Cluster;
use domain::container_instance::ContainerInstance;
use domain::file_system::{AccessPoint, FileSystem, MountTarget};
use domain::host::Host;
use domain::parameter::{Parameter, ParameterVersion};
use domain::repository::{Repository, RepositoryImage, RepositoryLayer};
use domain::role::Role;
use domain::secret::{Secret, SecretVersion};
use domain::service::{Service, ServiceEvent};
use domain::service_deployment::{ServiceDeployment, ServiceRevision};
use domain::task::Task;
use domain::task_definition::{TaskDefinition, TaskDefinitionFamily};
use domain::vpc::{Subnet, Vpc};
use serde_json::value::RawValue;

use crate::engine::{Engine, Loaded, Operation};
use crate::{Record, State, StoreError};

/// Loads everything.
pub(crate) fn load(engine: &mut dyn Engine) -> Result<(State, Loaded), StoreError> {
    let mut state = State::default();
    let loaded = engine.load(&mut |operation| apply(&mut state, &operation))?;
    state.committed(loaded.last_commit);
    Ok((state, loaded))
}

fn apply(state: &mut State, operation: &Operation) -> Result<(), StoreError> {
    match operation.table.as_ref() {
        Cluster::TABLE => put::<Cluster>(state, operation),
        TaskDefinition::TABLE => put::<TaskDefinition>(state, operation),
        TaskDefinitionFamily::TABLE => put::<TaskDefinitionFamily>(state, operation),
        Service::TABLE => put::<Service>(state, operation),
        ServiceDeployment::TABLE => put::<ServiceDeployment>(state, operation),
        ServiceRevision::TABLE => put::<ServiceRevision>(state, operation),
        ServiceEvent::TABLE => put::<ServiceEvent>(state, operation),
        Task::TABLE => put::<Task>(state, operation),
        ContainerInstance::TABLE => put::<ContainerInstance>(state, operation),
        Host::TABLE => put::<Host>(state, operation),
        Vpc::TABLE => put::<Vpc>(state, operation),
        Subnet::TABLE => put::<Subnet>(state, operation),
        AccessKey::TABLE => put::<AccessKey>(state, operation),
        AccountSetting::TABLE => put::<AccountSetting>(state, operation),
        CapacityProvider::TABLE => put::<CapacityProvider>(state, operation),
        Parameter::TABLE => put::<Parameter>(state, operation),
        ParameterVersion::TABLE => put::<ParameterVersion>(state, operation),
        Secret::TABLE => put::<Secret>(state, operation),
        SecretVersion::TABLE => put::<SecretVersion>(state, operation),
        Role::TABLE => put::<Role>(state, operation),
        Repository::TABLE => put::<Repository>(state, operation),
        RepositoryImage::TABLE => put::<RepositoryImage>(state, operation),
        RepositoryLayer::TABLE => put::<RepositoryLayer>(state, operation),
        FileSystem::TABLE => put::<FileSystem>(state, operation),
        MountTarget::TABLE => put::<MountTarget>(state, operation),
        AccessPoint::TABLE => put::<AccessPoint>(state, operation),
        table => Err(StoreError::Newer {
            what: format!("the record {table} {} is of an unknown kind; it", operation.key),
            found: operation.format,
            known: 0,
        }),
    }
}

fn put<R: Record>(state: &mut State, operation: &Operation) -> Result<(), StoreError> {
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
    let key = record.key();
    if R::key_text(&key) != operation.key {
        return Err(damaged(&"it lies under another key than its own"));
    }
    state.set(&key, Some(Arc::new(record)));
    Ok(())
}
