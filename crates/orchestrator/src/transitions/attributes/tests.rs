use super::*;
use crate::fixture::{World, lab};
use crate::transitions::{Deregistration, RegisterContainerInstance, deregister_container_instance};

/// All but the zone, which every instance has.
fn stored(world: &World, arn: &ContainerInstanceArn) -> Vec<(String, Option<String>)> {
    let instance = world.get::<ContainerInstance>(arn);
    instance
        .attributes
        .into_iter()
        .filter(|it| it.name != "ecs.availability-zone")
        .map(|it| (it.name, it.value))
        .collect()
}

fn bare(name: &str) -> Pair {
    Pair {
        name: name.to_owned(),
        value: None,
    }
}

#[test]
fn attributes_are_put_replaced_and_deleted() {
    let world = World::new();
    let arn = world.instance(vec![Pair::new("ecs.os-type", "linux")]);
    for value in ["one", "two"] {
        let given = vec![
            (arn.clone(), Pair::new("stack", value)),
            (arn.clone(), bare("gpu")),
        ];
        let put = world.write(|tx| put_attributes(tx, given));
        assert_eq!(put.len(), 2);
    }
    let text = |it: &str| Some(it.to_owned());
    let all = [
        ("ecs.os-type".to_owned(), text("linux")),
        ("stack".to_owned(), text("two")),
        ("gpu".to_owned(), None),
    ];
    assert_eq!(stored(&world, &arn), all);
    let given = vec![
        (arn.clone(), Pair::new("stack", "other")),
        (arn.clone(), bare("gpu")),
        (arn.clone(), bare("none")),
    ];
    let deleted = world.write(|tx| delete_attributes(tx, given));
    assert_eq!(
        deleted,
        [(arn.clone(), bare("gpu"))],
        "another value, or no such name"
    );
    assert_eq!(stored(&world, &arn), all[..2]);
}

#[test]
fn the_eleventh_custom_attribute_is_refused_and_nothing_is_put() {
    let world = World::new();
    let arn = world.instance(vec![Pair::new("ecs.os-type", "linux")]);
    let many = |count: usize| {
        let target = arn.clone();
        (0..count)
            .map(move |number| (target.clone(), bare(&format!("a{number}"))))
            .collect::<Vec<_>>()
    };
    let eleven = many(11);
    let refused = world.attempt(|tx| put_attributes(tx, eleven));
    assert_eq!(refused, Err(AttributeRefusal::TooMany));
    assert_eq!(stored(&world, &arn).len(), 1);
    let ten = many(10);
    world.write(|tx| put_attributes(tx, ten));
    let one = many(1);
    world.write(|tx| put_attributes(tx, one));
}

#[test]
fn targets_must_be_there() {
    let world = World::new();
    let arn = world.instance(Vec::new());
    let nobody: ContainerInstanceArn = lab().member("nobody");
    let gone = arn.clone();
    world.write(move |tx| deregister_container_instance(tx, &gone, Deregistration::WhenEmpty));
    for target in [arn, nobody] {
        let refusal = Err(AttributeRefusal::TargetNotFound(target.clone()));
        let given = vec![(target, bare("a"))];
        let same = given.clone();
        assert_eq!(world.attempt(|tx| put_attributes(tx, given)), refusal);
        assert_eq!(world.attempt(|tx| delete_attributes(tx, same)), refusal);
    }
}

#[test]
fn custom_attributes_survive_the_agents_next_registration() {
    let world = World::new();
    let arn = world.instance(vec![
        Pair::new("ecs.os-type", "linux"),
        bare("ecs.capability.old"),
    ]);
    let given = vec![
        (arn.clone(), Pair::new("stack", "mine")),
        (arn.clone(), Pair::new("rack", "1")),
    ];
    world.write(|tx| put_attributes(tx, given));
    let again = RegisterContainerInstance {
        cluster: lab(),
        existing: Some(arn.clone()),
        total: domain::host::Resources::default(),
        attributes: vec![Pair::new("ecs.os-type", "linux"), Pair::new("rack", "2")],
        versions: crate::transitions::Versions::default(),
        tags: Vec::new(),
    };
    world.write(|tx| crate::transitions::register_container_instance(tx, again));
    let text = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    assert_eq!(
        stored(&world, &arn),
        [
            text("ecs.os-type", "linux"),
            text("rack", "2"),
            text("stack", "mine")
        ]
    );
}
