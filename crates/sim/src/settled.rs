//! Liveness: once nothing goes wrong any more, every service gets where it shall be or has a reason not to, and
//! once all services are deleted, nothing is left.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::container_instance::ContainerInstanceStatus;
use domain::deployment_lifecycle::LifecycleStage;
use domain::host::{Host, Resources, Shortage};
use domain::service::{Deployment, DeploymentController, Rollout, Service, ServiceStatus};
use domain::service_scheduling::SchedulingStrategy;
use domain::task::{Task, TaskStatus};
use domain::task_definition::{NetworkMode, TaskDefinition};
use domain::task_set::TaskSetStatus;
use orchestrator::transitions::NO_HOST;

use crate::behaviour::Behaviour;
use crate::machine::Machine;
use crate::oracle::{Replica, computed, fewest, is_served, is_wanted, most};

/// A task that waits is stopped so soon after its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Services and tasks that are not yet where they shall be, without a reason; in words.
pub fn unsettled(seen: &Replica, now: Timestamp) -> Vec<String> {
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
    let waits = seen
        .tasks_on(NO_HOST)
        .filter_map(|it| Some((it, it.queued.as_ref()?)));
    for (task, _) in waits.filter(|(_, queued)| queued.until + PATIENCE < now) {
        unsettled.push(format!("task {} waits beyond its time", task.arn.name()));
    }
    unsettled
}

fn why_unsteady(service: &Service, seen: &Replica) -> Option<String> {
    let open = seen
        .tasks_of(&service.arn)
        .filter(|it| it.last_status != TaskStatus::Stopped);
    let open: Vec<_> = open.collect();
    if service.deployment_controller == DeploymentController::External {
        return why_uneven(service, &open, seen);
    }
    let primary = service.deployments.first()?;
    let is_daemon = service.scheduling_strategy == SchedulingStrategy::Daemon;
    // Daemons go last from what is DRAINING.
    let counted = open.iter().filter(|it| !is_daemon || !seen.is_on_draining(it));
    let counted: Vec<_> = counted.collect();
    let good = counted.iter().filter(|it| {
        it.started_by.as_ref() == Some(&primary.id)
            && it.last_status == TaskStatus::Running
            && !seen.is_leaving(it)
            && is_served(it)
    });
    let (good, wanted) = (good.count(), wanted(service, seen));
    let is_steady = good == wanted
        && counted.len() == good
        && service.deployments.len() == 1
        && service.balance.moving.is_none()
        && primary.rollout != Rollout::InProgress;
    if is_steady || is_excused(service, seen) {
        return None;
    }
    Some(format!(
        "{good} of {wanted} tasks run well, {} others, {} deployments, PRIMARY {:?}",
        counted.len() - good,
        service.deployments.len(),
        primary.rollout
    ))
}

/// A daemon has as many tasks as container instances take tasks. One that was registered twice has a record that nobody
/// connects to.
fn wanted(service: &Service, seen: &Replica) -> usize {
    match service.scheduling_strategy {
        SchedulingStrategy::Replica => service.desired_count as usize,
        SchedulingStrategy::Daemon => seen
            .instances
            .values()
            .filter(|it| it.status == ContainerInstanceStatus::Active)
            .filter(|it| seen.hosts.get(&it.host_id).is_some_and(|it| it.is_connected))
            .count(),
    }
}

/// Of a service with task sets: each has its share, and nothing else is left.
fn why_uneven(service: &Service, open: &[&Arc<Task>], seen: &Replica) -> Option<String> {
    let (mut left, bounds) = (open.len(), service.deployment_configuration);
    for set in &service.task_sets {
        let mine = open.iter().filter(|it| it.started_by.as_ref() == Some(&set.id));
        let mine: Vec<_> = mine.collect();
        left -= mine.len();
        let is_good = |it: &&&&Arc<Task>| it.last_status == TaskStatus::Running && !seen.is_leaving(it);
        let (good, wanted) = (
            mine.iter().filter(is_good).count(),
            computed(set, service.desired_count),
        );
        let is_steady =
            set.status != TaskSetStatus::Draining && good == wanted as usize && mine.len() == good;
        if is_steady {
            continue;
        }
        let definition = seen.definitions.get(&set.task_definition)?;
        let is_full = set.announced_refusal.is_some() && !has_room(service, definition, seen);
        let has_no_leeway = most(bounds, wanted) == wanted
            && fewest(bounds, wanted) == wanted
            && mine.iter().any(|it| seen.is_on_draining(it));
        if !is_full && !is_hopeless(definition) && !has_no_leeway {
            let status = set.status.as_str();
            return Some(format!(
                "{good} of {wanted} tasks of the {status} {} run well",
                set.id
            ));
        }
    }
    (left > 0).then(|| format!("{left} tasks of no task set"))
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
    let blue = unreconciled(service);
    let is_said =
        service.announced_refusal.is_some() || blue.is_some_and(|it| it.starts.announced_refusal.is_some());
    // Of what stays on a DRAINING container instance nobody says so.
    let stays = || {
        seen.tasks_of(&service.arn)
            .any(|it| is_wanted(it) && seen.is_on_draining(it))
    };
    let is_replica = service.scheduling_strategy == SchedulingStrategy::Replica;
    if has_no_leeway && is_replica && (is_said || stays()) {
        return true;
    }
    if has_no_leeway && is_daemon_stuck(service, seen) {
        return true;
    }
    let blue = blue.and_then(|it| seen.definitions.get(&it.task_definition));
    if blue.is_some_and(|it| is_hopeless(it) || is_said && !has_room(service, it, seen)) {
        return true;
    }
    if is_said && !has_room(service, definition, seen) {
        return true;
    }
    match primary.rollout {
        Rollout::Failed => true,
        // With a breaker it has to be given up in the end.
        Rollout::InProgress if is_hopeless(definition) => !breaker.enable,
        Rollout::Completed if is_hopeless(definition) => true,
        _ => false,
    }
}

