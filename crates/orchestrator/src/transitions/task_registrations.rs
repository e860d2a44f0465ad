//! Tasks of services as instances of Cloud Map: registered in the transaction that sees them run, and deregistered in the
//! one that sees that they do not run on.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use domain::TaskArn;
use domain::cloud_map::{
    CustomHealth, DiscoveryInstance, DiscoveryService, InstanceKey, RecordType, attribute,
};
use domain::container_instance::{ContainerInstance, HOST_ADDRESS_ATTRIBUTE};
use domain::service::Service;
use domain::service_registry::{RegistrationState, TaskRegistration};
use domain::task::{DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::task_definition::{NetworkMode, TaskDefinition};
use store::{State, Tx};

use super::cloud_map::{deregister_instance, put_instance, set_custom_health};
use super::services::record_event;

#[cfg(test)]
mod tests;

/// What a task is as an instance.
enum Place {
    /// This.
    Known(BTreeMap<String, String>),
    /// Its agent has not said on which port of the host it listens.
    NotYet,
    /// Nothing, for this reason.
    Never(&'static str),
}

/// Brings the registration of a task to where the task is: to be called whenever its state or its health may have moved.
pub(super) fn follow_registration(tx: &mut Tx<'_>, arn: &TaskArn) {
    let Some(task) = tx.get::<Task>(arn) else {
        return;
    };
    let Some(registration) = task.registration.as_deref() else {
        return;
    };
    let is_running = task.last_status == TaskStatus::Running && task.desired_status == DesiredStatus::Running;
    match (registration.state, is_running) {
        (RegistrationState::Waiting, true) => register(tx, &task, registration),
        (RegistrationState::Registered, true) => {
            let health = health(tx.state(), &task);
            set_custom_health(tx, &key(&task, registration), health);
        }
        (RegistrationState::Registered, false) => {
            deregister_instance(tx, &key(&task, registration));
            set_state(tx, &task, registration, RegistrationState::Deregistered);
        }
        (RegistrationState::Waiting, false)
        | (RegistrationState::Refused | RegistrationState::Deregistered, _) => {}
    }
}

/// The id of a task is that of the instance.
fn key(task: &Task, registration: &TaskRegistration) -> InstanceKey {
    (
        registration.registry.service_id().to_owned(),
        task.arn.name().to_owned(),
    )
}

fn set_state(tx: &mut Tx<'_>, task: &Task, registration: &TaskRegistration, state: RegistrationState) {
    tx.put(Task {
        registration: Some(Box::new(TaskRegistration {
            state,
            ..registration.clone()
        })),
        ..task.clone()
    });
}

fn register(tx: &mut Tx<'_>, task: &Task, registration: &TaskRegistration) {
    let attributes = match place(tx.state(), task, registration) {
        Place::NotYet => return,
        Place::Never(why) => {
            set_state(tx, task, registration, RegistrationState::Refused);
            tell_refusal(tx, task, registration, why);
            return;
        }
        Place::Known(attributes) => attributes,
    };
    let (service_id, id) = key(task, registration);
    let instance = DiscoveryInstance {
        service_id,
        id,
        attributes,
        custom_health: health(tx.state(), task),
        creator_request_id: None,
        operation_id: None,
        registered_at: tx.now(),
    };
    put_instance(tx, instance);
    set_state(tx, task, registration, RegistrationState::Registered);
}

fn tell_refusal(tx: &mut Tx<'_>, task: &Task, registration: &TaskRegistration, why: &str) {
    let Some(service) = task.service.as_ref().and_then(|it| tx.get::<Service>(it)) else {
        return;
    };
    let mut service = Service::clone(&service);
    let (id, registry) = (task.arn.name(), &registration.registry.registry_arn);
    let message =
        format!("failed to register (task {id}) in (service-registry {registry}) with (error {why})");
    record_event(tx, &mut service, message);
    tx.put(service);
}

/// A task with health checks is healthy once they say so; one without them is healthy while it runs.
fn health(state: &State, task: &Task) -> CustomHealth {
    let definition = state.get::<TaskDefinition>(&task.task_definition);
    match definition.map(|it| (it.is_health_checked(), task.health(it))) {
        Some((true, HealthStatus::Unknown | HealthStatus::Unhealthy)) => CustomHealth::Unhealthy,
        Some((true, HealthStatus::Healthy) | (false, _)) | None => CustomHealth::Healthy,
    }
}

fn place(state: &State, task: &Task, registration: &TaskRegistration) -> Place {
    let id = registration.registry.service_id().to_owned();
    let Some(registry) = state.get::<DiscoveryService>(&id) else {
        return Place::Never("ServiceNotFound: the service of Cloud Map does not exist.");
    };
    let mut attributes = descriptive(state, task, registration);
    let health = health(state, task);
    attributes.insert(attribute::INIT_HEALTH.to_owned(), health.as_str().to_owned());
    let (address, port) = match &task.eni {
        Some(eni) => (Some(eni.address), own_port(registration)),
        None => match host_port(state, task, registration) {
            Some(port) => (host_address(state, task), Some(port)),
            None => return Place::NotYet,
        },
    };
    let Some(address) = address else {
        return Place::Never("the address of the container instance is not known.");
    };
    attributes.insert(attribute::IPV4.to_owned(), address.to_string());
    match port {
        Some(port) => drop(attributes.insert(attribute::PORT.to_owned(), port.to_string())),
        None if registry.has_record(RecordType::Srv) => {
            return Place::Never("the service of Cloud Map has SRV records, and the registry has no port.");
        }
        None => {}
    }
    Place::Known(attributes)
}

/// What ECS says of a task, beside how it is reached.
fn descriptive(state: &State, task: &Task, registration: &TaskRegistration) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let mut say = |name: &str, value: String| drop(attributes.insert(name.to_owned(), value));
    say("AVAILABILITY_ZONE", task.availability_zone.clone());
    say("REGION", task.arn.scope().region);
    say("ECS_CLUSTER_NAME", task.cluster().name().to_owned());
    let family = task.task_definition.name().split(':').next();
    say(
        "ECS_TASK_DEFINITION_FAMILY",
        family.unwrap_or_default().to_owned(),
    );
    if let Some(service) = &task.service {
        say("ECS_SERVICE_NAME", service.name().to_owned());
    }
    if let Some(instance) = instance_of(state, task) {
        say("EC2_INSTANCE_ID", instance.ec2_instance_id.clone());
    }
    if let Some(id) = &registration.external_id {
        say("ECS_TASK_SET_EXTERNAL_ID", id.clone());
    }
    attributes
}

fn instance_of<'a>(state: &'a State, task: &Task) -> Option<&'a ContainerInstance> {
    let instance = task.container_instance.as_ref()?;
    state.get::<ContainerInstance>(instance).map(|it| &**it)
}

/// Of a task with an address of its own.
fn own_port(registration: &TaskRegistration) -> Option<u16> {
    let registry = &registration.registry;
    registry.port.or(registry.container_port)
}

fn host_address(state: &State, task: &Task) -> Option<Ipv4Addr> {
    let attributes = &instance_of(state, task)?.attributes;
    let mine = attributes.iter().find(|it| it.name == HOST_ADDRESS_ATTRIBUTE)?;
    mine.value.as_deref()?.parse().ok()
}

/// The port of the host by which the container is reached, as far as its agent has said it.
fn host_port(state: &State, task: &Task, registration: &TaskRegistration) -> Option<u16> {
    let (registry, definition) = (
        &registration.registry,
        state.get::<TaskDefinition>(&task.task_definition)?,
    );
    let wanted = registry.container_port?;
    if definition.effective_network_mode() == NetworkMode::Host {
        return Some(wanted);
    }
    let name = registry.container.as_deref()?;
    let container = task.containers.iter().find(|it| it.name == name)?;
    container.network_bindings.iter().find_map(|it| {
        let offset = wanted.checked_sub(it.container_port)?;
        (offset <= it.following).then(|| it.host_port + offset)
    })
}
