//! One of two hosts of a VPC, as `cargo xtask bench networks` measures them: one task at 172.31.0.NUMBER, and the way to the
//! one of the other host. `overlay_host DIRECTORY NUMBER OWN OTHER-NUMBER OTHER`, with the addresses of both hosts, in
//! namespaces of its own for networks and mounts. Says where the task's namespace is bound; ends when its standard input
//! does.

use std::net::Ipv4Addr;

use agent::host::Eni;
use domain::network_traffic::{Direction, Traffic};
use domain::served_network::{
    Exit, Guard, InterfaceKey, NetworksMessage, ServedGroup, ServedHost, ServedInterface, ServedPeer,
    ServedRule, ServedSubnet, ServedVpc,
};
use domain::vpc::Cidr;
use runtime::network::{Network, NetworkConfig};

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
    let host = |number: u8, address: &str| {
        let address = address.parse()?;
        Ok::<_, std::net::AddrParseError>(ServedHost {
            number: number.into(),
            address,
        })
    };
    let hosts = [host(number, own)?, host(other_number, other)?];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let network = Network::open(NetworkConfig::new(directory.into())).await?;
        network.filter(all_pass(hosts)).await?;
        let eni = Eni {
            vpc_id: VPC.to_owned(),
            vpc_cidr: RANGE,
            address: address(number),
            gateway: address(1),
            mac_address: format!("02:42:ac:1f:00:{number:02x}"),
        };
        let namespace = network.attach_task(&eni, "task").await?;
        println!("{}", namespace.display());
        let ended = || std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tokio::task::spawn_blocking(ended).await??;
        network.remove_all().await?;
        Ok(())
    })
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 31, 0, last)
}

/// One task on each of the hosts, the first of which is this one. One group, as a default one: its members reach each other,
/// and may send everything. So connections are tracked.
fn all_pass(hosts: [ServedHost; 2]) -> NetworksMessage {
    let rule = |direction, peer| ServedRule {
        direction,
        traffic: Traffic::All,
        peer,
    };
    let everywhere = ServedPeer::Ranges(vec!["0.0.0.0/0".parse().unwrap_or_default()]);
    let member = |host: &ServedHost| ServedInterface {
        key: InterfaceKey {
            vpc_id: VPC.to_owned(),
            address: address(u8::try_from(host.number).unwrap_or_default()),
        },
        subnet_id: SUBNET.to_owned(),
        guard: Guard::Groups(vec![GROUP.to_owned()]),
        exit: Exit::Private,
        host: Some(host.number),
    };
    let (network, prefix) = RANGE;
    NetworksMessage {
        is_whole: true,
        vpcs: vec![ServedVpc {
            id: VPC.to_owned(),
            vni: 7,
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
        own: Some(hosts[0].number),
        interfaces: hosts.iter().map(member).collect(),
        hosts: hosts.to_vec(),
        ..NetworksMessage::default()
    }
}
