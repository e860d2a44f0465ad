//! Many tasks go up and down.

use std::collections::{BTreeMap, BTreeSet};

use domain::host::Resources;
use domain::tags::Pair;

use super::*;

const TASKS: u32 = 5000;

/// Twenty container instances in each of three zones, each with room for a hundred tasks.
fn large_world() -> World {
    let world = World::new();
    for zone in ["a", "b", "c"].repeat(20) {
        let total = Resources {
            cpu: 1000,
            memory: 6400,
            ports: BTreeSet::new(),
            gpus: 0,
        };
        world.instance_of(total, vec![Pair::new("ecs.availability-zone", zone)]);
    }
    world
}

fn by<K: Ord>(world: &World, service: &ServiceArn, key: impl Fn(&Task) -> K) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for task in world.tasks(service) {
        *counts.entry(key(&task)).or_default() += 1;
    }
    counts
}

fn is_even<K: Ord>(counts: &BTreeMap<K, usize>) -> bool {
    let (least, most) = (counts.values().min(), counts.values().max());
    least.zip(most).is_some_and(|(least, most)| most - least <= 1)
}

/// Looks until as many tasks are wanted; the agents follow afterwards.
fn scaled(world: &World, service: &ServiceArn, count: u32) {
    scale(world, service, count);
    let steps = TASKS / STEP_MAX + 2;
    for _ in 0..steps {
        reconcile(world, service);
    }
    world.obey(service);
    assert_eq!(world.tasks(service).len(), count as usize);
}

#[test]
fn five_thousand_tasks_go_up_and_down_and_stay_balanced() {
    let world = large_world();
    let service = world.service(0, 100, 200);
    for count in [TASKS, 1000, 61, 2] {
        scaled(&world, &service, count);
        let zones = by(&world, &service, |it| it.availability_zone.clone());
        assert!(is_even(&zones), "{count} tasks: {zones:?}");
        let instances = by(&world, &service, |it| it.container_instance.clone());
        assert!(is_even(&instances), "{count} tasks: {instances:?}");
    }
}
