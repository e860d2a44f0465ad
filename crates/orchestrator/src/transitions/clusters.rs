//! Clusters come and go.

use std::convert::Infallible;
use std::sync::Arc;

use domain::ClusterArn;
use domain::account_setting::SettingName;
use domain::cluster::{Cluster, ClusterCapacity, ClusterConfiguration, ClusterStatus};
use domain::container_instance::ContainerInstanceStatus;
use domain::service::ServiceStatus;
use domain::tags::Pair;
use domain::task::TaskStatus;
use store::Tx;

use super::account_settings::effective_setting;

#[cfg(test)]
mod tests;

/// Why a cluster is not deleted, in the order in which ECS checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteClusterRefusal {
    /// There is none, or it is INACTIVE.
    NotFound,
    /// It has container instances that are ACTIVE or DRAINING.
    ContainsContainerInstances,
    /// It has services that are not INACTIVE.
    ContainsServices,
    /// It has tasks that are not STOPPED.
    ContainsTasks,
}

/// What CreateCluster asks for.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// Its name.
    pub arn: ClusterArn,
    /// `None`: what the account's settings say for the caller.
    pub settings: Option<Vec<Pair>>,
    /// As given.
    pub configuration: ClusterConfiguration,
    /// Its capacity providers are there.
    pub capacity: ClusterCapacity,
    /// Of services that name none; it is there.
    pub service_connect_namespace: Option<String>,
    /// Tags.
    pub tags: Vec<Pair>,
    /// ARN of the caller.
    pub principal: String,
}

/// What UpdateCluster changes; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ClusterChange {
    /// Replace those of the same name.
    pub settings: Option<Vec<Pair>>,
    /// Each part that is given replaces the one that was.
    pub configuration: Option<ClusterConfiguration>,
    /// Of services that name none; an empty one takes it away.
    pub service_connect_namespace: Option<String>,
}

/// There is no such cluster, or it is INACTIVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterNotFound;

/// `CreateCluster`: an ACTIVE one stays as it is, an INACTIVE one is made anew.
///
/// # Errors
/// None.
pub fn create_cluster(tx: &mut Tx<'_>, new: NewCluster) -> Result<Arc<Cluster>, Infallible> {
    let known = tx.get::<Cluster>(&new.arn);
    if let Some(known) = known.filter(|it| it.status == ClusterStatus::Active) {
        return Ok(known);
    }
    let mut settings = new.settings.unwrap_or_default();
    let name = SettingName::ContainerInsights;
    if !settings.iter().any(|it| it.name == name.as_str()) {
        let effective = effective_setting(tx.state(), &new.arn.scope(), &new.principal, name);
        settings.insert(0, Pair::new(name.as_str(), effective.value));
    }
    let cluster = Cluster {
        arn: new.arn,
        status: ClusterStatus::Active,
        settings,
        configuration: new.configuration,
        capacity: new.capacity,
        service_connect_namespace: new.service_connect_namespace,
        tags: new.tags,
    };
    tx.put(cluster.clone());
    Ok(Arc::new(cluster))
}

/// `UpdateCluster` and `UpdateClusterSettings`: what is given replaces what was.
///
/// # Errors
/// [`ClusterNotFound`].
pub fn update_cluster(
    tx: &mut Tx<'_>,
    arn: &ClusterArn,
    change: ClusterChange,
) -> Result<Arc<Cluster>, ClusterNotFound> {
    let known = tx
        .get::<Cluster>(arn)
        .filter(|it| it.status == ClusterStatus::Active);
    let mut cluster = (*known.ok_or(ClusterNotFound)?).clone();
    for setting in change.settings.unwrap_or_default() {
        match cluster.settings.iter_mut().find(|it| it.name == setting.name) {
            Some(place) => *place = setting,
            None => cluster.settings.push(setting),
        }
    }
    if let Some(given) = change.configuration {
        let ClusterConfiguration {
            execute_command,
            managed_storage,
        } = given;
        let parts = &mut cluster.configuration;
        parts.execute_command = execute_command.or(parts.execute_command.take());
        parts.managed_storage = managed_storage.or(parts.managed_storage.take());
    }
    if let Some(given) = change.service_connect_namespace {
        cluster.service_connect_namespace = Some(given).filter(|it| !it.is_empty());
    }
    tx.put(cluster.clone());
    Ok(Arc::new(cluster))
}

/// `DeleteCluster`: only an empty one, which becomes INACTIVE.
///
/// # Errors
/// What it still contains.
pub fn delete_cluster(tx: &mut Tx<'_>, arn: &ClusterArn) -> Result<Arc<Cluster>, DeleteClusterRefusal> {
    let known = tx
        .get::<Cluster>(arn)
        .filter(|it| it.status == ClusterStatus::Active);
    let known = known.ok_or(DeleteClusterRefusal::NotFound)?;
    let state = tx.state();
    if state
        .container_instances_of_cluster(arn)
        .any(|it| it.status != ContainerInstanceStatus::Inactive)
    {
        return Err(DeleteClusterRefusal::ContainsContainerInstances);
    }
    if state
        .services_of_cluster(arn)
        .any(|it| it.status != ServiceStatus::Inactive)
    {
        return Err(DeleteClusterRefusal::ContainsServices);
    }
    if state
        .tasks_of_cluster(arn)
        .any(|it| it.last_status != TaskStatus::Stopped)
    {
        return Err(DeleteClusterRefusal::ContainsTasks);
    }
    let cluster = Cluster {
        status: ClusterStatus::Inactive,
        ..(*known).clone()
    };
    tx.put(cluster.clone());
    Ok(Arc::new(cluster))
}
