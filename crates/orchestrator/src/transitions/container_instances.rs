//! Hosts join and leave.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::cluster::{Cluster, ClusterStatus};
use domain::container_instance::{
    ContainerInstance, ContainerInstanceStatus, FARGATE_CAPACITY_ATTRIBUTE, HOST_ADDRESS_ATTRIBUTE,
};
use domain::host::{Host, Resources};
use domain::placement::AVAILABILITY_ZONE_ATTRIBUTE;
use domain::tags::Pair;
use domain::task::{Stop, StopCode};
use domain::{ClusterArn, ContainerInstanceArn};
use store::Tx;

use super::overlays::free_host_number;
use super::stop_task::stop_task;

#[cfg(test)]
mod tests;

/// What an agent says of its host.
#[derive(Clone, Debug)]
pub struct RegisterContainerInstance {
    /// Cluster to join.
    pub cluster: ClusterArn,
    /// The ARN of an earlier registration.
    pub existing: Option<ContainerInstanceArn>,
    /// Totals; ports are those that nobody may have.
    pub total: Resources,
    /// Capabilities and custom attributes.
    pub attributes: Vec<Pair>,
    /// What runs there.
    pub versions: Versions,
    /// Tags.
    pub tags: Vec<Pair>,
}

/// `versionInfo` of an agent; what it does not say is empty.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// `agentVersion`
    pub agent: String,
    /// `agentHash`
    pub agent_hash: String,
    /// `dockerVersion`
    pub docker: String,
}

/// Why a host does not join or leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerInstanceRefusal {
    /// No such cluster, or INACTIVE.
    ClusterNotFound,
    /// The ARN of the earlier registration is unknown, of another cluster, or INACTIVE.
    NotFound,
    /// Tasks run there.
    HasTasks,
}

/// How a container instance leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deregistration {
    /// Only without tasks.
    WhenEmpty,
    /// Its tasks are stopped.
    Forced,
}

/// Edge of an agent's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It began.
    Connected,
    /// It ended.
    Lost,
}

/// `RegisterContainerInstance`: again with the ARN of before, it is the same instance.
///
/// # Errors
/// No such cluster, or no such earlier registration.
pub fn register_container_instance(
    tx: &mut Tx<'_>,
    mut it: RegisterContainerInstance,
) -> Result<Arc<ContainerInstance>, ContainerInstanceRefusal> {
    let cluster = tx
        .get::<Cluster>(&it.cluster)
        .filter(|it| it.status == ClusterStatus::Active);
    cluster.ok_or(ContainerInstanceRefusal::ClusterNotFound)?;
    let known = match &it.existing {
        None => None,
        Some(arn) => Some(
            tx.get::<ContainerInstance>(arn)
                .filter(|known| {
                    known.status != ContainerInstanceStatus::Inactive && arn.cluster() == it.cluster
                })
                .ok_or(ContainerInstanceRefusal::NotFound)?,
        ),
    };
    let zone = zone(&mut it);
    let has = |name: &str| it.attributes.iter().any(|attribute| attribute.name == name);
    let scope = it.cluster.scope();
    let (is_external, is_fargate_capacity) =
        (has("ecs.capability.external"), has(FARGATE_CAPACITY_ATTRIBUTE));
    let instance = match known {
        Some(known) => ContainerInstance {
            attributes: with_custom_attributes(&known, &it.attributes),
            agent_version: newest(it.versions.agent, &known.agent_version),
            agent_hash: newest(it.versions.agent_hash, &known.agent_hash),
            docker_version: newest(it.versions.docker, &known.docker_version),
            is_external,
            version: known.version + 1,
            ..(*known).clone()
        },
        None => {
            let id = tx.ids().hex_32();
            ContainerInstance {
                arn: it.cluster.member(&id),
                host_id: id,
                ec2_instance_id: tx.ids().ec2(if is_external { "mi" } else { "i" }),
                status: ContainerInstanceStatus::Active,
                attributes: it.attributes.clone(),
                agent_version: it.versions.agent,
                agent_hash: it.versions.agent_hash,
                docker_version: it.versions.docker,
                is_external,
                registered_at: tx.now(),
                version: 1,
                tags: it.tags,
            }
        }
    };
    let host = tx.get::<Host>(&instance.host_id);
    let number = host.as_ref().map_or(0, |it| it.number);
    let number = match number {
        0 => free_host_number(tx.state()),
        kept => kept,
    };
    tx.put(Host {
        id: instance.host_id.clone(),
        number,
        address: address(&instance),
        account: scope.account,
        total: it.total,
        promised: host.as_ref().map(|it| it.promised.clone()).unwrap_or_default(),
        task_count: host.as_ref().map_or(0, |it| it.task_count),
        is_fargate_capacity,
        is_connected: host.as_ref().is_some_and(|it| it.is_connected),
        availability_zone: zone,
    });
    tx.put(instance.clone());
    Ok(Arc::new(instance))
}

/// Where the agent says that others reach its host.
fn address(instance: &ContainerInstance) -> Option<Ipv4Addr> {
    let mut attributes = instance.attributes.iter();
    let said = attributes.find(|it| it.name == HOST_ADDRESS_ATTRIBUTE)?;
    said.value.as_ref()?.parse().ok()
}

