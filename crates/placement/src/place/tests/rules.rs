use domain::placement::{BinpackField, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::{ClusterArn, Scope};

use super::*;

/// A container instance with room, its attribute `rack`, and what runs there.
struct Member {
    host: Host,
    instance: ContainerInstance,
    tasks: InstanceTasks,
}

fn member(id: &str, zone: &str, rack: &str) -> Member {
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "default");
    Member {
        host: host(id, zone, 1024, 1024),
        instance: ContainerInstance {
            arn: cluster.member(id),
            host_id: id.to_owned(),
            ec2_instance_id: format!("i-{id}"),
            status: ContainerInstanceStatus::Active,
            attributes: (!rack.is_empty())
                .then(|| Pair::new("rack", rack))
                .into_iter()
                .collect(),
            agent_version: "1.0.0".to_owned(),
            agent_hash: String::new(),
            docker_version: String::new(),
            is_external: false,
            registered_at: domain::Timestamp::UNIX_EPOCH,
            version: 1,
            tags: Vec::new(),
        },
        tasks: InstanceTasks::default(),
    }
}

fn by(members: &[Member], rules: &Rules, count: u32, seed: u64) -> Placement {
    let candidates: Vec<_> = members
        .iter()
        .map(|it| Candidate {
            host: &it.host,
            container_instance: Some(&it.instance),
            tasks: Some(&it.tasks),
        })
        .collect();
    let wanted = Requirements {
        resources: &needs(100, 100),
        attributes: &[],
        rules,
        group: "family:web",
        seed,
    };
    place(&candidates, &wanted, count)
}

fn of_constraint(constraint: PlacementConstraint) -> Rules {
    Rules::new([&constraint], &[])
}

fn member_of(expression: &str) -> Rules {
    of_constraint(PlacementConstraint::MemberOf(expression.to_owned()))
}

fn over(attribute: &str) -> PlacementStrategy {
    PlacementStrategy::Spread(SpreadField::Attribute(attribute.to_owned()))
}

const OVER_INSTANCES: PlacementStrategy = PlacementStrategy::Spread(SpreadField::InstanceId);
const PACK_CPU: PlacementStrategy = PlacementStrategy::Binpack(BinpackField::Cpu);
const PACK_MEMORY: PlacementStrategy = PlacementStrategy::Binpack(BinpackField::Memory);

#[test]
fn distinct_instance_takes_one_task_of_the_group_each() {
    let rules = of_constraint(PlacementConstraint::DistinctInstance);
    let mut members = [member("a", "z", ""), member("b", "z", ""), member("c", "z", "")];
    members[1].tasks.of_group = 1;
    let placement = by(&members, &rules, 3, 0);
    assert_eq!(placement.placed, [0, 2]);
    let refused = [0, 1, 2].map(|it| (it, PlacementRefusal::DistinctInstance));
    assert_eq!(placement.refused, refused);
    assert_eq!(
        PlacementRefusal::DistinctInstance.reason(),
        "DistinctInstance placement constraint unsatisfied."
    );
}

#[test]
fn member_of_takes_only_what_it_means() {
    let members = [member("a", "x", "1"), member("b", "y", "1"), member("c", "y", "")];
    for (expression, expected) in [
        ("attribute:rack == 1", vec![0, 1]),
        ("attribute:rack != 1", vec![2]),
        ("attribute:ecs.availability-zone in [y]", vec![1, 2]),
        ("ec2InstanceId == i-b or attribute:rack !exists", vec![1, 2]),
        ("agentConnected == false", vec![]),
        // Not even an expression.
        ("rack is 1", vec![]),
    ] {
        let placement = by(&members, &member_of(expression), 3, 0);
        let mut used = placement.placed.clone();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, expected, "{expression}");
        let expected: Vec<_> = (0..3)
            .filter(|it| !expected.contains(it))
            .map(|it| (it, PlacementRefusal::MemberOf))
            .collect();
        let of_members = if used.is_empty() { expected } else { Vec::new() };
        assert_eq!(placement.refused, of_members, "{expression}");
    }
}

