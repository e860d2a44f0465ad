use domain::task::TaskStatus;

use super::*;
use crate::fixture::{World, lab};

const HOUR: Protection = Protection::For(Duration::from_secs(3600));

/// A service with three tasks that run.
fn three_tasks(world: &World) -> Vec<TaskArn> {
    world.instance(Vec::new());
    let service = world.service(3, 100, 200);
    let arn = service.clone();
    world.write(move |tx| {
        let controller = crate::controllers::service_deployments::ServiceDeployments {
            placement_retry: Duration::from_secs(1),
            healthy_after: Duration::ZERO,
            rebalance_pause: Duration::from_secs(5),
            public_addresses: crate::controllers::PUBLIC_ADDRESSES,
        };
        crate::controllers::Controller::reconcile(&controller, tx, &arn);
        Ok::<_, Infallible>(())
    });
    world.obey(&service);
    world.tasks(&service).into_iter().map(|it| it.arn).collect()
}

fn protect(world: &World, task: &TaskArn, wish: Protection) -> Result<Option<Timestamp>, ProtectionRefusal> {
    let tasks = vec![task.clone()];
    let all = world.write(move |tx| update_task_protection(tx, &tasks, wish));
    all.into_iter().next().expect("one for each").1
}

fn is_protected(world: &World, task: &TaskArn) -> Result<bool, ProtectionRefusal> {
    let now = domain::clock::Clock::now(&*world.clock);
    let all = world
        .store
        .read(|state| task_protection(state, std::slice::from_ref(task), now));
    all.into_iter()
        .next()
        .expect("one for each")
        .1
        .map(|it| it.is_some())
}

#[test]
fn protection_ends_by_itself_or_when_it_is_taken_back() {
    let world = World::new();
    let tasks = three_tasks(&world);
    assert_eq!(is_protected(&world, &tasks[0]), Ok(false));
    let until = protect(&world, &tasks[0], HOUR)
        .expect("valid")
        .expect("protected");
    assert_eq!(until.as_second(), 1_700_000_000 + 3600);
    assert_eq!(is_protected(&world, &tasks[0]), Ok(true));
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(is_protected(&world, &tasks[0]), Ok(false));
    protect(&world, &tasks[0], HOUR).expect("valid");
    assert_eq!(protect(&world, &tasks[0], Protection::Off), Ok(None));
    assert_eq!(is_protected(&world, &tasks[0]), Ok(false));
}

#[test]
fn only_tasks_of_services_that_shall_run_are_valid() {
    let world = World::new();
    let tasks = three_tasks(&world);
    let nobody = lab().member("nobody");
    assert_eq!(protect(&world, &nobody, HOUR), Err(ProtectionRefusal::Missing));
    world.report(tasks[0].clone(), TaskStatus::Stopped);
    assert_eq!(
        protect(&world, &tasks[0], HOUR),
        Err(ProtectionRefusal::TaskNotValid)
    );
    let alone = tasks[1].clone();
    world.write(move |tx| {
        let task = tx.get::<Task>(&alone).expect("is there");
        tx.put(Task {
            service: None,
            ..(*task).clone()
        });
        Ok::<_, Infallible>(())
    });
    assert_eq!(
        is_protected(&world, &tasks[1]),
        Err(ProtectionRefusal::TaskNotValid)
    );
}

#[test]
fn a_service_cannot_have_more_protected_tasks_than_it_wants() {
    let world = World::new();
    let tasks = three_tasks(&world);
    world.write(|tx| {
        let change = crate::transitions::ServiceChange {
            desired_count: Some(2),
            ..crate::transitions::ServiceChange::default()
        };
        crate::transitions::update_service(tx, &lab().member("web"), &change)
    });
    for task in &tasks[..2] {
        protect(&world, task, HOUR).expect("valid");
        protect(&world, task, HOUR).expect("may be prolonged");
    }
    assert_eq!(
        protect(&world, &tasks[2], HOUR),
        Err(ProtectionRefusal::DeploymentBlocked)
    );
    assert_eq!(protect(&world, &tasks[2], Protection::Off), Ok(None));
}
