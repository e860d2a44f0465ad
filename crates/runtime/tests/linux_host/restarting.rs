//! Containers are started again where they ended, as restart policies want it.

use agent::host::{Host, SandboxNetwork};

use crate::world::{TASK, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_goes_on_with_what_it_has_written() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    let script = "if [ -e /mark ]; then echo again; sleep 1000; fi; touch /mark; echo first; exit 4";
    let mut spec = world.script("app", script);
    spec.environment.insert("MINE".to_owned(), "kept".to_owned());
    let first = world.start(&spec).await;
    assert_eq!(world.exit("app").await.exit_code, 4);
    let second = world
        .host
        .restart_container(&spec)
        .await
        .expect("it starts again");
    assert_eq!(second.runtime_id, first.runtime_id);
    assert!(second.started_at > first.started_at);
    world.await_line("app", "again").await;
    assert_eq!(world.lines("app").await, ["first", "again"]);
    let same = world.host.restart_container(&spec).await.expect("it runs");
    assert_eq!(same, second, "repeated, it starts nothing");

    let found = world.restart().await;
    assert_eq!(found[0].containers[0].exit, None, "its end before is not its end");
    assert_eq!(found[0].containers[0].started.started_at, second.started_at);
    let kill = world.host.signal_container(TASK, "app", libc::SIGKILL);
    kill.await.expect("it is killed");
    let exit = world.exit("app").await;
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (137, false));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_for_memory_belongs_to_the_life_in_which_it_happened() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    let script = "if [ -e /mark ]; then exit 9; fi; touch /mark; \
                  x=a; while :; do x=$x$x; done";
    let mut spec = world.script("app", script);
    spec.memory_mib = Some(16);
    world.start(&spec).await;
    let exit = world.exit("app").await;
    assert!(exit.is_out_of_memory, "{exit:?}");
    world
        .host
        .restart_container(&spec)
        .await
        .expect("it starts again");
    let exit = world.exit("app").await;
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (9, false));
    world.close().await;
}
