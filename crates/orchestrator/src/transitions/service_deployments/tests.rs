use std::time::Duration;

use domain::service::Service;

use super::super::{ServiceChange, update_service};
use super::*;
use crate::controllers::Controller;
use crate::controllers::service_deployments::ServiceDeployments;
use crate::fixture::World;

/// Lets the controller and the agents go on until all is steady.
fn settle(world: &World, service: &ServiceArn) {
    for _ in 0..10 {
        let arn = service.clone();
        let controller = ServiceDeployments {
            placement_retry: Duration::from_secs(1),
            healthy_after: Duration::ZERO,
            rebalance_pause: Duration::from_secs(5),
            public_addresses: crate::controllers::PUBLIC_ADDRESSES,
        };
        world.write(move |tx| Ok::<_, ()>(controller.reconcile(tx, &arn)));
        world.obey(service);
    }
}

fn redeploy(world: &World, service: &ServiceArn) {
    let (arn, definition) = (service.clone(), world.definition());
    let change = ServiceChange {
        task_definition: Some(definition.arn.clone()),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn history(world: &World, service: &ServiceArn) -> Vec<ServiceDeployment> {
    world.store.read(|state| {
        let all = state.deployments_of_service(service);
        all.into_iter().map(|it| (**it).clone()).collect()
    })
}

fn stop(
    world: &World,
    arn: &ServiceDeploymentArn,
) -> Result<ServiceDeploymentStatus, StopServiceDeploymentRefusal> {
    let arn = arn.clone();
    let stopped = world.attempt(move |tx| stop_service_deployment(tx, &arn));
    stopped.map(|it| it.status)
}

fn pass(world: &World) {
    world.clock.advance(Duration::from_secs(1));
}

#[test]
fn a_deployment_is_successful_once_all_tasks_are_of_its_revision() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    let first = history(&world, &service);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].status, ServiceDeploymentStatus::InProgress);
    assert!(first[0].sources.is_empty());
    settle(&world, &service);
    let first = history(&world, &service);
    assert_eq!(first[0].status, ServiceDeploymentStatus::Successful);
    assert!(first[0].finished_at.is_some());
    pass(&world);
    redeploy(&world, &service);
    settle(&world, &service);
    let both = history(&world, &service);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].sources, [first[0].target.clone()]);
    assert_ne!(both[0].target, first[0].target);
    let revision = world.get::<ServiceRevision>(&both[0].target);
    let stored = world.get::<Service>(&service);
    assert_eq!(Some(revision.task_definition), stored.task_definition);
    assert_eq!(stored.deployments[0].revision, revision.arn);
    let number = revision.arn.as_str().rsplit('/').next();
    assert_eq!(number, stored.deployments[0].id.rsplit('/').next());
}

#[test]
fn a_newer_deployment_stops_the_one_under_way() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    pass(&world);
    redeploy(&world, &service);
    let both = history(&world, &service);
    assert_eq!(both[1].status, ServiceDeploymentStatus::Stopped);
    assert!(both[1].status_reason.is_some());
    assert_eq!(both[0].status, ServiceDeploymentStatus::InProgress);
}

#[test]
fn a_stopped_deployment_goes_back_to_the_last_revision_reached() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    settle(&world, &service);
    let good = world.get::<Service>(&service).task_definition;
    pass(&world);
    redeploy(&world, &service);
    let under_way = history(&world, &service)[0].arn.clone();
    let rolling_back = ServiceDeploymentStatus::RollbackInProgress;
    assert_eq!(stop(&world, &under_way), Ok(rolling_back));
    assert_eq!(stop(&world, &under_way), Ok(rolling_back), "asked again");
    settle(&world, &service);
    let ended = world.get::<ServiceDeployment>(&under_way);
    assert_eq!(ended.status, ServiceDeploymentStatus::RollbackSuccessful);
    let stored = world.get::<Service>(&service);
    assert_eq!(stored.task_definition, good);
    assert_eq!(stored.deployments.len(), 1);
    let tasks = world.tasks(&service);
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|it| Some(&it.task_definition) == good.as_ref()));
    assert_eq!(
        stop(&world, &under_way),
        Err(StopServiceDeploymentRefusal::Ended(ended.status))
    );
}

#[test]
fn without_an_earlier_revision_there_is_no_way_back() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    let first = history(&world, &service)[0].arn.clone();
    assert_eq!(
        stop(&world, &first),
        Err(StopServiceDeploymentRefusal::NothingToRollBackTo)
    );
    let unknown = service.part("none");
    assert_eq!(
        stop(&world, &unknown),
        Err(StopServiceDeploymentRefusal::NotFound)
    );
}

#[test]
fn the_history_is_bounded_and_keeps_what_it_refers_to() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(0, 100, 200);
    for _ in 0..SERVICE_DEPLOYMENTS_KEPT + 10 {
        pass(&world);
        redeploy(&world, &service);
    }
    let all = history(&world, &service);
    assert!(all.len() <= SERVICE_DEPLOYMENTS_KEPT + 1, "{}", all.len());
    let has = |arn: &ServiceRevisionArn| {
        world
            .store
            .read(|state| state.get::<ServiceRevision>(arn).is_some())
    };
    assert!(all.iter().all(|it| has(&it.target) && it.sources.iter().all(has)));
}
