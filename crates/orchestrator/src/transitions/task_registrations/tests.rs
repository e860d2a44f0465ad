//! Tasks as instances, from their start to their end.

use std::convert::Infallible;

use domain::cloud_map::{DnsConfig, DnsRecord, HealthCheck, RoutingPolicy};
use domain::deployment_strategy::DeploymentStrategy;
use domain::service::ServiceEvent;
use domain::service_registry::ServiceRegistry;
use domain::tags::Pair;
use domain::task::{NetworkBinding, Stop, StopCode};
use domain::{ServiceArn, Timestamp};

use super::*;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller, Settings};
use crate::fixture::{World, definition, scope};
use crate::transitions::{
    ContainerReport, ServiceChange, TaskReport, observe_task, register_task_definition, stop_task,
    update_service,
};

/// A registry with records of a type, and custom health.
fn registry(world: &World, record_type: RecordType) -> ServiceRegistry {
    let service = DiscoveryService {
        id: "srv-0123456789abcdef".into(),
        scope: scope(),
        namespace_id: "ns-0123456789abcdef".into(),
        name: "web".into(),
        description: None,
        dns: Some(DnsConfig {
            routing_policy: RoutingPolicy::Multivalue,
            records: vec![DnsRecord {
                record_type,
                ttl_seconds: 10,
            }],
        }),
        dns_at_first: None,
        health_check: Some(HealthCheck::Custom),
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: Timestamp::UNIX_EPOCH,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    };
    let registry_arn = service.arn();
    world.write(|tx| Ok::<_, Infallible>(tx.put(service)));
    ServiceRegistry {
        registry_arn,
        port: None,
        container: None,
        container_port: None,
    }
}

fn look(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let controller = ServiceDeployments::new(&Settings::default());
    world.write(move |tx| Ok::<_, Infallible>(controller.reconcile(tx, &arn)));
}

fn change(world: &World, service: &ServiceArn, change: ServiceChange) {
    let arn = service.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn register_with(world: &World, service: &ServiceArn, registry: ServiceRegistry) {
    let registries = Some(vec![registry]);
    change(
        world,
        service,
        ServiceChange {
            service_registries: registries,
            ..ServiceChange::default()
        },
    );
}

fn instances(world: &World) -> Vec<DiscoveryInstance> {
    world.store.read(|state| {
        let all = state.discovery_instances_of("srv-0123456789abcdef");
        all.map(|it| DiscoveryInstance::clone(it)).collect()
    })
}

fn stop(world: &World, task: &Task) {
    let arn = task.arn.clone();
    world.write(move |tx| {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        };
        stop_task(tx, &arn, stop)
    });
}

fn events(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let events = state.service_events(service);
        events
            .map(|it: &std::sync::Arc<ServiceEvent>| it.message.clone())
            .collect()
    })
}

#[test]
fn tasks_with_addresses_are_instances_from_the_report_that_they_run_to_the_wish_that_they_stop() {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, 2, DeploymentStrategy::Rolling);
    register_with(&world, &service, registry(&world, RecordType::A));
    look(&world, &service);
    assert!(instances(&world).is_empty(), "nothing runs yet");
    world.obey(&service);
    let tasks = world.tasks(&service);
    let found = instances(&world);
    assert_eq!(found.len(), 2);
    let first = found[0].clone();
    let task = tasks.iter().find(|it| it.arn.name() == first.id).expect("is one");
    let address = task.eni.as_ref().expect("has one").address.to_string();
    let expected = [
        ("AVAILABILITY_ZONE", task.availability_zone.as_str()),
        ("AWS_INIT_HEALTH_STATUS", "HEALTHY"),
        ("AWS_INSTANCE_IPV4", address.as_str()),
        ("ECS_CLUSTER_NAME", "lab"),
        ("ECS_SERVICE_NAME", "web"),
        ("ECS_TASK_DEFINITION_FAMILY", "web"),
        ("REGION", "us-east-1"),
    ];
    for (name, value) in expected {
        assert_eq!(first.attribute(name), Some(value), "{name}");
    }
    assert!(
        first
            .attribute("EC2_INSTANCE_ID")
            .is_some_and(|it| it.starts_with("i-"))
    );
    assert_eq!(first.attribute("AWS_INSTANCE_PORT"), None);
    world.follow_targets(&service);
    stop(&world, task);
    let status = world.get::<Task>(&task.arn).last_status;
    assert_eq!(status, TaskStatus::Deactivating, "it is still drained");
    assert_eq!(instances(&world).len(), 1, "and no instance any more");
    // A report that lags behind brings nothing back.
    world.report(task.arn.clone(), TaskStatus::Running);
    assert_eq!(instances(&world).len(), 1);
    let other = tasks.iter().find(|it| it.arn != task.arn).expect("is one");
    world.report(other.arn.clone(), TaskStatus::Stopped);
    assert!(instances(&world).is_empty(), "it ended by itself");
}

