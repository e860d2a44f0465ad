//! Which services a change may concern.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::cluster::Cluster;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::Host;
use domain::listener_rule::ListenerRule;
use domain::service::{Service, ServiceStatus};
use domain::service_scheduling::AvailabilityZoneRebalancing;
use domain::task::{Task, TaskStatus};
use domain::{ClusterArn, ServiceArn, TargetGroupArn};
use store::{Change, Changed, State};

use super::hook_tasks;

/// Services to look at after a change.
pub fn services(state: &State, change: &Change) -> Vec<ServiceArn> {
    match change {
        Change::Service(it) => vec![it.current().arn.clone()],
        Change::Task(it) => of_task(state, it),
        Change::ContainerInstance(it) => of_container_instance(state, it),
        Change::Host(it) => of_host(state, it),
        Change::Cluster(it) => of_cluster(state, it),
        Change::ListenerRule(it) => of_rule(state, it),
        _ => Vec::new(),
    }
}

/// Its own, or the one that it is a lifecycle hook of; once it has stopped on a DRAINING container instance, also the daemons that waited for that.
fn of_task(state: &State, change: &Changed<Task>) -> Vec<ServiceArn> {
    let task = change.current();
    let own = task.service.clone().or_else(|| hook_tasks::service_of(task));
    let mut services: Vec<ServiceArn> = own.into_iter().collect();
    let has_stopped = task.last_status == TaskStatus::Stopped
        && change
            .before
            .as_ref()
            .is_some_and(|it| it.last_status != TaskStatus::Stopped);
    if has_stopped {
        let instances = state.container_instances_of_host(&task.host_id);
        let draining = instances.filter(|it| it.status == ContainerInstanceStatus::Draining);
        services.extend(draining.flat_map(|it| daemons(state, &it.arn.cluster())));
    }
    services
}

/// Those with tasks there, if it takes tasks now and did not, or the other way round; and the daemons.
fn of_container_instance(state: &State, change: &Changed<ContainerInstance>) -> Vec<ServiceArn> {
    let status = |side: &Option<Arc<ContainerInstance>>| side.as_ref().map(|it| it.status);
    let attributes = |side: &Option<Arc<ContainerInstance>>| side.as_ref().map(|it| it.attributes.clone());
    let instance = change.current();
    let is_other_status = status(&change.before) != status(&change.after);
    if !is_other_status && attributes(&change.before) == attributes(&change.after) {
        return Vec::new();
    }
    let mut services: BTreeSet<ServiceArn> = daemons(state, &instance.arn.cluster()).collect();
    if is_other_status {
        let tasks = state.tasks_of_container_instance(&instance.arn);
        services.extend(tasks.filter_map(|it| it.service.clone()));
        services.extend(movable(state, &instance.arn.cluster()));
    }
    services.into_iter().collect()
}

/// The daemons, once its agent has come or gone; if it has come and is empty, also services whose tasks may move there.
fn of_host(state: &State, change: &Changed<Host>) -> Vec<ServiceArn> {
    let is_connected = |side: &Option<Arc<Host>>| side.as_ref().is_some_and(|it| it.is_connected);
    if is_connected(&change.before) == is_connected(&change.after) {
        return Vec::new();
    }
    let host = change.current();
    let is_empty = host.is_connected && host.task_count == 0;
    let mut services = BTreeSet::new();
    for instance in state.container_instances_of_host(&host.id) {
        let cluster = instance.arn.cluster();
        services.extend(daemons(state, &cluster));
        if is_empty {
            services.extend(movable(state, &cluster));
        }
    }
    services.into_iter().collect()
}

/// All that may move tasks, once it is set so.
fn of_cluster(state: &State, change: &Changed<Cluster>) -> Vec<ServiceArn> {
    let is_on = |side: &Option<Arc<Cluster>>| side.as_ref().is_some_and(|it| it.rebalances_instances());
    if is_on(&change.before) == is_on(&change.after) {
        return Vec::new();
    }
    movable(state, &change.current().arn)
}

/// Services whose tasks move to be balanced.
fn movable(state: &State, cluster: &ClusterArn) -> Vec<ServiceArn> {
    let is_on = state
        .get::<Cluster>(cluster)
        .is_some_and(|it| it.rebalances_instances());
    let services = state.services_of_cluster(cluster);
    let movable = services.filter(|it| {
        let over_zones = it.availability_zone_rebalancing == AvailabilityZoneRebalancing::Enabled;
        it.status == ServiceStatus::Active && (is_on || over_zones)
    });
    movable.map(|it| it.arn.clone()).collect()
}

/// Those in stages with tasks in the groups that it forwards or forwarded to, once it does something else: their traffic
/// may have lost its way.
fn of_rule(state: &State, change: &Changed<ListenerRule>) -> Vec<ServiceArn> {
    let action = |side: &Option<Arc<ListenerRule>>| side.as_ref().map(|it| it.action.clone());
    let (before, after) = (action(&change.before), action(&change.after));
    if before.is_none() || before == after {
        return Vec::new();
    }
    let actions = [before, after].into_iter().flatten();
    let groups: BTreeSet<TargetGroupArn> = actions
        .flat_map(|it| it.target_groups().cloned().collect::<Vec<_>>())
        .collect();
    let targets = groups.iter().flat_map(|it| state.targets_of(it));
    let tasks = targets.filter_map(|it| state.get::<Task>(it.task.as_ref()?));
    let services: BTreeSet<ServiceArn> = tasks.filter_map(|it| it.service.clone()).collect();
    let is_in_stages = |it: &ServiceArn| state.get::<Service>(it).is_some_and(|it| it.lifecycle.is_some());
    services.into_iter().filter(is_in_stages).collect()
}

fn daemons<'a>(state: &'a State, cluster: &ClusterArn) -> impl Iterator<Item = ServiceArn> + use<'a> {
    state.daemon_services(cluster).map(|it| it.arn.clone())
}
