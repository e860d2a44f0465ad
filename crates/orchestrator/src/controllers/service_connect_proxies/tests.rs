use domain::service_connect::ServiceConnectProxy;
use store::{Change, Changed};

use super::*;
use crate::fixture::{World, offering};

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
