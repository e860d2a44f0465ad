//! The agent, a shim or the machine ends at a bad moment.

use std::fs;
use std::net::Ipv4Addr;

use agent::host::{Eni, Host, SandboxNetwork};

use crate::world::{TASK, World};

fn kill(pid: i32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.is_ok_and(|it| it.success()));
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_outlive_the_agent_and_their_ends_are_known() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let short = world.start(&world.script("short", "exit 4")).await;
    world.exit("short").await;
    let long = world
        .start(&world.script(
            "long",
            "echo begun; while ! [ -e /end ]; do sleep 0.01; done; exit 6",
        ))
        .await;
    let recovered = world.restart().await;
    assert_eq!(recovered.len(), 1);
    let [first, second] = &recovered[0].containers[..] else {
        panic!("{recovered:?}")
    };
    assert_eq!((first.name.as_str(), &first.started), ("long", &long));
    assert_eq!(first.exit, None);
    assert_eq!((second.name.as_str(), &second.started), ("short", &short));
    assert_eq!(second.exit.as_ref().map(|it| it.exit_code), Some(4));
    assert_eq!(world.lines("long").await, ["begun"]);
    world
        .host
        .signal_container(TASK, "long", libc::SIGKILL)
        .await
        .expect("SIGKILL is sent");
    assert_eq!(world.exit("long").await.exit_code, 137);
    assert!(!world.has_event());
    world.start(&world.script("later", "exit 8")).await;
    assert_eq!(world.exit("later").await.exit_code, 8);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_do_not_outlive_their_shim() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    world.start(&world.script("app", "sleep 1000")).await;
    kill(world.shim_pid());
    assert_eq!(world.exit("app").await.exit_code, 137);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_that_died_with_its_agent_is_buried_by_the_next() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    world.start(&world.script("done", "exit 2")).await;
    world.exit("done").await;
    world.start(&world.script("app", "sleep 1000")).await;
    // The sandbox of an agent that is no more.
    let shim = world.shim_pid();
    let record = world.task_directory().join("sandbox.json");
    let hidden = world.task_directory().join("sandbox.hidden");
    fs::rename(&record, &hidden).expect("the record is hidden");
    fs::rename(&hidden, &record).expect("the record is back");
    kill(shim);
    let recovered = world.restart().await;
    let codes: Vec<_> = recovered[0]
        .containers
        .iter()
        .map(|it| (it.name.clone(), it.exit.as_ref().map(|it| it.exit_code)))
        .collect();
    assert_eq!(
        codes,
        [("app".to_owned(), Some(137)), ("done".to_owned(), Some(2))]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_another_boot_everything_has_ended() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    world.start(&world.script("app", "sleep 1000")).await;
    let record = world.task_directory().join("sandbox.json");
    let text = fs::read_to_string(&record).expect("the record");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the boot id");
    let other = text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000");
    assert_ne!(text, other);
    fs::write(&record, other).expect("the record is changed");
    let recovered = world.restart().await;
    let exit = recovered[0].containers[0].exit.as_ref().expect("an exit");
    assert_eq!(exit.exit_code, 137);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_made_sandboxes_are_removed() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    fs::remove_file(world.task_directory().join("sandbox.json")).expect("the record is removed");
    let shim = world.shim_pid();
    assert_eq!(world.restart().await, []);
    assert!(!world.task_directory().exists());
    world.await_end(shim).await;
    // And a sandbox can be made in its place.
    world.sandbox(SandboxNetwork::None).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_that_is_killed_under_a_stop_leaves_nothing_in_any_network() {
    let eni = Eni {
        vpc_id: "vpc-0a1b2c3d".to_owned(),
        vpc_cidr: (Ipv4Addr::new(172, 31, 0, 0), 16),
        address: Ipv4Addr::new(172, 31, 16, 5),
        gateway: Ipv4Addr::new(172, 31, 16, 1),
        mac_address: "02:42:ac:1f:10:05".to_owned(),
    };
    for network in [
        SandboxNetwork::Awsvpc(eni),
        SandboxNetwork::Bridge,
        SandboxNetwork::None,
    ] {
        let mut world = World::new().await;
        world.sandbox(network.clone()).await;
        let deaf = "trap '' TERM QUIT; echo ready; while :; do sleep 0.1; done";
        for name in ["one", "two"] {
            world.start(&world.script(name, deaf)).await;
            world.await_line(name, "ready").await;
            let asked = world.host.signal_container(TASK, name, libc::SIGTERM).await;
            asked.expect("SIGTERM is sent");
        }
        kill(world.shim_pid());
        let mut ended = [world.any_exit().await, world.any_exit().await];
        ended.sort();
        let expected = ["one", "two"].map(|it| (it.to_owned(), 137));
        assert_eq!(ended, expected, "{network:?}");
        // The time-out of the stop comes later, and finds nobody.
        for name in ["one", "two"] {
            let killed = world.host.signal_container(TASK, name, libc::SIGKILL).await;
            killed.expect("there is nothing to kill");
        }
        assert!(!world.has_event(), "each end is told once");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_without_containers_is_filled_by_the_next_agent() {
    for network in [SandboxNetwork::Bridge, SandboxNetwork::None] {
        let mut world = World::new().await;
        world.sandbox(network).await;
        let recovered = world.restart().await;
        assert_eq!((recovered.len(), recovered[0].containers.len()), (1, 0));
        // As the agent does it that finds no container in it.
        world.sandbox(SandboxNetwork::Bridge).await;
        world.start(&world.script("app", "exit 5")).await;
        assert_eq!(world.exit("app").await.exit_code, 5);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shim_that_lives_but_cannot_be_reached_is_replaced_by_its_end() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    world.start(&world.script("app", "sleep 1000")).await;
    // As one that hangs: nobody gets an answer, and the others must not wait for it.
    fs::remove_file(world.task_directory().join("shim.sock")).expect("the socket is removed");
    let recovered = world.restart().await;
    let exit = recovered[0].containers[0].exit.as_ref().map(|it| it.exit_code);
    assert_eq!(exit, Some(137));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_holds_is_seen_by_those_who_count() {
    let world = World::new().await;
    let before = world.held();
    world.sandbox(SandboxNetwork::Bridge).await;
    world.start(&world.script("app", "sleep 1000")).await;
    let held = world.held();
    assert!(held.mounts.len() > before.mounts.len(), "{held:?}");
    assert!(held.groups.len() > before.groups.len(), "{held:?}");
    assert!(held.links.len() > before.links.len(), "{held:?}");
    assert!(held.leases.len() > before.leases.len(), "{held:?}");
    assert!(held.directories.len() > before.directories.len(), "{held:?}");
    assert!(held.processes.len() > before.processes.len() + 1, "{held:?}");
    assert!(held.connections > before.connections, "{held:?}");
    world.close().await;
}
