//! Capacity providers come and go, and are associated with clusters.

use std::sync::Arc;

use domain::capacity_provider::{
    CapacityProvider, CapacityProviderStatus, ManagedScaling, Toggle, UpdateStatus, is_fargate,
};
use domain::cluster::{Cluster, ClusterCapacity, ClusterStatus};
use domain::service::ServiceStatus;
use domain::task::TaskStatus;
use domain::{CapacityProviderArn, ClusterArn, Scope};
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// Why capacity providers stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapacityProviderRefusal {
    /// No such cluster, or INACTIVE.
    ClusterNotFound,
    /// There is none of the name, or it was deleted.
    NotFound(String),
    /// The name is taken.
    Exists,
    /// Another capacity provider has the Auto Scaling group.
    GroupTaken,
    /// Termination protection without managed scaling.
    ProtectionWithoutScaling,
    /// The steps of managed scaling would have no size.
    StepSizes,
    /// A cluster, one of its services or tasks needs it: its name.
    InUse(String),
}

/// What UpdateCapacityProvider changes; `None` leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CapacityProviderChange {
    /// Members that are not given stay.
    pub managed_scaling: ManagedScalingChange,
    /// See [`domain::capacity_provider::AutoScalingGroupProvider`].
    pub managed_termination_protection: Option<Toggle>,
    /// See [`domain::capacity_provider::AutoScalingGroupProvider`].
    pub managed_draining: Option<Toggle>,
}

/// What is said of `managedScaling`, already within its bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManagedScalingChange {
    /// On or off.
    pub status: Option<Toggle>,
    /// Percent.
    pub target_capacity: Option<u32>,
    /// Container instances.
    pub minimum_scaling_step_size: Option<u32>,
    /// Container instances.
    pub maximum_scaling_step_size: Option<u32>,
    /// Seconds.
    pub instance_warmup_period: Option<u32>,
}

impl ManagedScalingChange {
    /// What it makes of what was.
    pub fn of(self, before: ManagedScaling) -> ManagedScaling {
        let or = |given: Option<u32>, before: u32| given.unwrap_or(before);
        ManagedScaling {
            status: self.status.unwrap_or(before.status),
            target_capacity: or(self.target_capacity, before.target_capacity),
            minimum_scaling_step_size: or(self.minimum_scaling_step_size, before.minimum_scaling_step_size),
            maximum_scaling_step_size: or(self.maximum_scaling_step_size, before.maximum_scaling_step_size),
            instance_warmup_period: or(self.instance_warmup_period, before.instance_warmup_period),
        }
    }
}

/// Whether tasks may be given to a capacity provider of that name.
pub fn is_capacity_provider(state: &State, scope: &Scope, name: &str) -> bool {
    is_fargate(name)
        || state
            .get::<CapacityProvider>(&CapacityProviderArn::of(scope, name))
            .is_some_and(|it| it.status == CapacityProviderStatus::Active)
}

/// `CreateCapacityProvider`. The name of one that was deleted is free.
///
/// # Errors
/// See [`CapacityProviderRefusal`].
pub fn create_capacity_provider(
    tx: &mut Tx<'_>,
    new: CapacityProvider,
) -> Result<Arc<CapacityProvider>, CapacityProviderRefusal> {
    check(&new)?;
    let group = &new.auto_scaling_group.auto_scaling_group;
    let scope = new.arn.scope();
    let is_active = |it: &&Arc<CapacityProvider>| it.status == CapacityProviderStatus::Active;
    for known in tx.state().capacity_providers(&scope).filter(is_active) {
        if known.arn == new.arn {
            return Err(CapacityProviderRefusal::Exists);
        }
        if known.auto_scaling_group.auto_scaling_group == *group {
            return Err(CapacityProviderRefusal::GroupTaken);
        }
    }
    tx.put(new.clone());
    Ok(Arc::new(new))
}

fn check(it: &CapacityProvider) -> Result<(), CapacityProviderRefusal> {
    let group = &it.auto_scaling_group;
    let scaling = group.managed_scaling;
    if scaling.minimum_scaling_step_size > scaling.maximum_scaling_step_size {
        return Err(CapacityProviderRefusal::StepSizes);
    }
    if group.managed_termination_protection == Toggle::Enabled && scaling.status == Toggle::Disabled {
        return Err(CapacityProviderRefusal::ProtectionWithoutScaling);
    }
    Ok(())
}

