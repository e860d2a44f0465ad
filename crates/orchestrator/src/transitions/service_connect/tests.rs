//! Services of a namespace, from the name that they get to the end of what is in flight.

use domain::service_connect::VIRTUAL_ADDRESSES;
use domain::task::{HealthStatus, Stop, StopCode};
use domain::task_definition::TaskDefinition;
use store::EndpointState;

use super::*;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller as _, Next, Settings};
use crate::fixture::{World, offering, scope};
use crate::transitions::{
    ServiceChange, ServiceRefusal, delete_service, stop_task, subnet_dependents, update_service,
};

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

fn change(world: &World, service: &ServiceArn, offered: ServiceConnectConfiguration) {
    let change = ServiceChange {
        service_connect: Some(offered),
        ..ServiceChange::default()
    };
    let arn = service.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
}

/// Ids and names of the Cloud Map services of a namespace.
fn discovered(world: &World, namespace: &str) -> Vec<(String, String)> {
    world.store.read(|state| {
        let all = state.discovery_services_of(namespace);
        all.map(|it| (it.id.clone(), it.name.clone())).collect()
    })
}

#[test]
fn tasks_stay_reachable_by_the_alias_that_they_began_with_whatever_the_endpoint_is_called() {
    let (world, service, namespace) = serving(2);
    world.follow_proxies();
    assert_eq!(world.endpoints().len(), 2);
    let mut renamed = offering(&namespace, "web");
    renamed.services[0].discovery_name = Some("shop".to_owned());
    change(&world, &service, renamed);
    let endpoints = world.endpoints();
    assert_eq!(endpoints.len(), 2, "no new task runs yet");
    assert!(endpoints.iter().all(|it| it.state == EndpointState::Serving));
    // What proxies say of the alias counts for these tasks as well.
    let stopped = stop_one(&world, &service);
    let left = Duration::from_secs(DRAIN_SECONDS.into());
    assert_eq!(world.follow_targets(&service), Next::After(left));
    let host_id = world.follow_proxies().remove(0).host_id;
    idle(&world, &stopped, &host_id);
    assert_eq!(world.follow_targets(&service), Next::AwaitChange);
}

#[test]
fn a_cloud_map_service_keeps_its_id_and_goes_with_the_last_that_offers_it() {
    let world = World::new();
    let namespace = world.namespace();
    let without_alias = |name: &str| {
        let mut offered = offering(&namespace, name);
        offered.services[0].client_alias = None;
        offered
    };
    let web = world.try_connected_service("web", without_alias("web"), 0);
    let web = web.expect("is not refused");
    let made = discovered(&world, &namespace);
    assert_eq!(made.len(), 1);
    change(&world, &web, offering(&namespace, "web"));
    let mut moved = offering(&namespace, "web");
    if let Some(alias) = &mut moved.services[0].client_alias {
        alias.port = 9000;
    }
    change(&world, &web, moved);
    assert_eq!(
        discovered(&world, &namespace),
        made,
        "another port, the same endpoint"
    );
    change(&world, &web, without_alias("web"));
    let other = world.try_connected_service("other", without_alias("web"), 0);
    let other = other.expect("nobody has an alias of that name");
    change(&world, &web, without_alias("shop"));
    let names: Vec<String> = discovered(&world, &namespace)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, ["shop", "web"], "the other offers it still");
    for service in [web, other] {
        let arn = service.clone();
        world.write(move |tx| delete_service(tx, &arn, true));
        look(&world, &service);
    }
    assert_eq!(discovered(&world, &namespace), []);
}

#[test]
fn what_namespaces_leave_behind_is_bounded() {
    let world = World::new();
    let count = |world: &World| {
        world
            .store
            .read(|state| state.cloud_map_operation_count(&scope()))
    };
    world.write(|tx| {
        for number in 0..1010 {
            ensure_namespace(tx, &scope(), &format!("shop{number}"));
        }
        Ok::<_, ()>(())
    });
    assert_eq!(count(&world), 1000);
    let namespace = world.store.read(|state| {
        let made = state.namespace_of_name(&scope(), "shop1009").expect("is made");
        let operation = made.operation_id.clone();
        let known = state.get::<domain::cloud_map::Operation>(&operation);
        known.map(|it| it.target.clone()) == Some(OperationTarget::Namespace(made.id.clone()))
    });
    assert!(namespace, "the newest is known by its operation");
}

#[test]
fn a_subnet_in_which_there_are_but_proxies_can_be_deleted() {
    let (world, service, _) = serving(1);
    let host_id = world.follow_proxies().remove(0).host_id;
    let subnet = world.get::<Subnet>(&"subnet-1".to_owned());
    let other = Subnet {
        id: "subnet-2".to_owned(),
        cidr: "10.0.1.0/24".parse().expect("a range"),
        ..subnet.clone()
    };
    let dependents = |subnet: &Subnet| world.store.read(|state| subnet_dependents(state, subnet));
    assert!(!dependents(&subnet).is_empty(), "it has a task");
    // The proxy is in another subnet than the tasks of its host.
    let moved = ServiceConnectProxy {
        subnet_id: other.id.clone(),
        address: Ipv4Addr::new(10, 0, 1, 9),
        ..world.follow_proxies().remove(0)
    };
    let made = other.clone();
    world.write(move |tx| {
        tx.put(made);
        Ok::<_, ()>(tx.put(moved))
    });
    assert_eq!(dependents(&other), Vec::<String>::new());
    let gone = other.clone();
    world.write(move |tx| {
        crate::transitions::delete_subnet(tx, &gone);
        Ok::<_, ()>(())
    });
    let proxies = world.follow_proxies();
    assert_eq!(proxies.len(), 1, "the host still has a task in the VPC");
    assert_eq!(
        (&proxies[0].host_id, proxies[0].subnet_id.as_str()),
        (&host_id, "subnet-1")
    );
    let in_use = world.store.read(|state| state.addresses_in_use(&other.id).len());
    assert_eq!(in_use, 0);

    // Without its tasks, nothing needs the proxy.
    let arn = service.clone();
    world.write(move |tx| {
        let change = ServiceChange {
            desired_count: Some(0),
            ..ServiceChange::default()
        };
        update_service(tx, &arn, &change)
    });
    look(&world, &service);
    world.obey(&service);
    assert_eq!(dependents(&subnet), Vec::<String>::new());
    world.write(move |tx| {
        crate::transitions::delete_subnet(tx, &subnet);
        Ok::<_, ()>(())
    });
    assert_eq!(world.follow_proxies(), []);
}

#[test]
fn a_name_whose_subnets_are_all_gone_is_known_nowhere() {
    let world = World::new();
    let namespace = world.namespace();
    let elsewhere = world.other_vpc();
    let web = world.try_connected_service("web", offering(&namespace, "web"), 0);
    web.expect("is not refused");
    let known_in = |vpc_id: &str| world.store.read(|state| state.client_aliases_in(vpc_id).len());
    let counts = || (known_in(crate::fixture::VPC), known_in(&elsewhere.vpc_id));
    assert_eq!(counts(), (1, 0));
    let subnet = world.get::<Subnet>(&"subnet-1".to_owned());
    world.write(move |tx| {
        crate::transitions::delete_subnet(tx, &subnet);
        Ok::<_, ()>(())
    });
    assert_eq!(counts(), (0, 0));
}
