use domain::Scope;
use domain::container_instance::{ContainerInstance, HOST_ADDRESS_ATTRIBUTE};
use domain::tags::Pair;
use store::State;

use super::*;
use crate::fixture::World;
use crate::transitions::{Deregistration, deregister_container_instance, furnish_vpc};

fn hosts(world: &World) -> Vec<(u16, Option<String>)> {
    let of = |state: &State| {
        let hosts = state.all::<Host>();
        let hosts = hosts.map(|it| (it.number, it.address.map(|it| it.to_string())));
        hosts.collect::<Vec<_>>()
    };
    let mut hosts = world.store.read(of);
    hosts.sort();
    hosts
}

#[test]
fn hosts_get_numbers_of_their_own_and_say_where_they_are() {
    let world = World::new();
    let at = |address: &str| vec![Pair::new(HOST_ADDRESS_ATTRIBUTE, address)];
    let first = world.instance(at("192.0.2.1"));
    world.instance(at("not an address"));
    world.instance(at("2001:db8::1"));
    world.instance(at("192.0.2.4"));
    let told = |number, address: &str| (number, Some(address.to_owned()));
    let four = [told(1, "192.0.2.1"), (2, None), (3, None), told(4, "192.0.2.4")];
    assert_eq!(hosts(&world), four);

    let host_id = world.store.read(|state| {
        let instance = state.get::<ContainerInstance>(&first).expect("it is there");
        instance.host_id.clone()
    });
    world.write(move |tx| deregister_container_instance(tx, &first, Deregistration::WhenEmpty));
    let left = world
        .store
        .read(|state| state.get::<Host>(&host_id).map(|it| (it.number, it.address)));
    assert_eq!(left, Some((0, None)), "it is found no more");
    world.instance(at("192.0.2.5"));
    assert!(hosts(&world).contains(&told(5, "192.0.2.5")), "numbers rest");
}

#[test]
fn vpcs_get_numbers_when_they_are_made_or_when_they_have_none() {
    let world = World::new();
    let made = |id: &str| {
        let scope = Scope::new("123456789012", "us-east-1");
        let range = "10.9.0.0/16".parse().expect("a range");
        Vpc::new(id.to_owned(), scope, range, format!("sg-{id}"))
    };
    world.write(move |tx| {
        furnish_vpc(tx, &made("vpc-1"));
        tx.put(made("vpc-2"));
        furnish_vpc(tx, &made("vpc-3"));
        number_vpcs(tx)
    });
    let numbers = |state: &State| {
        let vpcs = ["vpc-1", "vpc-2", "vpc-3"].map(str::to_owned);
        vpcs.map(|it| state.get::<Vpc>(&it).map_or(0, |it| it.vni))
    };
    let [first, second, third] = world.store.read(numbers);
    assert!(first > 0, "{first}");
    assert_eq!((third, second), (first + 1, first + 2));
}

#[test]
fn when_the_highest_number_is_taken_a_free_one_is_found() {
    assert_eq!(free(&[], 3), 1);
    assert_eq!(free(&[1, 2], 3), 3);
    assert_eq!(free(&[3, 1], 3), 2);
    assert_eq!(free(&[3, 2, 1], 3), 0);
}
