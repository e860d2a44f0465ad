use std::sync::Arc;

use domain::service_connect::ServiceConnectProxy;
use domain::vpc::Subnet;
use store::{Changed, Record};

use super::*;
use crate::fixture::{VPC, World, offering};
use crate::transitions::{ServiceChange, update_service};

/// The hosts that a change of an alias wakes.
#[test]
fn a_new_name_wakes_all_hosts_and_a_task_wakes_its_own() {
    let world = World::new();
    world.instance(Vec::new());
    world.instance(Vec::new());
    let namespace = world.namespace();
    let web = world.try_connected_service("web", offering(&namespace, "web"), 1);
    web.expect("is not refused");
    world.store.read(|state| {
        let alias = state.all::<ClientAlias>().next().expect("is there").clone();
        let made = Change::ClientAlias(Changed {
            before: None,
            after: Some(alias.clone()),
        });
        assert_eq!(ServiceConnectProxies.keys(state, &made).len(), 2);
        let changed = Change::ClientAlias(Changed {
            before: Some(alias.clone()),
            after: Some(alias),
        });
        assert!(ServiceConnectProxies.keys(state, &changed).is_empty());
    });
}

#[test]
fn the_address_of_a_proxy_is_taken_until_it_goes() {
    let world = World::new();
    world.namespace();
    let proxy = ServiceConnectProxy {
        host_id: "gone".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        scope: crate::fixture::scope(),
        subnet_id: "subnet-1".to_owned(),
        address: std::net::Ipv4Addr::new(10, 0, 0, 9),
    };
    let put = proxy.clone();
    world.write(move |tx| {
        tx.put(put);
        Ok::<_, ()>(())
    });
    let taken = || {
        world
            .store
            .read(|state| state.addresses_in_use("subnet-1").contains(&proxy.address))
    };
    assert!(taken());
    assert!(world.follow_proxies().is_empty(), "its host is not there");
    assert!(!taken());
}

/// How many hosts look after one record has become another.
fn woken<R: Record + Clone>(world: &World, before: Option<&R>, after: Option<&R>) -> usize {
    let change = R::into_change(Changed {
        before: before.map(|it| Arc::new(it.clone())),
        after: after.map(|it| Arc::new(it.clone())),
    });
    let keys = |state: &State| ServiceConnectProxies.keys(state, &change);
    world.store.read(keys).len()
}

#[test]
fn a_service_that_moves_to_another_vpc_wakes_all_hosts() {
    let world = World::new();
    world.instance(Vec::new());
    world.instance(Vec::new());
    let namespace = world.namespace();
    let web = world.try_connected_service("web", offering(&namespace, "web"), 1);
    let web = web.expect("is not refused");
    let before = world.stored_service(&web);
    let elsewhere = world.other_vpc();
    let known_in = |vpc_id: &str| world.store.read(|state| state.client_aliases_in(vpc_id).len());
    assert_eq!((known_in(VPC), known_in(&elsewhere.vpc_id)), (1, 0));

    let mut network = before.network_configuration.clone();
    if let Some(it) = &mut network {
        it.subnets = vec![elsewhere.id.clone()];
    }
    let change = ServiceChange {
        network_configuration: network,
        ..ServiceChange::default()
    };
    let arn = web.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
    let moved = world.stored_service(&web);
    assert_eq!((known_in(VPC), known_in(&elsewhere.vpc_id)), (0, 1));
    assert_eq!(woken(&world, Some(&before), Some(&moved)), 2);
    let mut scaled = moved.clone();
    scaled.desired_count += 1;
    assert_eq!(
        woken(&world, Some(&moved), Some(&scaled)),
        0,
        "it stays where it is"
    );
}

#[test]
fn a_subnet_that_goes_wakes_all_hosts_once_there_is_a_name() {
    let world = World::new();
    world.instance(Vec::new());
    let namespace = world.namespace();
    let subnet = world.get::<Subnet>(&"subnet-1".to_owned());
    assert_eq!(woken(&world, Some(&subnet), None), 0, "nobody has a name");
    let web = world.try_connected_service("web", offering(&namespace, "web"), 0);
    web.expect("is not refused");
    assert_eq!(woken(&world, None, Some(&subnet)), 0, "a new one changes nothing");
    assert_eq!(woken(&world, Some(&subnet), None), 1);
}
