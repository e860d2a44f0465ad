//! Everything that is found by other means than a key. A pure function of the records: order does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::elastic_address::{AddressHolder, ElasticAddress};
use domain::file_system::MountTarget;
use domain::host::Host;
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use domain::task_definition::{LaunchType, TaskDefinition};
use domain::{ClusterArn, ContainerInstanceArn, Scope, TaskArn, TaskDefinitionArn, Timestamp};

use super::addresses::{Addresses, PublicAddresses};
use super::cloud_map::CloudMapIndexes;
use super::code_deploy::ActiveDeployments;
use super::group::Group;
use super::interfaces::TaskInterfaces;
use super::load_balancing::LoadBalancingIndexes;
use super::registry::RegistryIndexes;
use super::service_tasks::ServiceTasks;
use super::sites::Sites;
use super::tally::{Column, Tallies};

/// The indexes of a [`super::State`]; read through its methods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Indexes {
    pub(super) service_tasks: ServiceTasks,
    /// Without STOPPED tasks.
    pub(super) tasks_by_host: Group<String, Task>,
    pub(super) tasks_by_container_instance: Group<ContainerInstanceArn, Task>,
    /// Tasks that one RunTask with a client token started.
    pub(super) tasks_by_client_token: Group<(ClusterArn, String), Task>,
    pub(super) stopped_tasks: BTreeSet<(Timestamp, TaskArn)>,
    pub(super) cluster_tallies: Tallies<(ClusterArn, LaunchType)>,
    pub(super) container_instance_tallies: Tallies<ContainerInstanceArn>,
    pub(super) task_definition_tallies: Tallies<TaskDefinitionArn>,
    pub(super) addresses: Addresses,
    pub(super) public_addresses: PublicAddresses,
    pub(super) task_interfaces: TaskInterfaces,
    pub(super) sites: Sites,
    /// Tasks that may wait for a place or be tried again.
    pub(super) queued_tasks: BTreeSet<TaskArn>,
    pub(super) draining_container_instances: Group<ClusterArn, ContainerInstance>,
    /// Those with the DAEMON strategy that are not INACTIVE.
    pub(super) daemon_services: Group<ClusterArn, Service>,
    /// Those that somebody has, by the id of the network interface.
    pub(super) elastic_addresses_by_interface: Group<String, ElasticAddress>,
    pub(super) hosts_by_account: Group<String, Host>,
    /// By account and availability zone: how many hosts. None is 0.
    pub(super) host_zones: BTreeMap<(String, String), usize>,
    /// By family and number; the order of ARNs would put revision 10 before 2.
    pub(super) revisions: BTreeMap<(Scope, String), BTreeMap<u32, Arc<TaskDefinition>>>,
    pub(crate) registry: RegistryIndexes,
    pub(super) load_balancing: LoadBalancingIndexes,
    pub(super) active_code_deploy_deployments: ActiveDeployments,
    pub(super) cloud_map: CloudMapIndexes,
}

impl Indexes {
    pub(crate) fn task(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        self.service_tasks.update(before, after);
        let (live_before, live_after) = (before.filter(|it| is_live(it)), after.filter(|it| is_live(it)));
        self.tasks_by_host.update(
            live_before.map(|it| (&it.host_id, &**it)),
            live_after.map(|it| (&it.host_id, &**it)),
        );
        self.tasks_by_container_instance.update(
            before.and_then(|it| Some((it.container_instance.as_ref()?, &**it))),
            after.and_then(|it| Some((it.container_instance.as_ref()?, &**it))),
        );
        let (old_token, new_token) = (client_token(before), client_token(after));
        self.tasks_by_client_token.update(
            old_token.as_ref().zip(before.map(|it| &**it)),
            new_token.as_ref().zip(after.map(|it| &**it)),
        );
        if let Some(task) = before.filter(|task| !is_live(task)) {
            self.stopped_tasks.remove(&(stopped_at(task), task.arn.clone()));
        }
        if let Some(task) = after.filter(|task| !is_live(task)) {
            self.stopped_tasks.insert((stopped_at(task), task.arn.clone()));
        }
        if let Some(task) = before.filter(|it| it.queued.is_some()) {
            self.queued_tasks.remove(&task.arn);
        }
        if let Some(task) = after.filter(|it| it.queued.is_some()) {
            self.queued_tasks.insert(task.arn.clone());
        }
        self.tally_task(before, after);
        self.task_interfaces.update(live_before, live_after);
        self.task_addresses(
            live_before.and_then(|task| task.eni.as_deref()),
            live_after.and_then(|task| task.eni.as_deref()),
        );
    }

