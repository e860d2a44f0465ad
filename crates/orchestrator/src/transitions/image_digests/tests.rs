use std::time::Duration;

use domain::ServiceArn;
use domain::task::TaskStatus;

use super::*;
use crate::controllers::Controller;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::fixture::{World, definition, scope};
use crate::transitions::{self, TaskReport};

const ONE: &str = "sha256:1111";
const OTHER: &str = "sha256:2222";

/// A service of two tasks, of which one container keeps its digest and another does not.
fn world() -> (World, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let made = world.write(|tx| {
        let now = tx.now();
        transitions::register_task_definition(tx, &scope(), "web", |arn, revision| {
            let mut definition = definition(arn, revision, now);
            definition.containers[0].image = "registry.test/web:1".to_owned();
            let mut loose = definition.containers[0].clone();
            loose.name = "loose".to_owned();
            loose.is_version_consistent = Some(false);
            let mut exact = definition.containers[0].clone();
            exact.name = "exact".to_owned();
            exact.image = format!("registry.test/web@{ONE}");
            definition.containers.extend([loose, exact]);
            definition
        })
    });
    let service = world.service_running(&made, 2, 100, 200);
    let arn = service.clone();
    let controller = ServiceDeployments {
        placement_retry: Duration::from_secs(1),
        healthy_after: Duration::ZERO,
        rebalance_pause: Duration::from_secs(5),
        public_addresses: crate::controllers::PUBLIC_ADDRESSES,
    };
    world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
    (world, service)
}

fn report(world: &World, task: &Task, digest: &str) {
    let container = |name: &str| ContainerReport {
        name: name.to_owned(),
        image_digest: Some(digest.to_owned()),
        ..ContainerReport::default()
    };
    let report = TaskReport {
        status: Some(TaskStatus::Running),
        containers: vec![container("web"), container("loose"), container("exact")],
        ..TaskReport::default()
    };
    let arn = task.arn.clone();
    world.write(move |tx| transitions::observe_task(tx, &arn, &report));
}

fn images(world: &World, task: &Task) -> Vec<String> {
    world.store.read(|state| {
        let definition = state.get::<TaskDefinition>(&task.task_definition);
        let containers = definition.iter().flat_map(|it| &it.containers);
        containers.map(|it| pinned_image(state, task, it)).collect()
    })
}

#[test]
fn the_first_task_settles_the_digest_of_the_others() {
    let (world, service) = world();
    let tasks = world.tasks(&service);
    let exact = format!("registry.test/web@{ONE}");
    let by_tag = ["registry.test/web:1", "registry.test/web:1", &exact];
    assert_eq!(images(&world, &tasks[0]), by_tag);

    report(&world, &tasks[0], ONE);
    report(&world, &tasks[1], OTHER);
    let pinned = format!("registry.test/web:1@{ONE}");
    for task in &tasks {
        assert_eq!(
            images(&world, task),
            [pinned.as_str(), "registry.test/web:1", &exact]
        );
    }
    let digests = world.tasks(&service).remove(1).containers.remove(0).image_digest;
    assert_eq!(digests.as_deref(), Some(OTHER), "what it really runs is shown");
}

#[test]
fn tasks_of_no_service_have_what_the_tag_says() {
    let (world, service) = world();
    let mut task = world.tasks(&service).remove(0);
    report(&world, &task, ONE);
    task.service = None;
    assert_eq!(images(&world, &task)[0], "registry.test/web:1");
}

#[test]
fn names_of_the_own_registry_are_read() {
    let own = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    let scope = Scope::new("123456789012", "us-east-1");
    for (image, expected) in [
        (format!("{own}/web"), Some(("web", "latest"))),
        (format!("{own}/team/web:1.0"), Some(("team/web", "1.0"))),
        (
            "210987654321.dkr.ecr.us-east-1.amazonaws.com/web".to_owned(),
            None,
        ),
        ("web:1".to_owned(), None),
    ] {
        let found = in_own_registry(&scope, &image);
        let found = found.as_ref().map(|(key, tag)| (key.name.as_str(), *tag));
        assert_eq!(found, expected, "{image}");
    }
}
