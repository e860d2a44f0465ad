//! Room for tasks of DAEMON services that their container instances do not have yet: nothing else gets it, so that
//! daemons come first on a new container instance, as on Amazon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ClusterArn;
use domain::container_instance::ContainerInstanceStatus;
use domain::host::Host;
use domain::service::{Rollout, Service, ServiceStatus};
use domain::task::Overrides;
use domain::task_definition::{LaunchType, TaskDefinition};
use placement::unmet;
use store::State;

use super::eligible::{candidate, standing_rules};
use super::{Joined, RunTasks, Where, platform};
use crate::transitions::reservation::reservation;

/// By the place of a host among these: its ledger, with that room promised. None that owes nothing.
pub fn kept_free(state: &State, run: &RunTasks, hosts: &[Joined<'_>]) -> BTreeMap<usize, Host> {
    let mut ledgers = BTreeMap::new();
    if matches!(run.placed, Where::On(_)) {
        return ledgers;
    }
    let clusters: BTreeSet<ClusterArn> = match run.launch_type {
        LaunchType::Fargate => hosts.iter().map(|(_, it)| it.arn.cluster()).collect(),
        LaunchType::Ec2 | LaunchType::External => BTreeSet::from([run.cluster.clone()]),
    };
    for service in clusters.iter().flat_map(|it| state.daemon_services(it)) {
        if let Some(definition) = wanted_definition(state, service) {
            promise(state, service, definition, hosts, &mut ledgers);
        }
    }
    ledgers
}

/// What its tasks will run, unless it starts none.
fn wanted_definition<'a>(state: &'a State, service: &Service) -> Option<&'a Arc<TaskDefinition>> {
    let primary = service.deployments.first()?;
    let is_open = service.status == ServiceStatus::Active && primary.rollout != Rollout::Failed;
    state.get(&primary.task_definition).filter(|_| is_open)
}

fn promise(
    state: &State,
    service: &Service,
    definition: &TaskDefinition,
    hosts: &[Joined<'_>],
    ledgers: &mut BTreeMap<usize, Host>,
) {
    let has_one: BTreeSet<&str> = state.hosts_of_service(&service.arn).map(|(id, _)| id).collect();
    let constraints = definition.placement_constraints.iter();
    let rules = standing_rules(constraints.chain(&service.placement_constraints));
    let attributes = platform::attributes(definition);
    let room = reservation(definition, &Overrides::default());
    let is_external = service.launch_type == LaunchType::External;
    for (index, (host, instance)) in hosts.iter().enumerate() {
        let is_due = instance.status == ContainerInstanceStatus::Active
            && instance.arn.cluster() == service.cluster
            && instance.is_external == is_external
            && !has_one.contains(host.id.as_str());
        // What a constraint may ask of the tasks there is not looked up: the room is kept only for a moment.
        if is_due && unmet(&candidate(host, hosts[index], None), &attributes, &rules).is_empty() {
            let ledger = ledgers.entry(index).or_insert_with(|| (***host).clone());
            // Where it does not fit, there is nothing to keep.
            let _ = ledger.promise(&room);
        }
    }
}
