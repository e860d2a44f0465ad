//! What hosts promise is what their tasks were promised, always.

use std::collections::BTreeMap;

use domain::task::{Task, TaskStatus};
use proptest::prelude::*;

use super::world::{CPU, World};

/// Sums up live tasks by host and compares.
fn check(world: &World) -> Result<(), TestCaseError> {
    let live: Vec<_> = world.store.read(|state| {
        let all = state
            .all::<Task>()
            .filter(|it| it.last_status != TaskStatus::Stopped);
        all.cloned().collect()
    });
    let mut sums: BTreeMap<&str, (u32, u32, u32)> = BTreeMap::new();
    for task in &live {
        let sum = sums.entry(&task.host_id).or_default();
        sum.0 += task.promised.cpu;
        sum.1 += task.promised.memory;
        sum.2 += 1;
    }
    for host in world.hosts() {
        let expected = sums.get(host.id.as_str()).copied().unwrap_or_default();
        let (cpu, memory) = (host.promised.cpu, host.promised.memory);
        prop_assert_eq!((cpu, memory, host.task_count), expected);
        prop_assert!(cpu <= host.total.cpu && memory <= host.total.memory);
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_ledger_is_the_sum_of_live_tasks(
        rooms in prop::collection::vec(0_u32..5, 1..4),
        steps in prop::collection::vec((0_u8..4, 1_u32..6), 1..30),
    ) {
        let world = World::new();
        for room in &rooms {
            world.join(*room);
        }
        let definition = world.definition();
        let room: u32 = rooms.iter().sum();
        let mut tasks = Vec::new();
        let mut stopped = 0;
        for (step, number) in steps {
            let pick = |tasks: &Vec<domain::TaskArn>| tasks.get(number as usize % tasks.len().max(1)).cloned();
            match (step, pick(&tasks)) {
                (0, _) => {
                    let outcome = world.run(world.wanted(&definition, number)).expect("there are instances");
                    let live = tasks.len() - stopped;
                    let expected = number.min(room - u32::try_from(live).expect("few"));
                    prop_assert_eq!(outcome.tasks.len(), expected as usize);
                    prop_assert_eq!(outcome.failures.is_empty(), expected == number);
                    tasks.extend(outcome.tasks.iter().map(|it| it.arn.clone()));
                }
                (1, Some(task)) => world.stop(&task),
                (2, Some(task)) => world.report(&task, TaskStatus::Running),
                (3, Some(task)) => {
                    stopped += usize::from(world.task(&task).last_status != TaskStatus::Stopped);
                    world.report(&task, TaskStatus::Stopped);
                }
                _ => {}
            }
            check(&world)?;
        }
    }
}

#[test]
fn what_does_not_fit_says_what_is_missing() {
    let world = World::new();
    world.join(1);
    let definition = world.definition();
    let outcome = world.run(world.wanted(&definition, 3)).expect("there is one");
    assert_eq!(outcome.tasks.len(), 1);
    assert_eq!(outcome.failures[0].reason, "RESOURCE:CPU");
    assert_eq!(world.hosts()[0].promised.cpu, CPU);
}
