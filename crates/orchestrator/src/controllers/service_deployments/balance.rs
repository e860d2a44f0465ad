//! A steady service moves tasks, one after the other and starting before it stops: to be spread over availability zones,
//! and away from crowded container instances.

mod hosts;
mod instances;
mod ongoing;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::container_instance::ContainerInstanceStatus;
use domain::host::Host;
use domain::service::{Rollout, Service, ServiceStatus};
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_scheduling::{AvailabilityZoneRebalancing, Move, MovedFrom};
use domain::task::Task;
use domain::task_definition::LaunchType;
use store::{State, Tx};

use super::part::Part;
use super::start::{Launched, names};
use super::{Next, ServiceDeployments};
use crate::transitions::{Where, eligible, record_action, record_event};
pub use ongoing::follow;
use zones::{ZoneTasks, ZoneWish, told, wish};

impl ServiceDeployments {
    /// Begins the next move, if one is due. The service is steady.
    pub(super) fn rebalance(&self, tx: &mut Tx<'_>, service: &mut Service, part: &Part) -> Next {
        let bounds = service.deployment_configuration;
        let has_room = bounds.upper_bound(part.desired_count) > part.desired_count;
        if !is_at_rest(service) || !has_room {
            return Next::AwaitChange;
        }
        let next = match service.availability_zone_rebalancing {
            AvailabilityZoneRebalancing::Enabled => self.rebalance_zones(tx, service, part),
            AvailabilityZoneRebalancing::Disabled => {
                service.balance.is_uneven = false;
                Next::AwaitChange
            }
        };
        if service.balance.moving.is_none() && !service.balance.is_uneven {
            return next.or(self.rebalance_instances(tx, service, part));
        }
        next
    }

    fn rebalance_zones(&self, tx: &mut Tx<'_>, service: &mut Service, part: &Part) -> Next {
        let (zones, first_end) = tasks_by_zone(tx, service);
        let account = service.arn.scope().account;
        let all: BTreeSet<String> = tx
            .state()
            .availability_zones(&account)
            .map(str::to_owned)
            .collect();
        if !service.balance.is_uneven && wish(&zones, &all) == ZoneWish::Even {
            // So they are in those zones that take tasks, which cost more to find out.
            return Next::AwaitChange;
        }
        let open = open_zones(tx.state(), service, part);
        let wish = wish(&zones, &open);
        let told = told(&zones, &open);
        match (&wish, service.balance.is_uneven) {
            (ZoneWish::Even, true) => {
                let action = ServiceAction::of(ServiceActionName::ServiceRebalancingCompleted);
                record_action(tx, service, &format!("is AZ balanced with {told}."), action);
            }
            (ZoneWish::Move { .. } | ZoneWish::Held(_), false) => {
                let text = format!("is not AZ balanced with {told}. AZ Rebalancing in progress.");
                let action = ServiceAction::of(ServiceActionName::ServiceRebalancingStarted);
                record_action(tx, service, &text, action);
            }
            _ => {}
        }
        service.balance.is_uneven = wish != ZoneWish::Even;
        match wish {
            ZoneWish::Even => {
                service.balance.announced = None;
                Next::AwaitChange
            }
            ZoneWish::Held(protected) => {
                announce_held(tx, service, &part.id, protected);
                first_end.map_or(Next::AwaitChange, Next::After)
            }
            ZoneWish::Move { from, to } => self.start_in_zone(tx, service, part, &from, &to),
        }
    }

