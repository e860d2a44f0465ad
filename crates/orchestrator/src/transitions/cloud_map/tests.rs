//! Operations are bounded; revisions follow instances.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::fixture::{World, scope};

fn service() -> DiscoveryService {
    DiscoveryService {
        id: "srv-0123456789abcdef".into(),
        scope: scope(),
        namespace_id: "ns-0123456789abcdef".into(),
        name: "web".into(),
        description: None,
        dns: None,
        dns_at_first: None,
        health_check: None,
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: domain::Timestamp::UNIX_EPOCH,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    }
}

fn instance() -> DiscoveryInstance {
    DiscoveryInstance {
        service_id: service().id,
        id: "web-1".into(),
        attributes: BTreeMap::new(),
        custom_health: CustomHealth::Healthy,
        creator_request_id: None,
        operation_id: None,
        registered_at: domain::Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn the_oldest_operations_are_forgotten() {
    let world = World::new();
    let ids: Vec<String> = (0..3)
        .flat_map(|_| {
            world.clock.advance(std::time::Duration::from_secs(1));
            world.write(|tx| {
                let target = || OperationTarget::Service(service().id);
                let record =
                    |tx: &mut Tx<'_>| record_operation(tx, &scope(), OperationKind::UpdateService, target());
                Ok::<_, Infallible>((0..500).map(|_| record(tx)).collect::<Vec<_>>())
            })
        })
        .collect();
    let (kept, last) = world.store.read(|state| {
        let kept: Vec<_> = state
            .cloud_map_operations(&scope())
            .map(|it| it.id.clone())
            .collect();
        (kept.len(), ids.iter().rev().take(500).all(|it| kept.contains(it)))
    });
    assert_eq!((kept, last), (OPERATIONS_KEPT, true));
}

#[test]
fn each_change_of_an_instance_is_a_revision_of_its_service() {
    let world = World::new();
    let key = (service().id, instance().id);
    let revision = || world.get::<DiscoveryService>(&service().id).instances_revision;
    world.write(|tx| {
        tx.put(service());
        put_instance(tx, instance());
        Ok::<_, Infallible>(())
    });
    assert_eq!(revision(), 2);
    let same = key.clone();
    let is_there =
        world.write(move |tx| Ok::<_, Infallible>(set_custom_health(tx, &same, CustomHealth::Healthy)));
    assert_eq!((is_there, revision()), (true, 2), "nothing has changed");
    let sick = key.clone();
    world.write(move |tx| Ok::<_, Infallible>(set_custom_health(tx, &sick, CustomHealth::Unhealthy)));
    assert_eq!(revision(), 3);
    let gone = key.clone();
    let is_gone = world.write(move |tx| Ok::<_, Infallible>(deregister_instance(tx, &gone)));
    assert_eq!((is_gone, revision()), (true, 4));
    let is_gone = world.write(move |tx| Ok::<_, Infallible>(deregister_instance(tx, &key)));
    assert_eq!((is_gone, revision()), (false, 4), "it was not there");
}
