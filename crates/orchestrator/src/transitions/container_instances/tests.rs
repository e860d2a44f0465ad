use super::*;
use crate::fixture::{World, lab};

fn set(
    world: &World,
    arn: &ContainerInstanceArn,
    wish: Availability,
) -> Result<(u64, &'static str), StateRefusal> {
    let arns = vec![arn.clone()];
    let changed = world.write(move |tx| update_container_instances_state(tx, &arns, wish));
    let (_, outcome) = changed.into_iter().next().expect("one for each");
    outcome.map(|it| (it.version, it.status.as_str()))
}

#[test]
fn instances_drain_and_come_back_until_they_are_deregistered() {
    let world = World::new();
    let arn = world.instance(Vec::new());
    assert_eq!(set(&world, &arn, Availability::Draining), Ok((2, "DRAINING")));
    assert_eq!(
        set(&world, &arn, Availability::Draining),
        Ok((2, "DRAINING")),
        "no news, no version"
    );
    assert_eq!(set(&world, &arn, Availability::Active), Ok((3, "ACTIVE")));
    let nobody: ContainerInstanceArn = lab().member("nobody");
    assert_eq!(
        set(&world, &nobody, Availability::Active),
        Err(StateRefusal::Missing)
    );
    let gone = arn.clone();
    world.write(move |tx| deregister_container_instance(tx, &gone, Deregistration::WhenEmpty));
    assert_eq!(
        set(&world, &arn, Availability::Active),
        Err(StateRefusal::Inactive)
    );
}

#[test]
fn an_agent_that_registers_again_leaves_its_instance_draining() {
    let world = World::new();
    let arn = world.instance(Vec::new());
    set(&world, &arn, Availability::Draining).expect("is there");
    let again = RegisterContainerInstance {
        cluster: lab(),
        existing: Some(arn),
        total: Resources::default(),
        attributes: Vec::new(),
        versions: Versions::default(),
        tags: Vec::new(),
    };
    let registered = world.write(|tx| register_container_instance(tx, again));
    assert_eq!(registered.status, ContainerInstanceStatus::Draining);
}
