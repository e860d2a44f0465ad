//! Liveness: once nothing goes wrong any more, every service gets where it shall be or has a reason not to, and
//! once all services are deleted, nothing is left.

use domain::container_instance::ContainerInstanceStatus;
use domain::host::{Host, Resources, Shortage};
use domain::service::{Rollout, Service, ServiceStatus};
use domain::task::TaskStatus;
use domain::task_definition::{NetworkMode, TaskDefinition};

use crate::behaviour::Behaviour;
use crate::machine::Machine;
use crate::oracle::{Replica, fewest, most};

/// Services that are not yet where they shall be, without a reason; in words.
pub fn unsettled(seen: &Replica) -> Vec<String> {
    let mut unsettled = Vec::new();
    for service in seen.services.values() {
        let name = service.arn.name();
        match service.status {
            ServiceStatus::Active => {
                if let Some(why) = why_unsteady(service, seen) {
                    unsettled.push(format!("service {name}: {why}"));
                }
            }
            ServiceStatus::Draining => unsettled.push(format!("service {name} is still DRAINING")),
            ServiceStatus::Inactive => {}
        }
    }
    unsettled
}

fn why_unsteady(service: &Service, seen: &Replica) -> Option<String> {
    let primary = service.deployments.first()?;
    let open = seen
        .tasks_of(&service.arn)
        .filter(|it| it.last_status != TaskStatus::Stopped);
    let open: Vec<_> = open.collect();
    let of_primary = open
        .iter()
        .filter(|it| it.started_by.as_ref() == Some(&primary.id));
    let running = of_primary
        .filter(|it| it.last_status == TaskStatus::Running)
        .count();
    let is_steady = running == service.desired_count as usize
        && open.len() == running
        && service.deployments.len() == 1
        && primary.rollout != Rollout::InProgress;
    if is_steady || is_excused(service, seen) {
        return None;
    }
    Some(format!(
        "{running} of {} tasks run, {} others, {} deployments, PRIMARY {:?}",
        service.desired_count,
        open.len() - running,
        service.deployments.len(),
        primary.rollout
    ))
}

/// The reasons that count: its bounds let nothing move, there is no room, its tasks cannot get healthy, or it was
/// given up.
fn is_excused(service: &Service, seen: &Replica) -> bool {
    let Some(primary) = service.deployments.first() else {
        return false;
    };
    let Some(definition) = seen.definitions.get(&primary.task_definition) else {
        return false;
    };
    let (bounds, desired) = (service.deployment_configuration, service.desired_count);
    let breaker = bounds.circuit_breaker;
    let has_no_leeway = most(bounds, desired) == desired && fewest(bounds, desired) == desired;
    if has_no_leeway && service.announced_refusal.is_some() {
        return true;
    }
    if service.announced_refusal.is_some() && !has_room(service, definition, seen) {
        return true;
    }
    let is_hopeless = definition
        .containers
        .iter()
        .any(|it| Behaviour::of_image(&it.image).is_hopeless());
    match primary.rollout {
        Rollout::Failed => true,
        // With a breaker it has to be given up in the end.
        Rollout::InProgress if is_hopeless => !breaker.enable,
        Rollout::Completed if is_hopeless => true,
        _ => false,
    }
}

/// Whether some host would take one more task of a service, as far as its ledger goes.
fn has_room(service: &Service, definition: &TaskDefinition, seen: &Replica) -> bool {
    let wanted = Resources {
        cpu: definition.containers.iter().map(|it| it.cpu).sum(),
        memory: definition.containers.iter().map(|it| it.reserved_memory()).sum(),
        ports: definition.host_ports().into_iter().collect(),
        gpus: 0,
    };
    // One task on each, and a few addresses for all: beyond what ledgers tell.
    if !service.placement_constraints.is_empty() || definition.network_mode == Some(NetworkMode::Awsvpc) {
        return false;
    }
    let fits = |host: &Host| host.shortages(&wanted) == Vec::<Shortage>::new();
    let mut hosts = seen.hosts.values().filter(|it| it.is_connected && fits(it));
    hosts.any(|host| {
        let mut instances = seen.instances.values().filter(|it| it.host_id == host.id);
        instances.any(|it| it.status == ContainerInstanceStatus::Active)
    })
}

/// What is left of services and tasks that should all be gone; in words.
pub fn leaks(seen: &Replica, machines: &[Machine]) -> Vec<String> {
    let mut leaks = Vec::new();
    for task in seen
        .tasks
        .values()
        .filter(|it| it.last_status != TaskStatus::Stopped)
    {
        leaks.push(format!(
            "task {} is {}",
            task.arn.name(),
            task.last_status.as_str()
        ));
    }
    for service in seen
        .services
        .values()
        .filter(|it| it.status != ServiceStatus::Inactive)
    {
        leaks.push(format!(
            "service {} is {}",
            service.arn.name(),
            service.status.as_str()
        ));
    }
    for host in seen.hosts.values() {
        if host.promised != Resources::default() || host.task_count != 0 {
            leaks.push(format!("host {} still promises {:?}", host.id, host.promised));
        }
    }
    for deployment in seen.deployments.values().filter(|it| it.is_under_way()) {
        leaks.push(format!(
            "service deployment {} is under way",
            deployment.arn.name()
        ));
    }
    for machine in machines.iter().filter(|it| !it.tasks.is_empty()) {
        leaks.push(format!(
            "{} still holds {} tasks",
            machine.name,
            machine.tasks.len()
        ));
    }
    leaks
}