fn is_hopeless(definition: &TaskDefinition) -> bool {
    let mut containers = definition.containers.iter();
    containers.any(|it| Behaviour::of_image(&it.image).is_hopeless())
}

/// The deployment that has the traffic while what is of neither has to go first: if it cannot get healthy or finds no
/// place, that stays for the minimum.
fn unreconciled(service: &Service) -> Option<&Deployment> {
    let lifecycle = service.lifecycle.as_ref()?;
    let mut deployments = service.deployments.iter();
    let blue = deployments.find(|it| Some(&it.id) == lifecycle.blue.as_ref());
    blue.filter(|_| lifecycle.stage == LifecycleStage::ReconcileService)
}

/// A daemon is stopped before another takes its place: a minimum of all lets none be replaced, also not that of an earlier
/// deployment on a container instance that was DRAINING.
fn is_daemon_stuck(service: &Service, seen: &Replica) -> bool {
    let primary = service.deployments.first().map(|it| &it.id);
    service.scheduling_strategy == SchedulingStrategy::Daemon
        && seen
            .tasks_of(&service.arn)
            .any(|it| is_wanted(it) && it.started_by.as_ref() != primary)
}

/// Whether some host would take one more task of a service, as far as its ledger goes and what is kept for daemons.
fn has_room(service: &Service, definition: &TaskDefinition, seen: &Replica) -> bool {
    // One task on each, and a few addresses for all: beyond what ledgers tell.
    if !service.placement_constraints.is_empty() || definition.network_mode == Some(NetworkMode::Awsvpc) {
        return false;
    }
    let is_daemon = |it: &Service| it.scheduling_strategy == SchedulingStrategy::Daemon;
    let has_one = |host: &Host, of: &Service| {
        let mut tasks = seen.tasks_on(&host.id);
        tasks.any(|it| it.service.as_ref() == Some(&of.arn))
    };
    let fits = |host: &Host| {
        let mut wanted = needs(definition);
        let daemons = seen.services.values().filter(|it| {
            it.status == ServiceStatus::Active && is_daemon(it) && it.arn != service.arn && !has_one(host, it)
        });
        for daemon in daemons {
            let open = daemon
                .deployments
                .first()
                .filter(|it| it.rollout != Rollout::Failed);
            let definition = open.map(|it| &it.task_definition);
            let kept = definition
                .and_then(|it| seen.definitions.get(it))
                .map(|it| needs(it));
            let kept = kept.unwrap_or_default();
            wanted.cpu += kept.cpu;
            wanted.memory += kept.memory;
            wanted.ports.extend(kept.ports);
        }
        host.shortages(&wanted) == Vec::<Shortage>::new()
    };
    let mut hosts = seen.hosts.values().filter(|it| {
        // Each daemon has a container instance of its own in question.
        it.is_connected && fits(it) && !(is_daemon(service) && has_one(it, service))
    });
    hosts.any(|host| {
        let mut instances = seen.instances.values().filter(|it| it.host_id == host.id);
        instances.any(|it| it.status == ContainerInstanceStatus::Active)
    })
}

fn needs(definition: &TaskDefinition) -> Resources {
    Resources {
        cpu: definition.containers.iter().map(|it| it.cpu).sum(),
        memory: definition.containers.iter().map(|it| it.reserved_memory()).sum(),
        ports: definition.host_ports().into_iter().collect(),
        gpus: 0,
    }
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
    for instance in seen.discovery_instances.keys() {
        leaks.push(format!("instance {instance:?} is still there"));
    }
    for target in seen.targets.keys() {
        leaks.push(format!("target {target:?} is still there"));
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