/// A container of a bridge task, as its agent reports it.
fn running_at(host_port: u16) -> TaskReport {
    TaskReport {
        status: Some(TaskStatus::Running),
        containers: vec![ContainerReport {
            name: "web".to_owned(),
            network_bindings: Some(vec![NetworkBinding {
                bind_ip: "0.0.0.0".to_owned(),
                container_port: 80,
                host_port,
                protocol: domain::container_definition::TransportProtocol::Tcp,
                following: 0,
            }]),
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    }
}

fn bridge_registry(world: &World) -> ServiceRegistry {
    ServiceRegistry {
        container: Some("web".to_owned()),
        container_port: Some(80),
        ..registry(world, RecordType::Srv)
    }
}

#[test]
fn a_bridge_task_is_found_at_the_address_and_port_of_its_host() {
    let world = World::new();
    world.instance(vec![Pair::new(HOST_ADDRESS_ATTRIBUTE, "198.51.100.7")]);
    let service = world.service(1, 0, 200);
    register_with(&world, &service, bridge_registry(&world));
    look(&world, &service);
    let task = world.tasks(&service).remove(0);
    world.report(task.arn.clone(), TaskStatus::Running);
    assert!(instances(&world).is_empty(), "nobody knows its port yet");
    let (arn, report) = (task.arn, running_at(32_768));
    world.write(move |tx| observe_task(tx, &arn, &report));
    let found = instances(&world);
    let place = [attribute::IPV4, attribute::PORT].map(|it| found[0].attribute(it));
    assert_eq!(place, [Some("198.51.100.7"), Some("32768")]);
}

#[test]
fn a_task_that_cannot_be_registered_is_told_once() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 0, 200);
    register_with(&world, &service, bridge_registry(&world));
    look(&world, &service);
    let task = world.tasks(&service).remove(0);
    for port in [32_768, 32_769] {
        let (arn, report) = (task.arn.clone(), running_at(port));
        world.write(move |tx| observe_task(tx, &arn, &report));
    }
    assert!(instances(&world).is_empty());
    let told = events(&world, &service);
    let told = told
        .iter()
        .filter(|it| it.contains("address of the container instance"));
    assert_eq!(told.count(), 1);
}

#[test]
fn health_checks_decide_whether_a_task_is_in_answers() {
    let world = World::new();
    world.instance(Vec::new());
    let behind = world.load_balancer();
    let service = world.balanced_service(&behind, 1, DeploymentStrategy::Rolling);
    let checked = world.checked_definition();
    let checked = world.write(move |tx| {
        let now = tx.now();
        register_task_definition(tx, &scope(), "web", |arn, revision| TaskDefinition {
            network_mode: Some(NetworkMode::Awsvpc),
            containers: checked.containers.clone(),
            ..definition(arn, revision, now)
        })
    });
    let registries = Some(vec![registry(&world, RecordType::A)]);
    let wish = ServiceChange {
        task_definition: Some(checked.arn.clone()),
        service_registries: registries,
        ..ServiceChange::default()
    };
    change(&world, &service, wish);
    look(&world, &service);
    world.obey(&service);
    let health = || instances(&world)[0].custom_health;
    assert_eq!(health(), CustomHealth::Unhealthy, "no check has succeeded yet");
    assert_eq!(
        instances(&world)[0].attribute(attribute::INIT_HEALTH),
        Some("UNHEALTHY")
    );
    let task = world.tasks(&service).remove(0);
    for (said, expected) in [
        (HealthStatus::Healthy, CustomHealth::Healthy),
        (HealthStatus::Unhealthy, CustomHealth::Unhealthy),
    ] {
        world.report_health(&task, said);
        assert_eq!(health(), expected, "{said:?}");
    }
}
