//! Names, scopes and namespaces are not mixed up, and what is gone is not found.

use std::collections::BTreeMap;

use domain::cloud_map::{CustomHealth, NamespaceKind, OperationKind, OperationTarget};

use super::*;

fn scope(region: &str) -> Scope {
    Scope::new("123456789012", region)
}

fn namespace(id: &str, region: &str, name: &str) -> Namespace {
    Namespace {
        id: id.into(),
        scope: scope(region),
        name: name.into(),
        other_http_name: None,
        description: None,
        kind: NamespaceKind::Http,
        creator_request_id: None,
        operation_id: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

fn service(id: &str, namespace_id: &str, name: &str) -> DiscoveryService {
    DiscoveryService {
        id: id.into(),
        scope: scope("us-east-1"),
        namespace_id: namespace_id.into(),
        name: name.into(),
        description: None,
        dns: None,
        dns_at_first: None,
        health_check: None,
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: Timestamp::UNIX_EPOCH,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    }
}

fn instance(service_id: &str, id: &str) -> DiscoveryInstance {
    DiscoveryInstance {
        service_id: service_id.into(),
        id: id.into(),
        attributes: BTreeMap::new(),
        custom_health: CustomHealth::Healthy,
        creator_request_id: None,
        operation_id: None,
        registered_at: Timestamp::UNIX_EPOCH,
    }
}

fn put<R: crate::Record>(state: &mut State, record: R) {
    state.set(&record.key(), Some(Arc::new(record)));
}

#[test]
fn namespaces_are_found_by_name_in_their_scope() {
    let mut state = State::default();
    put(&mut state, namespace("ns-1", "us-east-1", "Shop"));
    put(&mut state, namespace("ns-2", "us-east-1", "depot"));
    put(&mut state, namespace("ns-3", "us-west-1", "shop"));
    let of = |state: &State, region: &str| -> Vec<String> {
        state.namespaces(&scope(region)).map(|it| it.id.clone()).collect()
    };
    assert_eq!(of(&state, "us-east-1"), ["ns-2", "ns-1"], "by name");
    assert_eq!(of(&state, "us-west-1"), ["ns-3"]);
    let found = state.namespace_of_name(&scope("us-east-1"), "SHOP");
    assert_eq!(found.map(|it| it.id.as_str()), Some("ns-1"));
    assert!(state.namespace_of_name(&scope("us-east-1"), "sho").is_none());
    put(&mut state, namespace("ns-1", "us-east-1", "store"));
    assert!(state.namespace_of_name(&scope("us-east-1"), "shop").is_none());
    state.set::<Namespace>(&"ns-2".to_owned(), None);
    assert_eq!(of(&state, "us-east-1"), ["ns-1"]);
}

#[test]
fn of_several_of_one_name_the_one_that_is_meant_stays_the_same() {
    let mut state = State::default();
    let made_at = |second| Timestamp::from_second(second).expect("in range");
    for (id, other_http_name, second) in [
        ("ns-c", None, 1),
        ("ns-b", Some("shop-b"), 2),
        ("ns-a", Some("shop-a"), 3),
    ] {
        let other_http_name = other_http_name.map(str::to_owned);
        let created_at = made_at(second);
        put(
            &mut state,
            Namespace {
                other_http_name,
                created_at,
                ..namespace(id, "us-east-1", "shop")
            },
        );
    }
    let scope = scope("us-east-1");
    let id = |it: Option<&Arc<Namespace>>| it.map(|it| it.id.clone()).unwrap_or_default();
    assert_eq!(id(state.namespace_of_name(&scope, "Shop")), "ns-c");
    assert_eq!(id(state.namespace_of_http_name(&scope, "Shop")), "ns-c");
    assert_eq!(id(state.namespace_of_http_name(&scope, "shop-A")), "ns-a");
    state.set::<Namespace>(&"ns-c".to_owned(), None);
    assert_eq!(id(state.namespace_of_name(&scope, "shop")), "ns-b", "the oldest");
    assert_eq!(id(state.namespace_of_http_name(&scope, "shop")), "");
}

#[test]
fn services_and_instances_stay_with_their_own() {
    let mut state = State::default();
    for (id, namespace, name) in [
        ("srv-1", "ns-1", "web"),
        ("srv-2", "ns-1", "WEB"),
        ("srv-3", "ns-11", "web"),
    ] {
        put(&mut state, service(id, namespace, name));
    }
    let of_name = |name: &str| -> Vec<&str> {
        let found = state.discovery_services_of_name("ns-1", name);
        found.map(|it| it.id.as_str()).collect()
    };
    assert_eq!(of_name("Web"), ["srv-1", "srv-2"]);
    assert!(of_name("we").is_empty());
    assert_eq!(state.discovery_services_of("ns-1").count(), 2);
    for (service, id) in [("srv-1", "b"), ("srv-1", "a"), ("srv-11", "a")] {
        put(&mut state, instance(service, id));
    }
    let ids: Vec<_> = state
        .discovery_instances_of("srv-1")
        .map(|it| it.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn operations_come_in_the_order_of_time() {
    let mut state = State::default();
    for (id, second) in [("b", 1), ("a", 2), ("c", 0)] {
        put(
            &mut state,
            Operation {
                id: id.into(),
                scope: scope("us-east-1"),
                kind: OperationKind::CreateNamespace,
                target: OperationTarget::Namespace("ns-1".into()),
                created_at: Timestamp::from_second(second).expect("in range"),
            },
        );
    }
    let found = state.cloud_map_operations(&scope("us-east-1"));
    assert_eq!(
        found.map(|it| it.id.as_str()).collect::<Vec<_>>(),
        ["c", "b", "a"]
    );
    assert_eq!(state.cloud_map_operation_count(&scope("us-east-1")), 3);
    for id in ["a", "b", "c"] {
        state.set::<Operation>(&id.to_owned(), None);
    }
    assert_eq!(state, State::default(), "no index is left");
}

#[test]
fn what_comes_after_one_is_of_the_same_place() {
    let mut state = State::default();
    for (id, of, name) in [
        ("s1", "ns-1", "Web"),
        ("s2", "ns-1", "web"),
        ("s3", "ns-1", "zoo"),
        ("s4", "ns-2", "zoo"),
    ] {
        put(&mut state, service(id, of, name));
    }
    for (of, id) in [("s1", "a"), ("s1", "b"), ("s1", "c"), ("s2", "d")] {
        put(&mut state, instance(of, id));
    }
    let after = state.discovery_services_after(&service("s1", "ns-1", "Web"));
    let ids: Vec<_> = after.map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["s2", "s3"]);
    let after = state.discovery_instances_after(&instance("s1", "a"));
    let ids: Vec<_> = after.map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["b", "c"]);
}
