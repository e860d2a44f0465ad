//! Public addresses of tasks: given while there are any, to one at a time, and given back.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::task::{NetworkConfiguration, Task, TaskStatus};

use super::world::World;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::controllers::{Controller, Settings};
use crate::fixture::{new_service, scope};
use crate::transitions::{NewService, RunTasks, ensure_default_network};

/// Two addresses.
const RANGE: &str = "203.0.113.8/30";

fn network(world: &World, is_public_ip_assigned: bool) -> NetworkConfiguration {
    let cidr = "10.0.0.0/24".parse().expect("a range");
    let (_, subnets) = world.write(move |tx| Ok::<_, ()>(ensure_default_network(tx, &scope(), cidr)));
    NetworkConfiguration {
        subnets: vec![subnets[0].id.clone()],
        security_groups: Vec::new(),
        is_public_ip_assigned,
    }
}

fn wanted(world: &World, count: u32, is_public: bool) -> RunTasks {
    RunTasks {
        network: Some(network(world, is_public)),
        public_addresses: Some(RANGE.parse().expect("a range")),
        ..world.wanted(&world.definition(), count)
    }
}

fn public(tasks: &[Arc<Task>]) -> Vec<Option<Ipv4Addr>> {
    let enis = tasks.iter().filter_map(|it| it.eni.as_ref());
    enis.map(|it| it.public_address).collect()
}

fn in_use(world: &World) -> BTreeSet<Ipv4Addr> {
    world.store.read(|state| state.public_addresses_in_use().clone())
}

#[test]
fn tasks_that_ask_for_one_get_one_each_until_none_is_left() {
    let world = World::new();
    world.join(5);
    let others = world.run(wanted(&world, 1, false)).expect("placed").tasks;
    assert_eq!(public(&others), [None]);
    let tasks = world.run(wanted(&world, 3, true)).expect("placed").tasks;
    let given = public(&tasks);
    assert_eq!(given.len(), 3, "the third runs without one");
    assert_eq!(given[2], None);
    let [first, second] = [[203, 0, 113, 9], [203, 0, 113, 10]].map(Ipv4Addr::from);
    assert_eq!(in_use(&world), BTreeSet::from([first, second]));
    assert_eq!(
        given.iter().flatten().copied().collect::<BTreeSet<_>>(),
        in_use(&world)
    );
    assert!(
        tasks
            .iter()
            .all(|it| it.eni.as_ref().is_some_and(|it| it.is_public))
    );

    world.report(&tasks[0].arn, TaskStatus::Stopped);
    assert_eq!(
        in_use(&world).into_iter().map(Some).collect::<Vec<_>>(),
        [given[1]]
    );
    let next = world.run(wanted(&world, 1, true)).expect("placed").tasks;
    assert_eq!(public(&next), [given[0]]);
}

#[test]
fn a_service_gives_them_of_the_range_that_is_set() {
    let world = World::new();
    world.join(5);
    let service = world.service_of(NewService {
        task_definition: Some(world.awsvpc_definition()),
        network_configuration: Some(network(&world, true)),
        ..new_service(3)
    });
    let controller = ServiceDeployments::new(&Settings {
        public_addresses: RANGE.parse().expect("a range"),
        ..Settings::default()
    });
    let arn = service.clone();
    world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    let tasks = world.tasks(&service);
    assert_eq!(tasks.len(), 3);
    let given = tasks.iter().filter_map(|it| it.eni.as_ref()?.public_address);
    assert_eq!(given.collect::<BTreeSet<_>>(), in_use(&world));
    assert_eq!(in_use(&world).len(), 2);
}
