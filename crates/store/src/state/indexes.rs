//! Everything that is found by other means than a key. A pure function of the records: order does not matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::file_system::MountTarget;
use domain::host::Host;
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition};
use domain::{ClusterArn, ContainerInstanceArn, Scope, ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};

use super::addresses::Addresses;
use super::group::Group;
use super::load_balancing::LoadBalancingIndexes;
use super::registry::RegistryIndexes;
use super::tally::{Column, Tallies};

/// The indexes of a [`super::State`]; read through its methods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Indexes {
    pub(super) tasks_by_service: Group<ServiceArn, Task>,
    /// Without STOPPED tasks.
    pub(super) tasks_by_host: Group<String, Task>,
    pub(super) tasks_by_container_instance: Group<ContainerInstanceArn, Task>,
    /// Tasks that one RunTask with a client token started.
    pub(super) tasks_by_client_token: Group<(ClusterArn, String), Task>,
    pub(super) stopped_tasks: BTreeMap<(Timestamp, TaskArn), Arc<Task>>,
    /// By service and deployment.
    pub(super) service_tallies: Tallies<(ServiceArn, String)>,
    pub(super) cluster_tallies: Tallies<(ClusterArn, LaunchType)>,
    pub(super) container_instance_tallies: Tallies<ContainerInstanceArn>,
    pub(super) task_definition_tallies: Tallies<TaskDefinitionArn>,
    pub(super) addresses: Addresses,
    pub(super) container_instances_by_host: Group<String, ContainerInstance>,
    pub(super) draining_container_instances: Group<ClusterArn, ContainerInstance>,
    /// Those with the DAEMON strategy that are not INACTIVE.
    pub(super) daemon_services: Group<ClusterArn, Service>,
    pub(super) hosts_by_account: Group<String, Host>,
    /// By account and availability zone: how many hosts. None is 0.
    pub(super) host_zones: BTreeMap<(String, String), usize>,
    /// By family and number; the order of ARNs would put revision 10 before 2.
    pub(super) revisions: BTreeMap<(Scope, String), BTreeMap<u32, Arc<TaskDefinition>>>,
    pub(crate) registry: RegistryIndexes,
    pub(super) load_balancing: LoadBalancingIndexes,
}

impl Indexes {
    pub(crate) fn task(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let by_service = |it: Option<&Arc<Task>>| it.and_then(|task| task.service.clone());
        self.tasks_by_service
            .update(by_service(before).zip(before), by_service(after).zip(after));
        let by_host =
            |it: Option<&Arc<Task>>| it.filter(|task| is_live(task)).map(|task| task.host_id.clone());
        self.tasks_by_host
            .update(by_host(before).zip(before), by_host(after).zip(after));
        let by_instance = |it: Option<&Arc<Task>>| it.and_then(|task| task.container_instance.clone());
        self.tasks_by_container_instance
            .update(by_instance(before).zip(before), by_instance(after).zip(after));
        let by_token = |it: Option<&Arc<Task>>| {
            it.and_then(|task| {
                let token = task.client_request.as_ref()?.token.clone();
                Some((task.cluster(), token))
            })
        };
        self.tasks_by_client_token
            .update(by_token(before).zip(before), by_token(after).zip(after));
        if let Some(task) = before.filter(|task| !is_live(task)) {
            self.stopped_tasks.remove(&(stopped_at(task), task.arn.clone()));
        }
        if let Some(task) = after.filter(|task| !is_live(task)) {
            self.stopped_tasks
                .insert((stopped_at(task), task.arn.clone()), Arc::clone(task));
        }
        self.tally_task(before, after);
        if let Some(eni) = before
            .filter(|task| is_live(task))
            .and_then(|task| task.eni.as_ref())
        {
            self.addresses.give_back(&eni.subnet_id, eni.address);
        }
        if let Some(eni) = after
            .filter(|task| is_live(task))
            .and_then(|task| task.eni.as_ref())
        {
            self.addresses.take(&eni.subnet_id, eni.address);
        }
    }

