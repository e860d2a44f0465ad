//! The agent, a shim or the machine ends at a bad moment.

use std::fs;

use agent::host::{Host, SandboxNetwork};

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
    let is_gone = !fs::read_to_string(format!("/proc/{shim}/comm"))
        .is_ok_and(|it| it.starts_with("gantry-shim"))
        || fs::read_to_string(format!("/proc/{shim}/stat")).is_ok_and(|it| it.contains(") Z "));
    assert!(is_gone);
    // And a sandbox can be made in its place.
    world.sandbox(SandboxNetwork::None).await;
    world.close().await;
}