#[test]
fn constraints_see_the_tasks_placed_before() {
    let members = [member("a", "z", ""), member("b", "z", "")];
    for (expression, placed, refused) in [
        ("not(task:group == family:web)", vec![0, 1], 2),
        ("pendingTasksCount < 2", vec![0, 1, 0, 1], 2),
        // New tasks do not run yet.
        ("runningTasksCount == 0", vec![0, 1, 0, 1, 0], 0),
        ("task:group == family:web", vec![], 2),
    ] {
        let placement = by(&members, &member_of(expression), 5, 0);
        assert_eq!(placement.placed, placed, "{expression}");
        assert_eq!(placement.refused.len(), refused, "{expression}");
    }
}

#[test]
fn all_constraints_must_hold_and_every_reason_is_given() {
    let mut members = [member("a", "z", "1")];
    members[0].tasks.of_group = 1;
    members[0].host.is_connected = false;
    members[0].host.total.cpu = 50;
    let rules = Rules::new(
        &[
            PlacementConstraint::MemberOf("attribute:rack exists".to_owned()),
            PlacementConstraint::MemberOf("attribute:rack == 2".to_owned()),
            PlacementConstraint::DistinctInstance,
        ],
        &[],
    );
    let reasons: Vec<_> = by(&members, &rules, 1, 0)
        .refused
        .iter()
        .map(|(_, it)| it.reason())
        .collect();
    assert_eq!(
        reasons,
        [
            "AGENT",
            "RESOURCE:CPU",
            "DistinctInstance placement constraint unsatisfied.",
            "MemberOf placement constraint unsatisfied."
        ]
    );
}

#[test]
fn strategies_decide_in_their_order() {
    let mut members = [
        member("a", "x", "1"),
        member("b", "x", "2"),
        member("c", "y", "2"),
        member("d", "y", ""),
    ];
    members[1].host.promised.memory = 300;
    members[3].host.promised.cpu = 300;
    members[3].tasks.of_group = 1;
    for (strategies, expected) in [
        (vec![PACK_MEMORY], vec![1, 1, 1]),
        (vec![PACK_CPU], vec![3, 3, 3]),
        // Zone x has none, then both have one: d is the fuller, then y has more.
        (
            vec![over("ecs.availability-zone"), PACK_CPU, PACK_MEMORY],
            vec![1, 3, 1],
        ),
        // No value counts as a value.
        (vec![over("rack"), PACK_MEMORY], vec![1, 0, 1]),
        (vec![OVER_INSTANCES, PACK_MEMORY, PACK_CPU], vec![1, 0, 2]),
    ] {
        let mut placed = by(&members, &Rules::new([], &strategies), 3, 7).placed;
        // Between a and c nothing decides but the lot.
        if strategies[0] == OVER_INSTANCES {
            placed[1..].sort_unstable();
        }
        assert_eq!(placed, expected, "{strategies:?}");
    }
}

#[test]
fn services_spread_their_own_tasks_over_zones_then_instances() {
    let mut members = [member("a", "x", ""), member("b", "x", ""), member("c", "y", "")];
    // Tasks of others count only between equals.
    members[2].host.task_count = 9;
    members[0].host.task_count = 1;
    let rules = Rules::of_service([], &[]);
    assert_eq!(by(&members, &rules, 4, 3).placed, [1, 2, 0, 2]);
    let packed = Rules::of_service([], &[PACK_CPU]);
    assert_eq!(packed, Rules::new([], &[PACK_CPU]));
}

#[test]
fn random_follows_the_seed_and_reaches_everything() {
    let members: Vec<_> = (0..8).map(|it| member(&it.to_string(), "z", "")).collect();
    let rules = Rules::new([], &[PlacementStrategy::Random]);
    let first = |seed| by(&members, &rules, 1, seed).placed[0];
    let reached: BTreeSet<usize> = (0..200).map(first).collect();
    assert_eq!(reached.len(), members.len());
    assert_eq!(by(&members, &rules, 5, 1), by(&members, &rules, 5, 1));
    let of_one_call: BTreeSet<usize> = by(&members, &rules, 10, 1).placed.into_iter().collect();
    assert!(of_one_call.len() > 2, "each task is drawn anew");
}

