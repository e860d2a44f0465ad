//! Namespaces that the containers of a task share with each other or with the host.

use agent::host::{Host, IpcSharing, PidSharing, SandboxNetwork, SandboxSpec};

use crate::world::{TASK, World};

async fn sandbox(world: &World, pid: PidSharing, ipc: IpcSharing) {
    let spec = SandboxSpec {
        network: SandboxNetwork::Host,
        pid,
        ipc,
        ..SandboxSpec::default()
    };
    world.sandbox_with(spec).await;
}

/// Starts a process that outlives its parent, and ends.
const ORPHAN: &str = "sleep 4711 & echo gone";

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_a_task_see_each_others_processes() {
    let mut world = World::new().await;
    sandbox(&world, PidSharing::Task, IpcSharing::Container).await;
    world
        .start(&world.script(
            "one",
            "trap 'exit 9' TERM; echo $$; echo ready; while :; do sleep 0.01; done",
        ))
        .await;
    world.await_line("one", "ready").await;
    let pid = world.lines("one").await[0].clone();
    assert_ne!(pid, "1", "the first process is the task's own");
    // Nothing of the host can be reached through the first process, even by who may trace others.
    let script = format!(
        "cat /proc/1/comm; ls /proc/1/root/ | grep -c .; grep CapBnd /proc/1/status; kill -TERM {pid}"
    );
    let mut other = world.script("two", &script);
    other.capabilities_add.push("SYS_PTRACE".to_owned());
    world.start(&other).await;
    let mut ended = vec![world.any_exit().await, world.any_exit().await];
    ended.sort();
    assert_eq!(ended, [("one".to_owned(), 9), ("two".to_owned(), 0)]);
    assert_eq!(
        world.lines("two").await,
        ["gantry-shim", "0", "CapBnd:\t0000000000000000"]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_outlive_the_first_one_are_killed() {
    for sharing in [PidSharing::Task, PidSharing::Host] {
        let mut world = World::new().await;
        sandbox(&world, sharing, IpcSharing::Container).await;
        world.start(&world.script("app", ORPHAN)).await;
        world.exit("app").await;
        assert_eq!(world.lines("app").await, ["gone"]);
        for group in world.groups() {
            world.await_empty(&group.join(TASK)).await;
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_may_see_the_hosts_processes() {
    let mut world = World::new().await;
    sandbox(&world, PidSharing::Host, IpcSharing::Host).await;
    let own = std::process::id();
    let script =
        format!("cat /proc/{own}/comm; ls -d /dev/shm; stat -f -c %T /dev/mqueue > /dev/null && echo queues");
    world.start(&world.script("app", &script)).await;
    world.exit("app").await;
    let name = std::fs::read_to_string("/proc/self/comm").expect("a name");
    assert_eq!(world.lines("app").await, [name.trim(), "/dev/shm", "queues"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_a_task_share_memory() {
    let mut world = World::new().await;
    sandbox(&world, PidSharing::Container, IpcSharing::Task).await;
    world
        .start(&world.script("one", "readlink /proc/self/ns/ipc; echo text > /dev/shm/file"))
        .await;
    world.exit("one").await;
    // Also for the next agent.
    world.restart().await;
    let namespace = world.lines("one").await.remove(0);
    let script =
        "readlink /proc/self/ns/ipc; cat /dev/shm/file; grep ' /dev/shm ' /proc/mounts | grep -c size=65536k";
    world.start(&world.script("two", script)).await;
    world.exit("two").await;
    assert_eq!(world.lines("two").await, [namespace.as_str(), "text", "1"]);
    let shared = world.task_directory().join("shared/shm");
    let on_host = std::fs::read_dir(shared).expect("a directory");
    assert_eq!(on_host.count(), 0, "the host sees nothing");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_shared_memory_there_is_none() {
    let mut world = World::new().await;
    sandbox(&world, PidSharing::Container, IpcSharing::None).await;
    world
        .start(&world.script("app", "ls -d /dev/shm 2> /dev/null || echo none"))
        .await;
    world.exit("app").await;
    assert_eq!(world.lines("app").await, ["none"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_shared_goes_with_the_sandbox() {
    let world = World::new().await;
    sandbox(&world, PidSharing::Task, IpcSharing::Task).await;
    world
        .start(&world.script("app", "echo ready; while :; do sleep 1; done"))
        .await;
    world.await_line("app", "ready").await;
    let link = world.task_directory().join("shared/ipc");
    let target = std::fs::read_link(link).expect("a link to the namespace");
    assert!(target.exists());
    world.host.remove_sandbox(TASK).await.expect("the sandbox goes");
    world.await_gone(&target).await;
    world.close().await;
}
