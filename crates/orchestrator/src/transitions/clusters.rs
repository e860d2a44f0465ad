//! Clusters come and go.

use std::convert::Infallible;
use std::sync::Arc;

use domain::ClusterArn;
use domain::cluster::{Cluster, ClusterStatus};
use domain::container_instance::ContainerInstanceStatus;
use domain::service::ServiceStatus;
use domain::tags::Pair;
use domain::task::TaskStatus;
use store::Tx;

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

/// `CreateCluster`: an ACTIVE one stays as it is, an INACTIVE one is made anew.
///
/// # Errors
/// None.
pub fn create_cluster(
    tx: &mut Tx<'_>,
    arn: &ClusterArn,
    settings: Vec<Pair>,
    tags: Vec<Pair>,
) -> Result<Arc<Cluster>, Infallible> {
    if let Some(known) = tx
        .get::<Cluster>(arn)
        .filter(|it| it.status == ClusterStatus::Active)
    {
        return Ok(known);
    }
    let cluster = Cluster {
        arn: arn.clone(),
        status: ClusterStatus::Active,
        settings,
        tags,
    };
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