    fn start_in_zone(
        &self,
        tx: &mut Tx<'_>,
        service: &mut Service,
        part: &Part,
        from: &str,
        to: &[String],
    ) -> Next {
        for zone in to {
            match self.launch(tx, service, part, 1, Where::InZone(zone.clone())) {
                Launched::Waits(wait) => return Next::After(wait),
                Launched::Started(tasks) if !tasks.is_empty() => {
                    let names = names(&tasks);
                    let text = format!(
                        "has started {} tasks in {zone} to AZ Rebalance: {names}.",
                        tasks.len()
                    );
                    record_event(tx, service, text);
                    begin(service, &tasks, MovedFrom::Zone(from.to_owned()), tx);
                    return Next::AwaitChange;
                }
                Launched::Started(_) | Launched::Refused { .. } => {}
            }
        }
        let zone = to.first().map_or("", String::as_str);
        let text = match part.launch_type {
            LaunchType::Fargate => format!("is unable to place a task in {zone}."),
            LaunchType::Ec2 | LaunchType::External => format!(
                "is unable to place a task in {zone} because no container instance met all of its requirements."
            ),
        };
        announce_once(tx, service, text);
        Next::After(self.rebalance_pause)
    }
}

/// It has a deployment that is complete, and no other.
fn is_at_rest(service: &Service) -> bool {
    let is_complete = |it: &[_]| {
        matches!(
            it,
            [domain::service::Deployment {
                rollout: Rollout::Completed,
                ..
            }]
        )
    };
    service.status == ServiceStatus::Active && is_complete(&service.deployments)
}

/// Notes that a move has begun: the steady state is over.
fn begin(service: &mut Service, started: &[Arc<Task>], from: MovedFrom, tx: &Tx<'_>) {
    service.steady_since = None;
    service.balance.announced = None;
    service.balance.moved_at = Some(tx.now());
    service.balance.moving = started.first().map(|it| Move {
        replacement: it.arn.clone(),
        from,
    });
}

/// Says why nothing moves, until something else is to be said.
fn announce_once(tx: &mut Tx<'_>, service: &mut Service, text: String) {
    if service.balance.announced.as_ref() != Some(&text) {
        record_event(tx, service, text.clone());
        service.balance.announced = Some(text);
    }
}

fn announce_held(tx: &mut Tx<'_>, service: &mut Service, deployment: &str, protected: u32) {
    let text = format!(
        "was unable to AZ Rebalance because (deployment {deployment}) was unable to scale in due to (reason \
         {protected} tasks under protection)."
    );
    announce_once(tx, service, text);
}

/// Container instances on which tasks may be started now, room aside.
fn open_hosts<'a>(state: &'a State, service: &Service, part: &Part) -> Vec<&'a Arc<Host>> {
    let Some(run) = part.run(state, service, 1) else {
        return Vec::new();
    };
    let eligible = eligible(state, &run).into_iter();
    let open = eligible
        .filter(|(host, instance)| host.is_connected && instance.status == ContainerInstanceStatus::Active);
    open.map(|(host, _)| host).collect()
}

fn open_zones(state: &State, service: &Service, part: &Part) -> BTreeSet<String> {
    let hosts = open_hosts(state, service, part);
    hosts.into_iter().map(|it| it.availability_zone.clone()).collect()
}

/// Tasks by the zone of their host, and how long the first protection lasts.
fn tasks_by_zone(tx: &Tx<'_>, service: &Service) -> (BTreeMap<String, ZoneTasks>, Option<Duration>) {
    let (state, now) = (tx.state(), tx.now());
    let of_host = |(id, it): (&'_ str, store::OnHost)| {
        let tasks = it.wanted;
        (id.to_owned(), ZoneTasks { tasks, protected: 0 })
    };
    let hosts = state.hosts_of_service(&service.arn);
    let mut by_host: BTreeMap<String, ZoneTasks> =
        hosts.filter(|(_, it)| it.wanted > 0).map(of_host).collect();
    let mut first_end = None::<Duration>;
    for task in state.protected_tasks_of_service(&service.arn) {
        let Some(until) = task.protection(now) else {
            continue;
        };
        by_host.entry(task.host_id.clone()).or_default().protected += 1;
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        first_end = first_end.into_iter().chain([left]).min();
    }
    let mut zones: BTreeMap<String, ZoneTasks> = BTreeMap::new();
    for (id, counted) in by_host {
        let Some(host) = state.get::<Host>(&id) else {
            continue;
        };
        let zone = zones.entry(host.availability_zone.clone()).or_default();
        zone.tasks += counted.tasks;
        zone.protected += counted.protected;
    }
    (zones, first_end)
}
