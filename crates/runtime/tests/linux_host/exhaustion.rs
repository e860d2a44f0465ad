//! One container takes all it can get: the others, other tasks and the host live on.

use std::fs;

use agent::host::{Host, PidSharing, SandboxNetwork, SandboxSpec};
use test_support::wait;

use crate::world::{DEADLINE, TASK, World};

/// Each of its processes makes two more as soon as it can; the first stays, whatever happens.
const BOMB: &str =
    "echo lit; bomb() { while :; do bomb | bomb & done; }; bomb 2> /dev/null & exec sleep 1000";
/// Enough for a bomb, few enough for a machine that others use.
const PROCESSES: &str = "256";
/// Of another task.
const OTHER: &str = "fedcba9876543210fedcba9876543210";

impl World {
    /// The files of this name in the groups of the test's task.
    fn task_files(&self, name: &str) -> Vec<std::path::PathBuf> {
        let files = self.groups().into_iter().map(|it| it.join(TASK).join(name));
        files.filter(|it| it.exists()).collect()
    }

    /// Lets the task have few processes only.
    fn limit_processes(&self) {
        let files = self.task_files("pids.max");
        assert!(!files.is_empty(), "a task has a limit of processes");
        for file in files {
            let limit = fs::read_to_string(&file).expect("the limit is read");
            assert!(limit.trim().parse::<u64>().is_ok(), "it is a number: {limit}");
            fs::write(file, PROCESSES).expect("the limit is set");
        }
    }

    /// Waits until the task was refused a process.
    fn await_refusal(&self) {
        // By version of the kernel it is counted in the group with the limit or in that of the process.
        let groups = self.groups().into_iter().map(|it| it.join(TASK));
        let groups = groups.flat_map(|it| {
            let below = fs::read_dir(&it).into_iter().flatten().flatten();
            below.map(|it| it.path()).chain([it]).collect::<Vec<_>>()
        });
        let files: Vec<_> = groups.map(|it| it.join("pids.events")).collect();
        let refused = wait::until("a fork is refused", DEADLINE, || {
            let texts = files.iter().filter_map(|it| fs::read_to_string(it).ok());
            let mut counts =
                texts.filter_map(|it| it.lines().next()?.strip_prefix("max ")?.parse::<u64>().ok());
            Ok(counts.any(|it| it > 0).then_some(()))
        });
        refused.expect("the bomb meets its limit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_containers_only_the_greedy_one_is_killed_for_memory() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    for name in ["one", "two"] {
        let mut quiet = world.script(name, "echo ready; while :; do sleep 1000; done");
        quiet.memory_mib = Some(16);
        world.start(&quiet).await;
        world.await_line(name, "ready").await;
    }
    let mut greedy = world.script("greedy", "x=0123456789abcdef; while :; do x=$x$x; done");
    greedy.memory_mib = Some(16);
    world.start(&greedy).await;
    let exit = world.exit("greedy").await;
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (137, true));
    assert!(!world.has_event(), "the others go on");
    for name in ["one", "two"] {
        let exit = world.kill(name).await;
        assert_eq!((exit.exit_code, exit.is_out_of_memory), (137, false), "{name}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_meets_its_limit_and_is_stopped() {
    for pid in [PidSharing::Container, PidSharing::Task, PidSharing::Host] {
        let mut world = World::new().await;
        world
            .sandbox_with(SandboxSpec {
                network: SandboxNetwork::Bridge,
                pid,
                ..SandboxSpec::default()
            })
            .await;
        world.limit_processes();
        world.start(&world.script("bomb", BOMB)).await;
        world.await_line("bomb", "lit").await;
        world.await_refusal();
        // Another task starts and ends as ever.
        let other = SandboxSpec {
            task_id: OTHER.to_owned(),
            network: SandboxNetwork::Bridge,
            ..SandboxSpec::default()
        };
        world
            .host
            .create_sandbox(&other)
            .await
            .expect("there is room for others");
        let mut neighbour = world.script("neighbour", "exit $(echo 5 | head -n 1)");
        neighbour.task_id = OTHER.to_owned();
        world.start(&neighbour).await;
        assert_eq!(world.exit("neighbour").await.exit_code, 5, "{pid:?}");
        world.host.remove_sandbox(OTHER).await.expect("it is removed");
        assert_eq!(world.kill("bomb").await.exit_code, 137, "{pid:?}");
        for group in world.groups() {
            world.await_empty(&group.join(TASK)).await;
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_goes_with_its_sandbox() {
    let world = World::new().await;
    world
        .sandbox_with(SandboxSpec {
            network: SandboxNetwork::Bridge,
            pid: PidSharing::Host,
            ..SandboxSpec::default()
        })
        .await;
    world.limit_processes();
    world.start(&world.script("bomb", BOMB)).await;
    world.await_line("bomb", "lit").await;
    world.await_refusal();
    world.close().await;
}