/// The zone that the agent says, else the first of the region, which becomes an attribute like the others.
fn zone(it: &mut RegisterContainerInstance) -> String {
    let mut attributes = it.attributes.iter();
    let said = attributes.find(|it| it.name == AVAILABILITY_ZONE_ATTRIBUTE);
    if let Some(zone) = said.and_then(|it| it.value.clone()) {
        return zone;
    }
    let zone = format!("{}a", it.cluster.scope().region);
    it.attributes.retain(|it| it.name != AVAILABILITY_ZONE_ATTRIBUTE);
    it.attributes
        .push(Pair::new(AVAILABILITY_ZONE_ATTRIBUTE, zone.as_str()));
    zone
}

/// What is not said stays.
fn newest(said: String, known: &str) -> String {
    if said.is_empty() { known.to_owned() } else { said }
}

/// What the agent says now, and what users have added since it registered first.
fn with_custom_attributes(known: &ContainerInstance, given: &[Pair]) -> Vec<Pair> {
    let is_given = |name: &str| given.iter().any(|it| it.name == name);
    let added = known.custom_attributes().filter(|it| !is_given(&it.name));
    given.iter().chain(added).cloned().collect()
}

/// What `UpdateContainerInstancesState` may wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Takes tasks.
    Active,
    /// Takes no new tasks; services replace theirs elsewhere.
    Draining,
}

/// Why the state of a container instance is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRefusal {
    /// There is none.
    Missing,
    /// It has been deregistered.
    Inactive,
}

impl StateRefusal {
    /// The reason in `failures[]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// For each instance that was named, what became of it.
pub type StateChanges = Vec<(ContainerInstanceArn, Result<Arc<ContainerInstance>, StateRefusal>)>;

/// `UpdateContainerInstancesState`: each by itself. Tasks that run there are the business of their services.
///
/// # Errors
/// None: each refusal is in the answer.
pub fn update_container_instances_state(
    tx: &mut Tx<'_>,
    arns: &[ContainerInstanceArn],
    wish: Availability,
) -> Result<StateChanges, Infallible> {
    let changes = arns.iter().map(|arn| (arn.clone(), set_state(tx, arn, wish)));
    Ok(changes.collect())
}

fn set_state(
    tx: &mut Tx<'_>,
    arn: &ContainerInstanceArn,
    wish: Availability,
) -> Result<Arc<ContainerInstance>, StateRefusal> {
    let known = tx.get::<ContainerInstance>(arn).ok_or(StateRefusal::Missing)?;
    let status = match wish {
        Availability::Active => ContainerInstanceStatus::Active,
        Availability::Draining => ContainerInstanceStatus::Draining,
    };
    if known.status == ContainerInstanceStatus::Inactive {
        return Err(StateRefusal::Inactive);
    }
    if known.status == status {
        return Ok(known);
    }
    let instance = ContainerInstance {
        status,
        version: known.version + 1,
        ..(*known).clone()
    };
    tx.put(instance.clone());
    Ok(Arc::new(instance))
}

/// `DeregisterContainerInstance`. Its host takes no more tasks; its agent is told to stop those it has.
///
/// # Errors
/// There is none, or it has tasks and is not forced.
pub fn deregister_container_instance(
    tx: &mut Tx<'_>,
    arn: &ContainerInstanceArn,
    how: Deregistration,
) -> Result<Arc<ContainerInstance>, ContainerInstanceRefusal> {
    let known = tx
        .get::<ContainerInstance>(arn)
        .filter(|it| it.status != ContainerInstanceStatus::Inactive);
    let known = known.ok_or(ContainerInstanceRefusal::NotFound)?;
    let tasks: Vec<_> = tx
        .state()
        .tasks_of_host(&known.host_id)
        .map(|it| it.arn.clone())
        .collect();
    if !tasks.is_empty() && how == Deregistration::WhenEmpty {
        return Err(ContainerInstanceRefusal::HasTasks);
    }
    let reason = "Container instance deregistration forced by user";
    for task in tasks {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: reason.to_owned(),
        };
        // It has just been found.
        let _ = stop_task(tx, &task, stop);
    }
    if let Some(host) = tx.get::<Host>(&known.host_id) {
        // Its number is another's next.
        tx.put(Host {
            is_fargate_capacity: false,
            number: 0,
            address: None,
            ..(*host).clone()
        });
    }
    let instance = ContainerInstance {
        status: ContainerInstanceStatus::Inactive,
        version: known.version + 1,
        ..(*known).clone()
    };
    tx.put(instance.clone());
    Ok(Arc::new(instance))
}

/// Notes an edge of an agent's session: it decides whether tasks are placed there.
///
/// # Errors
/// There is no such container instance.
pub fn connect_host(
    tx: &mut Tx<'_>,
    arn: &ContainerInstanceArn,
    connection: Connection,
    agent_version: &str,
    docker_version: &str,
) -> Result<(), ContainerInstanceRefusal> {
    let instance = tx
        .get::<ContainerInstance>(arn)
        .ok_or(ContainerInstanceRefusal::NotFound)?;
    let host = tx
        .get::<Host>(&instance.host_id)
        .ok_or(ContainerInstanceRefusal::NotFound)?;
    tx.put(Host {
        is_connected: connection == Connection::Connected,
        ..(*host).clone()
    });
    if connection == Connection::Connected {
        tx.put(ContainerInstance {
            agent_version: newest(agent_version.to_owned(), &instance.agent_version),
            docker_version: newest(docker_version.to_owned(), &instance.docker_version),
            ..(*instance).clone()
        });
    }
    Ok(())
}