    fn tally_task(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let column = |it: &Arc<Task>| Column::by_last_status(it);
        let is_same = |(old, new): (&Arc<Task>, &Arc<Task>)| {
            column(old) == column(new)
                && old.container_instance == new.container_instance
                && old.task_definition == new.task_definition
                && old.launch_type == new.launch_type
        };
        if before.zip(after).is_some_and(is_same) {
            return;
        }
        let in_cluster = |task: &Arc<Task>| Some(((task.cluster(), task.launch_type), column(task)?));
        self.cluster_tallies
            .update(before.and_then(in_cluster), after.and_then(in_cluster));
        let on_instance = |task: &Arc<Task>| Some((task.container_instance.clone()?, column(task)?));
        self.container_instance_tallies
            .update(before.and_then(on_instance), after.and_then(on_instance));
        let of_definition = |task: &Arc<Task>| Some((task.task_definition.clone(), column(task)?));
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
        self.sites.container_instance(before, after);
        let draining = |it: Option<&Arc<ContainerInstance>>| {
            it.filter(|instance| instance.status == ContainerInstanceStatus::Draining)
                .map(|instance| instance.arn.cluster())
        };
        let (old, new) = (draining(before), draining(after));
        self.draining_container_instances.update(
            old.as_ref().zip(before.map(|it| &**it)),
            new.as_ref().zip(after.map(|it| &**it)),
        );
    }

    pub(crate) fn service(&mut self, before: Option<&Arc<Service>>, after: Option<&Arc<Service>>) {
        let is_meant = |it: &&Service| {
            it.scheduling_strategy == SchedulingStrategy::Daemon && it.status != ServiceStatus::Inactive
        };
        let before = before.map(|it| &**it).filter(is_meant);
        let after = after.map(|it| &**it).filter(is_meant);
        self.daemon_services.update(
            before.map(|it| (&it.cluster, it)),
            after.map(|it| (&it.cluster, it)),
        );
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

    pub(crate) fn elastic_address(
        &mut self,
        before: Option<&Arc<ElasticAddress>>,
        after: Option<&Arc<ElasticAddress>>,
    ) {
        self.elastic_addresses_by_interface
            .update(with_interface(before), with_interface(after));
        self.public_addresses.elastic(before, after);
    }

    pub(crate) fn host(&mut self, before: Option<&Arc<Host>>, after: Option<&Arc<Host>>) {
        self.sites.host(before, after);
        self.hosts_by_account.update(
            before.map(|it| (&it.account, &**it)),
            after.map(|it| (&it.account, &**it)),
        );
        let place = |it: &'_ Arc<Host>| (it.account.clone(), it.availability_zone.clone());
        let is_same = |(old, new): (&Arc<Host>, &Arc<Host>)| {
            old.account == new.account && old.availability_zone == new.availability_zone
        };
        if before.zip(after).is_some_and(is_same) {
            return;
        }
        let (before, after) = (before.map(place), after.map(place));
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

fn client_token(task: Option<&Arc<Task>>) -> Option<(ClusterArn, String)> {
    let task = task?;
    let token = task.client_request.as_ref()?.token.clone();
    Some((task.cluster(), token))
}

fn stopped_at(task: &Task) -> Timestamp {
    task.times.stopped_at.unwrap_or(task.times.created_at)
}

fn with_interface(it: Option<&Arc<ElasticAddress>>) -> Option<(&String, &ElasticAddress)> {
    match &it?.association.as_ref()?.holder {
        AddressHolder::NetworkInterface(id) => Some((id, it?)),
        AddressHolder::NatGateway(_) => None,
    }
}
