//! Tasks of services as targets: registered once they run, deregistered before they stop. Behind a classic load balancer it
//! is their container instances that are registered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::TaskArn;
use domain::container_definition::TransportProtocol;
use domain::container_instance::ContainerInstance;
use domain::listener::Protocol;
use domain::service::Service;
use domain::service_load_balancer::{Behind, TaskTarget, TaskTargetState};
use domain::target::{Target, TargetHealthState, TargetKey};
use domain::target_group::{TargetGroup, TargetType};
use domain::task::{Task, TaskStatus};
use domain::task_definition::{NetworkMode, TaskDefinition};
use store::{State, Tx};

use super::load_balancing::{
    NewTarget, deregister_targets, register_targets, until_drained, until_instance_drained,
};
use super::service_connect;
use super::services::record_event;

mod classic;
#[cfg(test)]
mod tests;

pub(crate) use classic::{changed_tasks, follow_instances};

/// What a task is in a target group, or behind a classic load balancer.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// This.
    Known(NewTarget),
    /// Its agent has not said on which port of the host it listens.
    NotYet,
    /// Nothing, for this reason.
    Never(&'static str),
}

/// Registers running tasks of a service with their target groups. The caller stores the service.
pub fn register_tasks(tx: &mut Tx<'_>, service: &mut Service, tasks: &[TaskArn]) {
    let mut registered: BTreeMap<Behind, Vec<NewTarget>> = BTreeMap::new();
    let mut refused: BTreeMap<(Behind, &'static str), usize> = BTreeMap::new();
    for arn in tasks {
        let Some(known) = tx.get::<Task>(arn).filter(|it| it.is_to_be_registered()) else {
            continue;
        };
        let mut task = Task::clone(&known);
        for target in &mut task.targets {
            if target.state != TaskTargetState::Waiting {
                continue;
            }
            let beside = registered.get(&target.behind).map_or(&[][..], Vec::as_slice);
            match place(tx.state(), &known, target, beside) {
                Place::NotYet => {}
                Place::Never(why) => {
                    target.state = TaskTargetState::Refused;
                    *refused.entry((target.behind.clone(), why)).or_default() += 1;
                }
                Place::Known(new) => {
                    target.state = TaskTargetState::Registered {
                        id: new.id.clone(),
                        port: new.port,
                        health: TargetHealthState::Initial,
                    };
                    registered.entry(target.behind.clone()).or_default().push(new);
                }
            }
        }
        if task != *known {
            tx.put(task);
        }
    }
    for ((behind, why), count) in refused {
        let things = behind.registered_things();
        let message = format!("failed to register {count} {things} in {behind} with (error {why})");
        record_event(tx, service, message);
    }
    for (behind, targets) in registered {
        let (count, things) = (targets.len(), behind.registered_things());
        record_event(tx, service, format!("registered {count} {things} in {behind}"));
        match behind {
            Behind::TargetGroup(group) => register_targets(tx, &group, targets),
            Behind::Classic(name) => classic::register(tx, &name, targets),
        }
    }
}

/// What a task is to become; these others go to the same with it.
fn place(state: &State, task: &Task, target: &TaskTarget, beside: &[NewTarget]) -> Place {
    let group = match &target.behind {
        Behind::TargetGroup(group) => state.get::<TargetGroup>(group),
        Behind::Classic(name) => return classic::place(state, task, (target, name), beside),
    };
    let Some(group) = group else {
        return Place::Never("The target group does not exist.");
    };
    match group.target_type {
        TargetType::Ip => of_address(task, target),
        TargetType::Instance => of_instance(state, task, target),
        TargetType::Alb => {
            Place::Never("Tasks cannot be targets of a target group with the target type alb.")
        }
    }
}

fn of_address(task: &Task, target: &TaskTarget) -> Place {
    let Some(eni) = &task.eni else {
        return Place::Never("The task has no network interface.");
    };
    Place::Known(NewTarget {
        id: eni.address.to_string(),
        port: target.container_port,
        zone: Some(task.availability_zone.clone()),
        address: Some(SocketAddr::new(IpAddr::V4(eni.address), target.container_port)),
        task: Some(task.arn.clone()),
    })
}

fn of_instance(state: &State, task: &Task, target: &TaskTarget) -> Place {
    let instance = task.container_instance.as_ref();
    let Some(instance) = instance.and_then(|it| state.get::<ContainerInstance>(it)) else {
        return Place::Never("The task runs on no container instance.");
    };
    let Some(port) = host_port(state, task, target) else {
        return Place::NotYet;
    };
    Place::Known(NewTarget {
        id: instance.ec2_instance_id.clone(),
        port,
        zone: Some(task.availability_zone.clone()),
        address: None,
        task: Some(task.arn.clone()),
    })
}

/// The port of the host by which a port of a container is reached, as far as its agent has said it.
fn host_port(state: &State, task: &Task, target: &TaskTarget) -> Option<u16> {
    let definition = state.get::<TaskDefinition>(&task.task_definition)?;
    if definition.effective_network_mode() == NetworkMode::Host {
        return Some(target.container_port);
    }
    // The listeners of a classic load balancer lead to the port that is fixed, be there dynamic ones beside it.
    let fixed = match &target.behind {
        Behind::Classic(_) => Some(static_host_port(
            definition,
            &target.container,
            target.container_port,
        )?),
        Behind::TargetGroup(_) => None,
    };
    let wanted = transport(state, &target.behind);
    let container = task.containers.iter().find(|it| it.name == target.container)?;
    let bindings = container.network_bindings.iter();
    let bindings = bindings.filter(|it| wanted.is_none_or(|wanted| it.protocol == wanted));
    let mut ports = bindings.filter_map(|it| {
        let offset = target.container_port.checked_sub(it.container_port)?;
        (offset <= it.following).then(|| it.host_port + offset)
    });
    ports.find(|port| fixed.is_none_or(|fixed| fixed == *port))
}

/// What goes to targets; `None` if it is both.
fn transport(state: &State, behind: &Behind) -> Option<TransportProtocol> {
    let group = behind.target_group().and_then(|it| state.get::<TargetGroup>(it));
    match group.map(|it| it.protocol) {
        Some(Protocol::TcpUdp) => None,
        Some(Protocol::Udp) => Some(TransportProtocol::Udp),
        _ => Some(TransportProtocol::Tcp),
    }
}

/// The port of the host that a definition fixes for a port of a container, by TCP; the first, if there are several.
pub fn static_host_port(definition: &TaskDefinition, container: &str, port: u16) -> Option<u16> {
    let mappings = definition.container(container)?.port_mappings.iter();
    let mut mappings =
        mappings.filter(|it| it.container_port == Some(port) && it.protocol == TransportProtocol::Tcp);
    mappings.find_map(|it| it.host_port.filter(|it| *it > 0))
}

/// Deregisters tasks of a service that do not run on: they get no new requests. The caller stores the service.
pub fn deregister_tasks(tx: &mut Tx<'_>, service: &mut Service, tasks: &[TaskArn]) {
    let mut gone: BTreeMap<Behind, usize> = BTreeMap::new();
    let mut instances: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut draining = 0;
    for arn in tasks {
        let Some(known) = tx.get::<Task>(arn).filter(|it| it.is_to_be_deregistered()) else {
            continue;
        };
        for (name, id) in known
            .targets
            .iter()
            .filter(|it| it.is_registered())
            .filter_map(TaskTarget::instance)
        {
            if classic::is_registered_for(tx.state(), &known, (name, id)) {
                instances
                    .entry(name.to_owned())
                    .or_default()
                    .insert(id.to_owned());
            }
        }
        let keys = deregister(tx, &known);
        draining += usize::from(known.last_status == TaskStatus::Deactivating);
        // An address that has gone to another task is that one's.
        let is_own = |it: &TargetKey| {
            let target = tx.get::<Target>(it);
            target.is_some_and(|it| it.task.as_ref() == Some(arn))
        };
        let own: Vec<_> = keys.into_iter().filter(is_own).collect();
        for key in &own {
            *gone.entry(Behind::TargetGroup(key.group.clone())).or_default() += 1;
        }
        deregister_targets(tx, &own);
    }
    for (name, ids) in instances {
        gone.insert(Behind::Classic(name.clone()), ids.len());
        classic::deregister(tx, &service.arn.scope(), &name, ids);
    }
    for (behind, count) in gone {
        let things = behind.registered_things();
        record_event(tx, service, format!("deregistered {count} {things} in {behind}"));
    }
    if draining > 0 {
        let message = format!("has begun draining connections on {draining} tasks.");
        record_event(tx, service, message);
    }
}

fn deregister(tx: &mut Tx<'_>, known: &Arc<Task>) -> Vec<TargetKey> {
    let mut task = Task::clone(known);
    let mut keys = Vec::new();
    for target in &mut task.targets {
        keys.extend(target.key().filter(|_| target.is_registered()));
        if let TaskTargetState::Registered { id, port, .. } = &target.state {
            target.state = TaskTargetState::Deregistered {
                id: id.clone(),
                port: *port,
            };
        }
    }
    tx.put(task);
    keys
}

/// Lets a task go down that was deregistered, once nothing is in flight to it. How long that may still take.
pub fn drain_task(tx: &mut Tx<'_>, arn: &TaskArn) -> Option<Duration> {
    let known = tx.get::<Task>(arn)?;
    if known.last_status != TaskStatus::Deactivating {
        return None;
    }
    let targets = known.targets.iter();
    let left = targets
        .map(|it| match (it.key(), it.instance()) {
            (Some(key), _) => until_drained(tx, &key, arn),
            (_, Some(instance)) => until_instance_drained(tx.state(), &arn.scope(), instance, arn, tx.now()),
            _ => Duration::ZERO,
        })
        .max()
        .unwrap_or_default()
        .max(service_connect::until_drained(tx, &known));
    if !left.is_zero() {
        return Some(left);
    }
    let mut task = Task::clone(&known);
    task.advance(TaskStatus::Stopping, tx.now());
    tx.put(task);
    None
}
