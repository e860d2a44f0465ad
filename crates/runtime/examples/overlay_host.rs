//! One of two hosts of a VPC, as `cargo xtask bench networks` measures them: one task at 172.31.0.NUMBER, and the way to the
//! one of the other host. `overlay_host DIRECTORY NUMBER OWN OTHER-NUMBER OTHER`, with the addresses of both hosts, in
//! namespaces of its own for networks and mounts. Says where the task's namespace is bound; ends when its standard input
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use agent::host::Eni;
use domain::network_traffic::{Direction, Traffic};
use domain::served_network::{
    Exit, Guard, InterfaceKey, NetworksMessage, ServedGroup, ServedInterface, ServedPeer, ServedRule,
    ServedSubnet, ServedVpc,
};
use domain::vpc::Cidr;
use runtime::network::{Network, NetworkConfig, Overlay, OverlayHost};

const VPC: &str = "vpc-1";
const GROUP: &str = "sg-1";
const SUBNET: &str = "subnet-1";
const RANGE: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 31, 0, 0), 16);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, number, own, other_number, other] = &arguments[..] else {
        return Err("DIRECTORY NUMBER OWN OTHER-NUMBER OTHER".into());
    };
    let (number, other_number): (u8, u8) = (number.parse()?, other_number.parse()?);
    let overlay = Overlay {
        vni: 7,
        own: host(number, own.parse()?),
        others: BTreeMap::from([(
            host(other_number, other.parse()?),
            BTreeSet::from([address(other_number)]),
        )]),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let network = Network::open(NetworkConfig::new(directory.into())).await?;
        network.filter(all_pass(&[number, other_number])).await?;
        let eni = Eni {
            vpc_id: VPC.to_owned(),
            vpc_cidr: RANGE,
            address: address(number),
            gateway: address(1),
            mac_address: format!("02:42:ac:1f:00:{number:02x}"),
        };
        let namespace = network.attach_task(&eni, "task").await?;
        network.set_overlay(VPC, overlay).await?;
        println!("{}", namespace.display());
        let ended = || std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tokio::task::spawn_blocking(ended).await??;
        network.remove_all().await?;
        Ok(())
    })
}

fn host(number: u8, address: Ipv4Addr) -> OverlayHost {
    OverlayHost {
        number: number.into(),
        address,
    }
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 31, 0, last)
}

/// One group, as a default one: its members reach each other, and may send everything. So connections are tracked.
fn all_pass(members: &[u8]) -> NetworksMessage {
    let rule = |direction, peer| ServedRule {
        direction,
        traffic: Traffic::All,
        peer,
    };
    let everywhere = ServedPeer::Ranges(vec!["0.0.0.0/0".parse().unwrap_or_default()]);
    let member = |last: &u8| ServedInterface {
        key: InterfaceKey {
            vpc_id: VPC.to_owned(),
            address: address(*last),
        },
        subnet_id: SUBNET.to_owned(),
        guard: Guard::Groups(vec![GROUP.to_owned()]),
        exit: Exit::Private,
    };
    let (network, prefix) = RANGE;
    NetworksMessage {
        is_whole: true,
        vpcs: vec![ServedVpc {
            id: VPC.to_owned(),
            subnets: vec![ServedSubnet {
                id: SUBNET.to_owned(),
                cidr: Cidr { network, prefix },
                acl: None,
                route_table: None,
            }],
            groups: vec![ServedGroup {
                id: GROUP.to_owned(),
                rules: vec![
                    rule(Direction::Egress, everywhere),
                    rule(Direction::Ingress, ServedPeer::Group(GROUP.to_owned())),
                ],
            }],
            acls: Vec::new(),
            route_tables: Vec::new(),
        }],
        interfaces: members.iter().map(member).collect(),
        ..NetworksMessage::default()
    }
}
