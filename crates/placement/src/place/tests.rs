use std::collections::BTreeSet;

use domain::container_definition::TransportProtocol;
use domain::host::{HostPort, Shortage};
use proptest::prelude::*;

use super::*;

mod reference;
mod rules;

fn host(id: &str, zone: &str, cpu: u32, memory: u32) -> Host {
    Host {
        id: id.into(),
        account: "1".into(),
        total: Resources {
            cpu,
            memory,
            ports: BTreeSet::new(),
            gpus: 0,
        },
        promised: Resources::default(),
        task_count: 0,
        is_fargate_capacity: true,
        is_connected: true,
        availability_zone: zone.into(),
        number: 1,
        address: None,
    }
}

fn needs(cpu: u32, memory: u32) -> Resources {
    Resources {
        cpu,
        memory,
        ports: BTreeSet::new(),
        gpus: 0,
    }
}

fn on(hosts: &[Host], resources: &Resources, count: u32) -> Placement {
    let candidates: Vec<_> = hosts
        .iter()
        .map(|host| Candidate {
            host,
            container_instance: None,
            tasks: None,
        })
        .collect();
    place(
        &candidates,
        &Requirements {
            resources,
            attributes: &[],
            rules: &Rules::default(),
            group: "family:web",
            seed: 0,
        },
        count,
    )
}

#[test]
fn tasks_spread_over_zones_then_over_hosts() {
    let hosts = [
        host("a1", "a", 4096, 4096),
        host("a2", "a", 4096, 4096),
        host("b1", "b", 4096, 4096),
    ];
    assert_eq!(on(&hosts, &needs(1, 1), 4).placed, [0, 2, 1, 2]);
}

#[test]
fn what_does_not_fit_says_what_is_short_on_each_host() {
    let hosts = [host("a", "a", 1024, 512), host("b", "b", 256, 4096)];
    let placement = on(&hosts, &needs(1024, 512), 2);
    assert_eq!(placement.placed, [0]);
    assert_eq!(
        placement.refused,
        [
            (0, PlacementRefusal::Resource(Shortage::Cpu)),
            (0, PlacementRefusal::Resource(Shortage::Memory)),
            (1, PlacementRefusal::Resource(Shortage::Cpu)),
        ]
    );
}

#[test]
fn a_fixed_port_is_there_once_a_host() {
    let port = HostPort {
        port: 80,
        protocol: TransportProtocol::Tcp,
    };
    let wanted = Resources {
        ports: BTreeSet::from([port]),
        ..needs(1, 1)
    };
    let hosts = [host("a", "a", 1024, 512), host("b", "a", 1024, 512)];
    let placement = on(&hosts, &wanted, 3);
    assert_eq!(placement.placed, [0, 1]);
    assert!(
        placement
            .refused
            .iter()
            .all(|(_, it)| *it == PlacementRefusal::Resource(Shortage::Ports))
    );
}

#[test]
fn nobody_has_gpus_to_give() {
    let wanted = Resources {
        gpus: 1,
        ..needs(1, 1)
    };
    let placement = on(&[host("a", "a", 1024, 512)], &wanted, 1);
    assert_eq!(
        placement.refused,
        [(0, PlacementRefusal::Resource(Shortage::Gpu))]
    );
}

#[test]
fn lost_agents_take_nothing() {
    let mut lost = host("a", "a", 1024, 512);
    lost.is_connected = false;
    assert_eq!(
        on(&[lost], &needs(1, 1), 1).refused,
        [(0, PlacementRefusal::Agent)]
    );
}

proptest! {
    #[test]
    fn nothing_is_promised_twice(
        sizes in proptest::collection::vec((0_u32..4096, 0_u32..4096, 0_u8..3), 0..12),
        cpu in 1_u32..2048, memory in 1_u32..2048, count in 0_u32..20,
    ) {
        let hosts: Vec<Host> =
            sizes.iter().map(|(cpu, memory, zone)| host("h", &zone.to_string(), *cpu, *memory)).collect();
        let wanted = needs(cpu, memory);
        let placement = on(&hosts, &wanted, count);
        let mut ledgers = hosts.clone();
        for index in &placement.placed {
            prop_assert!(ledgers[*index].promise(&wanted).is_ok(), "overcommitted");
        }
        let has_room = ledgers.iter().any(|it| it.shortages(&wanted).is_empty());
        prop_assert!(placement.placed.len() == count as usize || !has_room, "left a place unused");
        prop_assert_eq!(placement.refused.is_empty(), placement.placed.len() == count as usize || hosts.is_empty());
    }
}