#[test]
fn fargate_knows_no_constraints() {
    let host = host("a", "z", 1024, 1024);
    let candidate = Candidate {
        host: &host,
        container_instance: None,
        tasks: None,
    };
    let wanted = Requirements {
        resources: &needs(1, 1),
        attributes: &[],
        rules: &member_of("attribute:rack == 1"),
        group: "family:web",
        seed: 0,
    };
    assert_eq!(place(&[candidate], &wanted, 1).placed, [0]);
}

proptest! {
    #[test]
    fn spread_balances(
        racks in proptest::collection::vec(0_u8..4, 1..12), running in proptest::collection::vec(0_u32..4, 12),
        count in 1_u32..10, seed in any::<u64>(),
    ) {
        let mut members: Vec<_> = racks.iter().map(|rack| member("h", "z", &rack.to_string())).collect();
        for (member, running) in members.iter_mut().zip(&running) {
            member.tasks.of_group = *running;
        }
        let placement = by(&members, &Rules::new([], &[over("rack"), OVER_INSTANCES]), count, seed);
        prop_assume!(placement.refused.is_empty());
        let mut of_rack: BTreeMap<u8, u32> = BTreeMap::new();
        for (rack, member) in racks.iter().zip(&members) {
            *of_rack.entry(*rack).or_default() += member.tasks.of_group;
        }
        for index in &placement.placed {
            // Each task went where the fewest were.
            let least = of_rack.values().min().copied();
            let mine = of_rack.entry(racks[*index]).or_default();
            prop_assert_eq!(Some(*mine), least);
            *mine += 1;
            let neighbours = racks.iter().zip(&members).filter(|(rack, _)| **rack == racks[*index]);
            let fewest = neighbours.map(|(_, it)| it.tasks.of_group).min();
            prop_assert_eq!(Some(members[*index].tasks.of_group), fewest);
            members[*index].tasks.of_group += 1;
        }
    }

    #[test]
    fn binpack_takes_what_has_least_left_and_still_fits(
        sizes in proptest::collection::vec((0_u32..1024, 0_u32..1024), 1..12), count in 1_u32..10, seed in any::<u64>(),
    ) {
        let members: Vec<_> = sizes
            .iter()
            .map(|(cpu, memory)| Member { host: host("h", "z", *cpu, *memory), ..member("h", "z", "") })
            .collect();
        let wanted = needs(100, 100);
        let mut ledgers: Vec<Host> = members.iter().map(|it| it.host.clone()).collect();
        for index in by(&members, &Rules::new([], &[PACK_MEMORY]), count, seed).placed {
            let left = |it: &Host| it.total.memory - it.promised.memory;
            let least = ledgers.iter().filter(|it| it.shortages(&wanted).is_empty()).map(left).min();
            prop_assert_eq!(Some(left(&ledgers[index])), least);
            prop_assert!(ledgers[index].promise(&wanted).is_ok());
        }
    }
}

#[test]
fn an_attribute_may_be_asked_for_with_its_value() {
    let members = [
        member("a", "a", "left"),
        member("b", "a", "right"),
        member("c", "a", ""),
    ];
    let candidates: Vec<_> = members
        .iter()
        .map(|it| Candidate {
            host: &it.host,
            container_instance: Some(&it.instance),
            tasks: Some(&it.tasks),
        })
        .collect();
    let placed = |attribute: Pair| {
        let wanted = Requirements {
            resources: &needs(600, 600),
            attributes: &[attribute],
            rules: &Rules::default(),
            group: "family:web",
            seed: 0,
        };
        place(&candidates, &wanted, 3)
    };
    let by_value = placed(Pair::new("rack", "right"));
    assert_eq!(by_value.placed, [1]);
    let missing = PlacementRefusal::Attribute("rack".to_owned());
    for index in [0, 2] {
        assert!(by_value.refused.contains(&(index, missing.clone())));
    }
    let by_name = placed(Pair {
        name: "rack".to_owned(),
        value: None,
    });
    assert_eq!(by_name.placed, [0, 1]);
}
