//! Services of a namespace, from the name that they get to the end of what is in flight.

use domain::service_connect::VIRTUAL_ADDRESSES;
use domain::task::{HealthStatus, Stop, StopCode};
use domain::task_definition::TaskDefinition;
use store::EndpointState;

use super::*;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller as _, Next, Settings};
use crate::fixture::{World, offering, scope};
use crate::transitions::{ServiceChange, ServiceRefusal, delete_service, stop_task, update_service};

fn look(world: &World, service: &ServiceArn) {
    let arn = service.clone();
    let controller = ServiceDeployments::new(&Settings::default());
    world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    world.follow_targets(service);
}

/// A service of so many tasks that run, and the id of its namespace.
fn serving(desired_count: u32) -> (World, ServiceArn, String) {
    let world = World::new();
    world.instance(Vec::new());
    let namespace = world.namespace();
    let service = world.try_connected_service("web", offering(&namespace, "web"), desired_count);
    let service = service.expect("is not refused");
    look(&world, &service);
    world.obey(&service);
    look(&world, &service);
    (world, service, namespace)
}

fn stop_one(world: &World, service: &ServiceArn) -> TaskArn {
    let arn = world.tasks(service).remove(0).arn;
    let stopped = arn.clone();
    world.write(move |tx| {
        let stop = Stop {
            code: StopCode::UserInitiated,
            reason: "enough".to_owned(),
        };
        stop_task(tx, &stopped, stop)
    });
    arn
}

fn idle(world: &World, task: &TaskArn, host_id: &str) {
    let (task, host_id) = (task.clone(), host_id.to_owned());
    world.write(move |tx| {
        endpoint_is_idle(tx, &task, (&host_id, "web"));
        Ok::<_, ()>(())
    });
}

#[test]
fn a_name_has_an_address_from_the_beginning_and_a_discovery_service() {
    let world = World::new();
    let namespace = world.namespace();
    let web = world.try_connected_service("web", offering(&namespace, "web"), 0);
    let web = web.expect("is not refused");
    let names = world.names();
    assert_eq!(names.len(), 1);
    assert!(
        names[0].0 == "web" && VIRTUAL_ADDRESSES.contains(names[0].1),
        "{names:?}"
    );
    let revision = world.stored_service(&web).deployments[0].revision.clone();
    let revision = world.get::<domain::service_deployment::ServiceRevision>(&revision);
    assert_eq!(revision.service_connect_resources[0].discovery_name, "web");

    let taken = world.try_connected_service("other", offering(&namespace, "web"), 0);
    let refusal = ServiceRefusal::ServiceConnect(ServiceConnectRefusal::AliasInUse);
    assert_eq!(taken, Err(refusal));
    let nowhere = world.try_connected_service("other", offering("ns-0", "api"), 0);
    let refusal = ServiceRefusal::ServiceConnect(ServiceConnectRefusal::NamespaceNotFound);
    assert_eq!(nowhere, Err(refusal));
    let api = world.try_connected_service("other", offering(&namespace, "api"), 0);
    api.expect("another name is free");
    let names = world.names();
    assert!(names.len() == 2 && names[0].1 != names[1].1, "{names:?}");
}

#[test]
fn tasks_are_endpoints_while_they_run_and_hosts_get_their_proxies() {
    let world = World::new();
    world.instance(Vec::new());
    let namespace = world.namespace();
    let service = world.try_connected_service("web", offering(&namespace, "web"), 2);
    let service = service.expect("is not refused");
    assert!(
        world.follow_proxies().is_empty(),
        "the host has no task there yet"
    );
    look(&world, &service);
    let proxies = world.follow_proxies();
    assert_eq!(proxies.len(), 1);
    assert_eq!(world.follow_proxies(), proxies, "it stays");
    assert!(world.endpoints().is_empty(), "nothing runs yet");
    world.obey(&service);
    let endpoints = world.endpoints();
    assert_eq!(endpoints.len(), 2);
    let own: Vec<_> = world
        .tasks(&service)
        .iter()
        .filter_map(|it| Some(it.eni.as_ref()?.address))
        .collect();
    for it in &endpoints {
        assert!(it.port == 8080 && it.state == EndpointState::Serving, "{it:?}");
        assert!(it.address.is_some_and(|address| own.contains(&address)), "{it:?}");
        assert_ne!(
            it.address,
            Some(proxies[0].address),
            "it has an address of its own"
        );
    }
}

