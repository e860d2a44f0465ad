use super::*;
use crate::fixture::{World, lab, scope};
use crate::transitions::{Deregistration, delete_cluster, delete_service, deregister_container_instance};

fn put(pairs: &[(&str, &str)]) -> TagChange {
    TagChange::Put(pairs.iter().map(|(key, value)| Pair::new(*key, *value)).collect())
}

fn change(world: &World, resource: &Taggable, change: TagChange) -> Result<(), TagRefusal> {
    let resource = resource.clone();
    world.attempt(move |tx| change_tags(tx, &resource, change))
}

fn list(world: &World, resource: &Taggable) -> Result<Vec<Pair>, TagRefusal> {
    world.store.read(|state| tags_of(state, resource))
}

/// One of each kind.
fn resources(world: &World) -> Vec<Taggable> {
    let instance = world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    let run = crate::transitions::RunTasks {
        cluster: lab(),
        definition: world.definition(),
        count: 1,
        launch_type: domain::task_definition::LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        placed: crate::transitions::Where::Anywhere,
        group: "family:web".to_owned(),
        started_by: None,
        service: None,
        overrides: domain::task::Overrides::default(),
        network: None,
        public_addresses: None,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        platform_version: None,
        targets: Vec::new(),
        registration: None,
        endpoints: Vec::new(),
        enable_execute_command: false,
        client_request: None,
        tags: vec![Pair::new("aws:ecs:clusterName", "lab")],
    };
    let ran = world.write(move |tx| crate::transitions::run_tasks(tx, &run));
    vec![
        Taggable::Cluster(lab()),
        Taggable::Service(service),
        Taggable::Task(ran.tasks[0].arn.clone()),
        Taggable::ContainerInstance(instance),
        Taggable::TaskDefinition(TaskDefinitionArn::of(&scope(), "web", 1)),
    ]
}

#[test]
fn every_kind_of_resource_takes_tags_and_gives_them_back() {
    let world = World::new();
    for resource in resources(&world) {
        let managed = list(&world, &resource).expect("is there");
        change(&world, &resource, put(&[("a", "1"), ("b", "2")])).expect("is there");
        change(&world, &resource, put(&[("b", "3")])).expect("is there");
        let own = [Pair::new("a", "1"), Pair::new("b", "3")];
        let expected: Vec<Pair> = managed.iter().chain(&own).cloned().collect();
        assert_eq!(list(&world, &resource), Ok(expected), "{resource:?}");
        let keys = vec!["a".to_owned(), "b".to_owned(), "never".to_owned()];
        change(&world, &resource, TagChange::Remove(keys)).expect("is there");
        assert_eq!(list(&world, &resource), Ok(managed));
    }
}

#[test]
fn fifty_tags_are_the_most_and_those_of_ecs_do_not_count() {
    let world = World::new();
    let resources = resources(&world);
    let task = &resources[2];
    let fifty = (0..50).map(|it| Pair::new(it.to_string(), "")).collect();
    change(&world, task, TagChange::Put(fifty)).expect("fits");
    change(&world, task, put(&[("7", "again")])).expect("replaces one");
    assert_eq!(change(&world, task, put(&[("50", "")])), Err(TagRefusal::TooMany));
    assert_eq!(list(&world, task).expect("is there").len(), 51);
}

#[test]
fn what_is_not_there_or_has_ended_is_refused_by_its_kind() {
    let world = World::new();
    let resources = resources(&world);
    let nothing: Vec<(Taggable, TagRefusal)> = vec![
        (
            Taggable::Cluster(ClusterArn::of(&scope(), "x")),
            TagRefusal::ClusterNotFound,
        ),
        (
            Taggable::Task(ClusterArn::of(&scope(), "x").member("y")),
            TagRefusal::ClusterNotFound,
        ),
        (
            Taggable::Service(lab().member("x")),
            TagRefusal::NotFound("service"),
        ),
        (Taggable::Task(lab().member("x")), TagRefusal::NotFound("task")),
        (
            Taggable::ContainerInstance(lab().member("x")),
            TagRefusal::NotFound("container instance"),
        ),
        (
            Taggable::TaskDefinition(TaskDefinitionArn::of(&scope(), "x", 1)),
            TagRefusal::NotFound("task definition"),
        ),
    ];
    for (resource, refusal) in nothing {
        assert_eq!(list(&world, &resource), Err(refusal));
        assert_eq!(change(&world, &resource, put(&[("a", "1")])), Err(refusal));
    }
    end_all(&world, &resources);
    for (resource, kind) in resources[1..4]
        .iter()
        .zip(["service", "task", "container instance"])
    {
        assert_eq!(list(&world, resource), Err(TagRefusal::Inactive(kind)));
    }
    world.write(|tx| delete_cluster(tx, &lab()));
    for resource in &resources[..4] {
        assert_eq!(list(&world, resource), Err(TagRefusal::Inactive("cluster")));
    }
    assert_eq!(list(&world, &resources[4]), Ok(Vec::new()));
}

fn end_all(world: &World, resources: &[Taggable]) {
    let [
        _,
        Taggable::Service(service),
        Taggable::Task(task),
        Taggable::ContainerInstance(instance),
        _,
    ] = resources
    else {
        unreachable!("one of each kind")
    };
    world.report(task.clone(), TaskStatus::Stopped);
    let service = service.clone();
    world.write(move |tx| {
        let deleted = delete_service(tx, &service, true)?;
        tx.put(Service {
            status: ServiceStatus::Inactive,
            ..(*deleted).clone()
        });
        Ok::<_, crate::transitions::ServiceRefusal>(())
    });
    let instance = instance.clone();
    world.write(move |tx| deregister_container_instance(tx, &instance, Deregistration::WhenEmpty));
}
