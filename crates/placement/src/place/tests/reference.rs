//! The ranking against the plain one: for each task, all candidates are compared by all strategies.

use domain::placement::{BinpackField, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::{ClusterArn, Scope};

use super::*;
use crate::query::attribute;
use crate::rules::Preference;

struct Member {
    host: Host,
    instance: ContainerInstance,
    tasks: InstanceTasks,
}

/// Small numbers, so that many are equal.
fn member((zone, rack, promised, of_group, others): (u8, u8, u32, u32, u32)) -> Member {
    let mut host = host("h", &zone.to_string(), 600, 600);
    host.promised.cpu = promised * 100;
    host.promised.memory = (promised % 3) * 100;
    host.task_count = of_group + others;
    host.is_connected = promised != 5;
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "default");
    Member {
        instance: ContainerInstance {
            arn: cluster.member("h"),
            host_id: "h".to_owned(),
            ec2_instance_id: "i-h".to_owned(),
            status: ContainerInstanceStatus::Active,
            attributes: (rack > 0)
                .then(|| Pair::new("rack", rack.to_string()))
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
        host,
        tasks: InstanceTasks {
            of_group,
            pending: of_group,
            ..InstanceTasks::default()
        },
    }
}

fn strategy(number: u8) -> PlacementStrategy {
    let over = |name: &str| PlacementStrategy::Spread(SpreadField::Attribute(name.to_owned()));
    match number % 6 {
        0 => PlacementStrategy::Random,
        1 => over("ecs.availability-zone"),
        2 => over("rack"),
        3 => PlacementStrategy::Spread(SpreadField::InstanceId),
        4 => PlacementStrategy::Binpack(BinpackField::Cpu),
        _ => PlacementStrategy::Binpack(BinpackField::Memory),
    }
}

/// Splitmix64, as the ranking draws its lots.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn plainly(candidates: &[Candidate<'_>], wanted: &Requirements<'_>, count: usize) -> Vec<usize> {
    let mut hosts: Vec<Host> = candidates.iter().map(|it| it.host.clone()).collect();
    let mut draw = mixed(wanted.seed);
    let mut placed = Vec::new();
    while placed.len() < count {
        let of_group =
            |index: usize| candidates[index].tasks.map_or(0, |it| it.of_group) + times(&placed, index);
        let rank = |index: usize| -> Vec<u64> {
            let host = &hosts[index];
            let lot = mixed(draw ^ index as u64);
            let value = |index: usize, name: &str| {
                let it = &candidates[index];
                attribute(it.host, it.container_instance.expect("is there"), name)
            };
            let rank = |it: &Preference| match it {
                Preference::Random => lot,
                Preference::Spread(SpreadField::InstanceId) => u64::from(of_group(index)),
                Preference::Spread(SpreadField::Attribute(name)) => {
                    let same = (0..candidates.len()).filter(|it| value(*it, name) == value(index, name));
                    same.map(|it| u64::from(of_group(it))).sum()
                }
                Preference::Binpack(BinpackField::Cpu) => u64::from(host.total.cpu - host.promised.cpu),
                Preference::Binpack(BinpackField::Memory) => {
                    u64::from(host.total.memory - host.promised.memory)
                }
                Preference::FewestTasks => u64::from(host.task_count),
            };
            wanted.rules.preferences().iter().map(rank).chain([lot]).collect()
        };
        let is_open = |index: &usize| {
            let candidate = &candidates[*index];
            fits(&hosts[*index], wanted)
                && standing(candidate, wanted).is_empty()
                && unsatisfied(candidate, wanted.rules, wanted.group, times(&placed, *index)).is_empty()
        };
        let open = (0..candidates.len()).filter(is_open);
        let Some(best) = open.min_by_key(|it| rank(*it)) else {
            break;
        };
        hosts[best].promise(wanted.resources).expect("fits");
        placed.push(best);
        draw = mixed(draw);
    }
    placed
}

proptest! {
    #[test]
    fn each_task_goes_where_comparing_all_candidates_would_put_it(
        members in proptest::collection::vec((0_u8..3, 0_u8..3, 0_u32..6, 0_u32..3, 0_u32..2), 1..12),
        strategies in proptest::collection::vec(any::<u8>(), 0..4),
        is_of_service in any::<bool>(), is_distinct in any::<bool>(), is_bounded in any::<bool>(),
        count in 0_u32..24, seed in any::<u64>(),
    ) {
        let members: Vec<Member> = members.into_iter().map(member).collect();
        let candidates: Vec<_> = members
            .iter()
            .map(|it| Candidate {
                host: &it.host,
                container_instance: Some(&it.instance),
                tasks: Some(&it.tasks),
            })
            .collect();
        let constraints = [
            is_distinct.then_some(PlacementConstraint::DistinctInstance),
            is_bounded.then(|| PlacementConstraint::MemberOf("pendingTasksCount < 2".to_owned())),
        ];
        let strategies: Vec<_> = strategies.into_iter().map(strategy).collect();
        let constraints = constraints.iter().flatten();
        let rules = match is_of_service {
            true => Rules::of_service(constraints, &strategies),
            false => Rules::new(constraints, &strategies),
        };
        prop_assume!(!rules.preferences().is_empty());
        let resources = &needs(100, 100);
        let wanted = Requirements { resources, attributes: &[], rules: &rules, group: "service:web", seed };
        let placed = place(&candidates, &wanted, count).placed;
        prop_assert_eq!(placed, plainly(&candidates, &wanted, count as usize));
    }
}
