use std::collections::BTreeSet;

use domain::container_instance::ContainerInstanceStatus;
use domain::host::Resources;
use domain::placement::{AVAILABILITY_ZONE_ATTRIBUTE, PlacementStrategy};
use domain::{ClusterArn, Scope, Timestamp};
use proptest::prelude::*;

use super::*;

fn host(id: &str, zone: &str, promised: u32) -> Host {
    let amount = |amount| Resources {
        cpu: amount,
        memory: amount,
        ports: BTreeSet::new(),
        gpus: 0,
    };
    Host {
        id: id.into(),
        account: "1".into(),
        total: amount(1000),
        promised: amount(promised),
        task_count: promised / 10,
        is_fargate_capacity: false,
        is_connected: true,
        availability_zone: zone.into(),
        number: 1,
        address: None,
    }
}

fn instance(host: &Host) -> ContainerInstance {
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "lab");
    ContainerInstance {
        arn: cluster.member(&host.id),
        host_id: host.id.clone(),
        ec2_instance_id: "i-1".into(),
        status: ContainerInstanceStatus::Active,
        attributes: Vec::new(),
        agent_version: "1".into(),
        agent_hash: String::new(),
        docker_version: "1".into(),
        is_external: false,
        registered_at: Timestamp::UNIX_EPOCH,
        version: 1,
        tags: Vec::new(),
    }
}

struct World {
    hosts: Vec<(Host, ContainerInstance)>,
}

impl World {
    /// Hosts by zone, and how much each has promised.
    fn new(hosts: &[(&str, u32)]) -> Self {
        let hosts = hosts.iter().enumerate().map(|(index, (zone, promised))| {
            let host = host(&format!("h{index}"), zone, *promised);
            let instance = instance(&host);
            (host, instance)
        });
        Self {
            hosts: hosts.collect(),
        }
    }

    fn tasks(&self, tasks: &[(usize, Worth)]) -> Vec<Placed<'_>> {
        let placed = |(on, worth): &(usize, Worth)| Placed {
            host: Some(&self.hosts[*on].0),
            container_instance: Some(&self.hosts[*on].1),
            worth: *worth,
        };
        tasks.iter().map(placed).collect()
    }
}

fn spread(field: &str) -> PlacementStrategy {
    PlacementStrategy::Spread(match field {
        "instanceId" => SpreadField::InstanceId,
        name => SpreadField::Attribute(name.to_owned()),
    })
}

/// What it shows, strategies, where each task is, how many go, and which.
type Case = (
    &'static str,
    Vec<PlacementStrategy>,
    Vec<(usize, Worth)>,
    u32,
    Vec<usize>,
);

#[test]
fn the_balance_is_kept_as_the_strategy_has_it() {
    use Worth::{Healthy, Starting, Unhealthy};
    let world = World::new(&[("a", 300), ("a", 100), ("b", 200), ("c", 50)]);
    let zone = spread(AVAILABILITY_ZONE_ATTRIBUTE);
    let all = |on: &[usize]| -> Vec<(usize, Worth)> { on.iter().map(|it| (*it, Healthy)).collect() };
    let cases: Vec<Case> = vec![
        ("the fullest zone", vec![], all(&[2, 0, 1, 3]), 1, vec![1]),
        ("its fullest instance", vec![], all(&[1, 0, 0, 2]), 1, vec![1]),
        (
            "from each instance one",
            vec![],
            all(&[0, 0, 1, 1, 2, 2]),
            2,
            vec![0, 2],
        ),
        (
            "instances only",
            vec![spread("instanceId")],
            all(&[2, 2, 0, 1]),
            1,
            vec![0],
        ),
        (
            "packed by memory: the emptiest",
            vec![PlacementStrategy::Binpack(BinpackField::Memory)],
            all(&[0, 0, 1, 3, 2]),
            2,
            vec![2, 3],
        ),
        (
            "packed within zones",
            vec![zone, PlacementStrategy::Binpack(BinpackField::Cpu)],
            all(&[0, 0, 1, 3, 2]),
            2,
            vec![0, 2],
        ),
        (
            "at random: in order",
            vec![PlacementStrategy::Random],
            all(&[3, 2, 1]),
            2,
            vec![0, 1],
        ),
        (
            "what starts, then what is unhealthy, whatever the zone",
            vec![],
            vec![
                (0, Healthy),
                (0, Healthy),
                (2, Unhealthy),
                (3, Starting),
                (0, Healthy),
            ],
            3,
            vec![3, 2, 0],
        ),
        ("more than there are", vec![], all(&[0, 1]), 5, vec![0, 1]),
    ];
    for (what, strategies, tasks, count, expected) in cases {
        let rules = Rules::of_service([], &strategies);
        let mut withdrawal = Withdrawal::new(world.tasks(&tasks), &rules);
        assert_eq!(withdrawal.take(|_| true, count), expected, "{what}");
    }
}

#[test]
fn tasks_of_hosts_that_nobody_knows_can_go() {
    let rules = Rules::of_service([], &[]);
    let lost = Placed {
        host: None,
        container_instance: None,
        worth: Worth::Healthy,
    };
    let mut withdrawal = Withdrawal::new(vec![lost, lost], &rules);
    assert_eq!(withdrawal.take(|_| true, 1), [0]);
    assert_eq!(withdrawal.take(|_| true, 1), [1], "and not twice");
    assert!(withdrawal.take(|_| true, 1).is_empty());
}

fn worth(number: u8) -> Worth {
    [Worth::Starting, Worth::Unhealthy, Worth::Healthy][usize::from(number % 3)]
}

proptest! {
    /// As many as asked for, never a protected one, the least worth first, and the zones as even as they can be.
    #[test]
    fn zones_end_as_even_as_they_can(
        zones in proptest::collection::vec(0_u8..4, 1..8),
        tasks in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..6, any::<bool>()), 0..60),
        count in 0_u32..70,
    ) {
        let names: Vec<String> = zones.iter().map(u8::to_string).collect();
        let hosts: Vec<(&str, u32)> = names.iter().map(|it| (it.as_str(), 100)).collect();
        let world = World::new(&hosts);
        let placed: Vec<(usize, Worth)> =
            tasks.iter().map(|(on, kind, _)| (on.index(zones.len()), worth(*kind))).collect();
        let is_free = |index: usize| !tasks[index].2;
        let rules = Rules::of_service([], &[]);
        let taken = Withdrawal::new(world.tasks(&placed), &rules).take(is_free, count);
        let free = (0..tasks.len()).filter(|it| is_free(*it)).count();
        prop_assert_eq!(taken.len(), free.min(count as usize));
        prop_assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len());
        prop_assert!(taken.iter().all(|it| is_free(*it)));
        let is_left = |index: usize| is_free(index) && !taken.contains(&index);
        let dearest = taken.iter().map(|it| placed[*it].1).max();
        let cheapest_left = (0..tasks.len()).filter(|it| is_left(*it)).map(|it| placed[it].1).min();
        prop_assert!(dearest.zip(cheapest_left).is_none_or(|(gone, left)| gone <= left));
        let zone = |index: usize| &names[placed[index].0];
        let after = |name: &String| {
            (0..tasks.len()).filter(|it| !taken.contains(it) && zone(*it) == name).count()
        };
        // No zone that could still lose one of the last kind has over one more than a zone that did.
        for gone in taken.iter().filter(|it| Some(placed[**it].1) == dearest) {
            for left in (0..tasks.len()).filter(|it| is_left(*it) && Some(placed[*it].1) == dearest) {
                prop_assert!(after(zone(left)) <= after(zone(*gone)) + 1);
            }
        }
    }
}
