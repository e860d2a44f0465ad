//! The disk is full: what runs goes on, what cannot be made says why, and all is well when there is room again.

use agent::host::{Host, HostError, ProcessSpec, SandboxNetwork, SandboxSpec};

use crate::world::{DEADLINE, TASK, World};

/// MiB of the whole data directory.
const SMALL: u32 = 24;
const FULL: &str = "No space left on device";

impl World {
    fn fill(&self) {
        let disk = self.disk.as_ref().expect("a disk");
        disk.fill().expect("it is filled");
    }

    fn free(&self) {
        let disk = self.disk.as_ref().expect("a disk");
        disk.free().expect("there is room");
    }

    /// Runs a script in the container `app`.
    async fn inside(&self, script: &str) {
        let process = ProcessSpec {
            task_id: TASK.to_owned(),
            container: "app".to_owned(),
            arguments: ["sh", "-c", script].map(str::to_owned).to_vec(),
            timeout: DEADLINE,
            output_bytes: 1000,
        };
        let end = self.host.execute(&process).await.expect("it is executed");
        assert_eq!((end.exit_code, end.is_timed_out), (0, false), "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_lost_line_by_line_and_the_container_goes_on() {
    let mut world = World::on_disk(SMALL).await;
    world.sandbox(SandboxNetwork::Host).await;
    // They talk through files in memory, which a full disk does not touch.
    let script = "echo before; \
                  while ! [ -e /dev/shm/full ]; do sleep 0.01; done; \
                  n=0; while [ $n -lt 2000 ]; do n=$((n + 1)); echo \"during $n of two thousand lines\"; done; \
                  echo > /dev/shm/said; \
                  while ! [ -e /dev/shm/free ]; do sleep 0.01; done; \
                  n=0; while [ $n -lt 100 ]; do n=$((n + 1)); echo \"after $n\"; done; exit 3";
    world.start(&world.script("app", script)).await;
    world.await_line("app", "before").await;
    world.fill();
    world
        .inside("echo > /dev/shm/full; while ! [ -e /dev/shm/said ]; do sleep 0.01; done")
        .await;
    // Nobody reads half a line.
    let during = world.lines("app").await;
    assert!(during.iter().all(|it| is_whole(it)), "{during:?}");
    let chunk = world.host.read_log(TASK, "app", 0, 1 << 20).await;
    let position = chunk.expect("it is read").next_position;
    world.free();
    world.inside("echo > /dev/shm/free").await;
    assert_eq!(world.exit("app").await.exit_code, 3);
    let chunk = world.host.read_log(TASK, "app", position, 1 << 20).await;
    let after = chunk.expect("it is read").lines.into_iter().map(|it| it.message);
    let after: Vec<_> = after.filter(|it| !it.starts_with("during ")).collect();
    let expected: Vec<_> = (1..=100).map(|it| format!("after {it}")).collect();
    assert_eq!(after, expected, "a reader goes on where it was");
    world.close().await;
}

fn is_whole(line: &str) -> bool {
    let is_numbered = line
        .strip_prefix("during ")
        .and_then(|it| it.strip_suffix(" of two thousand lines"))
        .is_some_and(|it| it.parse::<u32>().is_ok());
    is_numbered || line == "before"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_says_why_and_leaves_nothing() {
    let mut world = World::on_disk(SMALL).await;
    let spec = SandboxSpec {
        task_id: TASK.to_owned(),
        network: SandboxNetwork::Bridge,
        ..SandboxSpec::default()
    };
    world.fill();
    let refusal = world
        .host
        .create_sandbox(&spec)
        .await
        .expect_err("there is no room");
    assert!(
        matches!(&refusal, HostError::ResourceInitialization(text) if text.contains(FULL)),
        "{refusal:?}"
    );
    world.settle().await;
    world.free();
    world.sandbox(SandboxNetwork::Bridge).await;
    world.fill();
    let app = world.script("app", "exit 4");
    let refusal = world.refusal(&app).await;
    assert!(refusal.to_string().contains(FULL), "{refusal:?}");
    world.free();
    world.start(&app).await;
    assert_eq!(world.exit("app").await.exit_code, 4);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_that_cannot_be_recorded_is_told_and_known_after_a_restart() {
    let mut world = World::on_disk(SMALL).await;
    world.sandbox(SandboxNetwork::Bridge).await;
    world
        .start(&world.script("app", "echo ready; while :; do sleep 1000; done"))
        .await;
    world.await_line("app", "ready").await;
    world.fill();
    assert_eq!(world.kill("app").await.exit_code, 137);
    let recovered = world.restart().await;
    let exit = recovered[0].containers[0].exit.as_ref().map(|it| it.exit_code);
    assert_eq!(exit, Some(137));
    // It goes while the disk is full: that is how there is room again.
    world.close().await;
}