    fn tally_task(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let in_service = |task: &Arc<Task>| {
            let service = task.service.clone()?;
            let deployment = task.started_by.clone().unwrap_or_default();
            Some(((service, deployment), Column::by_wish(task)?))
        };
        self.service_tallies
            .update(before.and_then(in_service), after.and_then(in_service));
        let in_cluster =
            |task: &Arc<Task>| Some(((task.cluster(), task.launch_type), Column::by_last_status(task)?));
        self.cluster_tallies
            .update(before.and_then(in_cluster), after.and_then(in_cluster));
        let on_instance =
            |task: &Arc<Task>| Some((task.container_instance.clone()?, Column::by_last_status(task)?));
        self.container_instance_tallies
            .update(before.and_then(on_instance), after.and_then(on_instance));
        let of_definition =
            |task: &Arc<Task>| Some((task.task_definition.clone(), Column::by_last_status(task)?));
        self.task_definition_tallies
            .update(before.and_then(of_definition), after.and_then(of_definition));
    }

    pub(crate) fn task_definition(
        &mut self,
        before: Option<&Arc<TaskDefinition>>,
        after: Option<&Arc<TaskDefinition>>,
    ) {
        let family = |it: &TaskDefinition| (it.arn.scope(), it.family.clone());
        if let Some(old) = before {
            let family = family(old);
            if let Some(revisions) = self.revisions.get_mut(&family) {
                revisions.remove(&old.revision);
                if revisions.is_empty() {
                    self.revisions.remove(&family);
                }
            }
        }
        if let Some(new) = after {
            self.revisions
                .entry(family(new))
                .or_default()
                .insert(new.revision, Arc::clone(new));
        }
    }

    pub(crate) fn container_instance(
        &mut self,
        before: Option<&Arc<ContainerInstance>>,
        after: Option<&Arc<ContainerInstance>>,
    ) {
        let by_host = |it: Option<&Arc<ContainerInstance>>| it.map(|instance| instance.host_id.clone());
        self.container_instances_by_host
            .update(by_host(before).zip(before), by_host(after).zip(after));
        let draining = |it: Option<&Arc<ContainerInstance>>| {
            it.filter(|instance| instance.status == ContainerInstanceStatus::Draining)
                .map(|instance| instance.arn.cluster())
        };
        self.draining_container_instances
            .update(draining(before).zip(before), draining(after).zip(after));
    }

    pub(crate) fn service(&mut self, before: Option<&Arc<Service>>, after: Option<&Arc<Service>>) {
        let daemons = |it: Option<&Arc<Service>>| {
            let is_daemon = |it: &&Arc<Service>| it.scheduling_strategy == SchedulingStrategy::Daemon;
            it.filter(is_daemon)
                .filter(|it| it.status != ServiceStatus::Inactive)
                .map(|it| it.cluster.clone())
        };
        self.daemon_services
            .update(daemons(before).zip(before), daemons(after).zip(after));
    }

    /// Its address is as taken as that of a task.
    pub(crate) fn mount_target(
        &mut self,
        before: Option<&Arc<MountTarget>>,
        after: Option<&Arc<MountTarget>>,
    ) {
        if let Some(it) = before {
            self.addresses.give_back(&it.subnet_id, it.address);
        }
        if let Some(it) = after {
            self.addresses.take(&it.subnet_id, it.address);
        }
    }

    pub(crate) fn host(&mut self, before: Option<&Arc<Host>>, after: Option<&Arc<Host>>) {
        let by_account = |it: Option<&Arc<Host>>| it.map(|host| host.account.clone());
        self.hosts_by_account
            .update(by_account(before).zip(before), by_account(after).zip(after));
        let zone = |it: &Arc<Host>| (it.account.clone(), it.availability_zone.clone());
        let (before, after) = (before.map(zone), after.map(zone));
        if before == after {
            return;
        }
        if let Some(zone) = after {
            *self.host_zones.entry(zone).or_default() += 1;
        }
        if let Some(zone) = before
            && let Some(count) = self.host_zones.get_mut(&zone)
        {
            *count -= 1;
            if *count == 0 {
                self.host_zones.remove(&zone);
            }
        }
    }
}

fn is_live(task: &Task) -> bool {
    task.last_status != TaskStatus::Stopped
}

fn stopped_at(task: &Task) -> Timestamp {
    task.times.stopped_at.unwrap_or(task.times.created_at)
}
