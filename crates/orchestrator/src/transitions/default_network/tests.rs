//! The default VPC is made once, also over one of a time before it had anything but subnets.

use domain::dhcp_options::DhcpOptions;
use domain::network_acl::NetworkAcl;
use domain::security_group::SecurityGroup;

use super::*;
use crate::fixture::{World, scope};

fn ensure(world: &World) -> (Arc<Vpc>, Vec<Arc<Subnet>>) {
    let cidr = "172.31.0.0/16".parse().expect("a range");
    world.write(move |tx| Ok::<_, std::convert::Infallible>(ensure_default_network(tx, &scope(), cidr)))
}

#[test]
fn it_is_made_once() {
    let world = World::new();
    let (vpc, subnets) = ensure(&world);
    assert!(vpc.is_default && vpc.has_dns_hostnames && subnets.len() == 3);
    assert_eq!(ensure(&world), (vpc, subnets));
}

#[test]
fn its_subnets_come_by_zone_and_those_of_others_last() {
    let world = World::new();
    let (_, subnets) = ensure(&world);
    let others = subnets[0].clone();
    world.write(move |tx| {
        let others = Subnet {
            id: "subnet-0".to_owned(),
            cidr: "172.31.96.0/20".parse().expect("a range"),
            is_default: false,
            ..Subnet::clone(&others)
        };
        tx.put(others);
        Ok::<_, std::convert::Infallible>(())
    });
    let (_, subnets) = ensure(&world);
    let zones: Vec<&str> = subnets.iter().map(|it| it.availability_zone.as_str()).collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1a"]);
    assert_eq!(subnets[3].id, "subnet-0");
}

#[test]
fn a_bare_one_is_furnished() {
    let world = World::new();
    let bare = world.write(|tx| {
        let vpc = tx.put(Vpc::new(
            "vpc-1".to_owned(),
            scope(),
            "10.1.0.0/16".parse().expect("a range"),
            "sg-1".to_owned(),
        ));
        let subnet = Subnet {
            id: "subnet-1".to_owned(),
            scope: scope(),
            vpc_id: vpc.id.clone(),
            cidr: "10.1.0.0/20".parse().expect("a range"),
            availability_zone: "us-east-1a".to_owned(),
            is_default: false,
            maps_public_ip_on_launch: false,
            tags: Vec::new(),
        };
        tx.put(subnet);
        Ok::<_, std::convert::Infallible>(vpc)
    });
    let (vpc, subnets) = ensure(&world);
    assert_eq!((&vpc.id, vpc.is_default), (&bare.id, true));
    assert!(subnets.len() == 1 && subnets[0].is_default);
    let group: SecurityGroup = world.get(&"sg-1".to_owned());
    assert_eq!(group.vpc_id, vpc.id);
    let obeyed = world.write(|tx| {
        let acl = tx.state().all::<NetworkAcl>().next().cloned();
        Ok::<_, std::convert::Infallible>(acl)
    });
    assert_eq!(obeyed.map(|it| it.associations.len()), Some(1));
    assert_eq!(ensure(&world).0, vpc);
}

#[test]
fn vpcs_from_before_there_was_a_default_set_of_dhcp_options_use_it() {
    let world = World::new();
    let sets = || {
        world.store.read(|state| {
            let all = state.dhcp_options(&scope()).cloned();
            all.collect::<Vec<Arc<DhcpOptions>>>()
        })
    };
    let (vpc, _) = ensure(&world);
    let made = sets();
    assert_eq!(made.len(), 1);
    assert!(made[0].is_default && made[0].vpc_ids == [vpc.id.clone()]);
    let id = made[0].id.clone();
    world.write(move |tx| {
        tx.delete::<DhcpOptions>(&id);
        Ok::<_, std::convert::Infallible>(())
    });
    ensure(&world);
    assert_eq!(sets()[0].vpc_ids, std::slice::from_ref(&vpc.id));
}
