//! Limits are the kernel's, and running out of memory is told.

use std::fs;

use agent::host::{Host, SandboxNetwork, SandboxSpec, SwapSettings};

use crate::world::{TASK, World};

/// Doubles a string until the kernel says no.
const GREEDY: &str = "x=0123456789abcdef; while :; do x=$x$x; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_wants_too_much_memory_is_killed_and_says_so() {
    let mut world = World::new().await;
    let mut spec = world.script("app", GREEDY);
    spec.memory_mib = Some(16);
    let (_, exit) = world.run(&spec).await;
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (137, true));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_task_holds_for_its_containers() {
    let mut world = World::new().await;
    let spec = SandboxSpec {
        task_id: TASK.to_owned(),
        network: SandboxNetwork::Host,
        cpu_units: Some(512),
        memory_mib: Some(16),
        ..SandboxSpec::default()
    };
    world
        .host
        .create_sandbox(&spec)
        .await
        .expect("the sandbox is made");
    world.start(&world.script("app", GREEDY)).await;
    let exit = world.exit("app").await;
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (137, true));
    let read = |name: &str| {
        let files = world.groups().into_iter().map(|it| it.join(TASK).join(name));
        files
            .filter_map(|it| fs::read_to_string(it).ok())
            .map(|it| it.trim().to_owned())
            .next()
    };
    let quota = read("cpu.cfs_quota_us").or_else(|| read("cpu.max"));
    assert!(quota.is_some_and(|it| it.starts_with("50000")));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_and_soft_limits_reach_the_kernel() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let mut spec = world.script("app", "sleep 1000");
    spec.cpu_shares = Some(512);
    spec.memory_reservation_mib = Some(32);
    spec.memory_mib = Some(64);
    spec.swap = SwapSettings {
        max_swap_mib: Some(16),
        swappiness: Some(10),
    };
    let started = world.start(&spec).await;
    let read = |name: &str| {
        let files = world
            .groups()
            .into_iter()
            .map(|it| it.join(TASK).join(&started.runtime_id).join(name));
        files
            .filter_map(|it| fs::read_to_string(it).ok())
            .map(|it| it.trim().to_owned())
            .next()
    };
    assert!(
        [Some("512".to_owned()), Some("20".to_owned())].contains(&read("cpu.shares").or(read("cpu.weight")))
    );
    if let Some(soft) = read("memory.soft_limit_in_bytes").or(read("memory.low")) {
        assert_eq!(soft, (32 << 20).to_string());
    }
    // Kernels that count no swap have no such files, and version 2 knows no inclination.
    if let Some(both) = read("memory.memsw.limit_in_bytes") {
        assert_eq!(both, (80 << 20).to_string());
    }
    if let Some(swap) = read("memory.swap.max") {
        assert_eq!(swap, (16 << 20).to_string());
    }
    if let Some(swappiness) = read("memory.swappiness") {
        assert_eq!(swappiness, "10");
    }
    world
        .host
        .signal_container(TASK, "app", libc::SIGKILL)
        .await
        .expect("SIGKILL is sent");
    world.exit("app").await;
    world.close().await;
}