#[test]
fn what_fails_its_health_check_gets_nothing() {
    let (world, service, _) = serving(2);
    world.follow_proxies();
    let tasks = world.tasks(&service);
    let mut definition = world.get::<TaskDefinition>(&tasks[0].task_definition);
    let checked = world.checked_definition();
    definition.containers[0]
        .health_check
        .clone_from(&checked.containers[0].health_check);
    world.write(move |tx| Ok::<_, ()>(tx.put(definition)));
    let task = &tasks[0];
    world.report_health(task, HealthStatus::Unhealthy);
    world.report_health(&tasks[1], HealthStatus::Healthy);
    let states: Vec<_> = world
        .endpoints()
        .iter()
        .map(|it| (it.task == task.arn, it.state))
        .collect();
    assert!(states.contains(&(true, EndpointState::Draining)), "{states:?}");
    assert!(states.contains(&(false, EndpointState::Serving)), "{states:?}");
}

#[test]
fn a_task_runs_on_until_no_proxy_has_anything_in_flight_to_it() {
    let (world, service, _) = serving(2);
    let proxies = world.follow_proxies();
    let stopped = stop_one(&world, &service);
    let status = |world: &World| world.get::<Task>(&stopped).last_status;
    assert_eq!(status(&world), TaskStatus::Deactivating);
    let left = Duration::from_secs(DRAIN_SECONDS.into());
    assert_eq!(world.follow_targets(&service), Next::After(left));
    let states: Vec<_> = world
        .endpoints()
        .iter()
        .map(|it| (it.task == stopped, it.state))
        .collect();
    assert!(states.contains(&(true, EndpointState::Stopping)), "{states:?}");
    idle(&world, &stopped, "another host");
    assert_eq!(world.follow_targets(&service), Next::After(left));
    idle(&world, &stopped, &proxies[0].host_id);
    assert_eq!(world.follow_targets(&service), Next::AwaitChange);
    assert_eq!(status(&world), TaskStatus::Stopping);
}

#[test]
fn a_proxy_that_says_nothing_holds_a_task_for_twenty_seconds() {
    let (world, service, _) = serving(1);
    world.follow_proxies();
    let stopped = stop_one(&world, &service);
    world.follow_targets(&service);
    world.clock.advance(Duration::from_secs(DRAIN_SECONDS.into()));
    world.follow_targets(&service);
    assert_eq!(world.get::<Task>(&stopped).last_status, TaskStatus::Stopping);
}

#[test]
fn names_and_proxies_go_with_the_service() {
    let (world, service, namespace) = serving(1);
    assert_eq!(world.follow_proxies().len(), 1);
    let arn = service.clone();
    world.write(move |tx| delete_service(tx, &arn, true));
    look(&world, &service);
    assert_eq!(world.names().len(), 1, "its tasks still drain");
    world.obey(&service);
    look(&world, &service);
    assert!(world.names().is_empty());
    assert!(world.follow_proxies().is_empty());
    let left = world
        .store
        .read(|state| state.discovery_services_of(&namespace).count());
    assert_eq!(left, 0);
    let again = world.try_connected_service("again", offering(&namespace, "web"), 0);
    again.expect("the name is free");
}

#[test]
fn an_update_that_offers_nothing_takes_the_name_away() {
    let (world, service, namespace) = serving(1);
    let address = world.names()[0].1;
    let update = |offered: ServiceConnectConfiguration| {
        let change = ServiceChange {
            service_connect: Some(offered),
            ..ServiceChange::default()
        };
        let arn = service.clone();
        world.write(move |tx| update_service(tx, &arn, &change))
    };
    let updated = update(ServiceConnectConfiguration::default());
    assert_eq!(updated.deployments.len(), 2, "it is a new deployment");
    assert!(world.names().is_empty());
    update(offering(&namespace, "web"));
    assert_eq!(
        world.names(),
        [("web".to_owned(), address)],
        "the address that it had"
    );
    let aliases = world.store.read(|state| state.client_aliases(&scope()).count());
    assert_eq!(aliases, 1);
}