fn active(tx: &Tx<'_>, arn: &CapacityProviderArn) -> Result<Arc<CapacityProvider>, CapacityProviderRefusal> {
    let known = tx.get::<CapacityProvider>(arn);
    let known = known.filter(|it| it.status == CapacityProviderStatus::Active);
    known.ok_or_else(|| CapacityProviderRefusal::NotFound(arn.name().to_owned()))
}

/// `UpdateCapacityProvider`: done at once, as there is no group to be told.
///
/// # Errors
/// See [`CapacityProviderRefusal`].
pub fn update_capacity_provider(
    tx: &mut Tx<'_>,
    arn: &CapacityProviderArn,
    change: CapacityProviderChange,
) -> Result<Arc<CapacityProvider>, CapacityProviderRefusal> {
    let mut changed = (*active(tx, arn)?).clone();
    let group = &mut changed.auto_scaling_group;
    group.managed_scaling = change.managed_scaling.of(group.managed_scaling);
    let protection = change.managed_termination_protection;
    group.managed_termination_protection = protection.unwrap_or(group.managed_termination_protection);
    group.managed_draining = change.managed_draining.unwrap_or(group.managed_draining);
    check(&changed)?;
    changed.update_status = Some(UpdateStatus::UpdateComplete);
    tx.put(changed.clone());
    Ok(Arc::new(changed))
}

/// `DeleteCapacityProvider`: INACTIVE at once; only one that no cluster has.
///
/// # Errors
/// See [`CapacityProviderRefusal`].
pub fn delete_capacity_provider(
    tx: &mut Tx<'_>,
    arn: &CapacityProviderArn,
) -> Result<Arc<CapacityProvider>, CapacityProviderRefusal> {
    let mut deleted = (*active(tx, arn)?).clone();
    let (scope, name) = (arn.scope(), arn.name());
    let is_in_use = tx.state().all::<Cluster>().any(|it| {
        let providers = &it.capacity.providers;
        it.status == ClusterStatus::Active && it.arn.scope() == scope && providers.iter().any(|it| it == name)
    });
    if is_in_use {
        return Err(CapacityProviderRefusal::InUse(name.to_owned()));
    }
    deleted.status = CapacityProviderStatus::Inactive;
    deleted.update_status = Some(UpdateStatus::DeleteComplete);
    tx.put(deleted.clone());
    Ok(Arc::new(deleted))
}

/// `PutClusterCapacityProviders`: both lists replace what was. Services keep the strategy they have.
///
/// # Errors
/// See [`CapacityProviderRefusal`].
pub fn put_cluster_capacity_providers(
    tx: &mut Tx<'_>,
    arn: &ClusterArn,
    capacity: ClusterCapacity,
) -> Result<Arc<Cluster>, CapacityProviderRefusal> {
    let known = tx.get::<Cluster>(arn);
    let known = known.filter(|it| it.status == ClusterStatus::Active);
    let known = known.ok_or(CapacityProviderRefusal::ClusterNotFound)?;
    require_capacity_providers(tx.state(), &arn.scope(), &capacity)?;
    let mut removed = known.capacity.providers.iter();
    let removed = removed.find(|it| !capacity.providers.contains(it) && is_used(tx.state(), arn, it));
    if let Some(name) = removed {
        return Err(CapacityProviderRefusal::InUse(name.clone()));
    }
    let cluster = Cluster {
        capacity,
        ..(*known).clone()
    };
    tx.put(cluster.clone());
    Ok(Arc::new(cluster))
}

/// All that a cluster is to have are there.
///
/// # Errors
/// [`CapacityProviderRefusal::NotFound`].
pub fn require_capacity_providers(
    state: &State,
    scope: &Scope,
    capacity: &ClusterCapacity,
) -> Result<(), CapacityProviderRefusal> {
    let mut providers = capacity.providers.iter();
    match providers.find(|it| !is_capacity_provider(state, scope, it)) {
        Some(name) => Err(CapacityProviderRefusal::NotFound(name.clone())),
        None => Ok(()),
    }
}

fn is_used(state: &State, cluster: &ClusterArn, name: &str) -> bool {
    let mut services = state.services_of_cluster(cluster);
    let mut tasks = state.tasks_of_cluster(cluster);
    services.any(|it| {
        let strategy = &it.capacity_provider_strategy;
        it.status != ServiceStatus::Inactive && strategy.iter().any(|it| it.capacity_provider == name)
    }) || tasks
        .any(|it| it.last_status != TaskStatus::Stopped && it.capacity_provider.as_deref() == Some(name))
}
