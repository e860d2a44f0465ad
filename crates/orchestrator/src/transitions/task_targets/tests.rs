//! What a task is in a target group.

use domain::task::NetworkBinding;

use super::*;
use crate::fixture::World;

fn waiting(world: &World) -> TaskTarget {
    let behind = world.load_balancer();
    TaskTarget::waiting(Behind::TargetGroup(behind.blue), "web".to_owned(), 8080)
}

fn task(world: &World) -> Task {
    world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    let run = crate::controllers::service_deployments::ServiceDeployments::new(&Default::default());
    let arn = service.clone();
    world.write(move |tx| Ok::<_, ()>(crate::controllers::Controller::reconcile(&run, tx, &arn)));
    world.tasks(&service).remove(0)
}

#[test]
fn an_instance_is_a_target_by_the_port_that_its_agent_has_published() {
    let world = World::new();
    let (target, mut task) = (waiting(&world), task(&world));
    let of = |task: &Task| world.store.read(|state| of_instance(state, task, &target));
    assert_eq!(of(&task), Place::NotYet);
    let tcp = NetworkBinding {
        bind_ip: "0.0.0.0".to_owned(),
        container_port: 8000,
        host_port: 32_768,
        protocol: TransportProtocol::Tcp,
        following: 100,
    };
    let udp = NetworkBinding {
        host_port: 40_000,
        protocol: TransportProtocol::Udp,
        ..tcp.clone()
    };
    task.containers[0].network_bindings = vec![udp, tcp];
    let instance = task.container_instance.clone().expect("runs on one");
    let instance = world.get::<ContainerInstance>(&instance).ec2_instance_id;
    let Place::Known(place) = of(&task) else {
        panic!("is known")
    };
    assert_eq!((place.id, place.port), (instance, 32_848));
    task.containers[0].network_bindings[1].following = 79;
    assert_eq!(of(&task), Place::NotYet, "the range ends before that port");
    task.container_instance = None;
    assert!(matches!(of(&task), Place::Never(_)));
}

#[test]
fn a_task_without_an_address_is_no_target_by_address() {
    let world = World::new();
    let (target, task) = (waiting(&world), task(&world));
    let place = world.store.read(|state| place(state, &task, &target, &[]));
    assert_eq!(place, Place::Never("The task has no network interface."));
}
