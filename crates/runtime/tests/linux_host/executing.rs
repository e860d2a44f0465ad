//! Processes run in containers that run, as health checks do.

use std::time::{Duration, Instant};

use agent::host::{ContainerSpec, Host, HostError, ProcessEnd, ProcessSpec, SandboxNetwork};

use crate::world::{TASK, World};

fn process(script: &str) -> ProcessSpec {
    ProcessSpec {
        task_id: TASK.to_owned(),
        container: "app".to_owned(),
        arguments: ["sh", "-c", script].map(str::to_owned).to_vec(),
        timeout: Duration::from_secs(20),
        output_bytes: 4096,
    }
}

async fn world(change: impl FnOnce(&mut ContainerSpec)) -> World {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    let mut spec = world.script("app", "echo ready; sleep 1000");
    change(&mut spec);
    world.start(&spec).await;
    world.await_line("app", "ready").await;
    world
}

async fn run(world: &World, script: &str) -> ProcessEnd {
    world
        .host
        .execute(&process(script))
        .await
        .expect("it is executed")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_in_the_container_with_all_that_the_first_process_has() {
    let world = world(|spec| {
        spec.environment.insert("MINE".to_owned(), "a b".to_owned());
        spec.working_directory = Some("/made/for/this".to_owned());
        spec.user = Some("web:log".to_owned());
        spec.hostname = Some("here".to_owned());
        spec.ulimits = vec![("nofile".to_owned(), 77, 88)];
    })
    .await;
    let script = "pwd; id -u; id -g; hostname; echo $MINE $FROM_IMAGE; ulimit -n; cat /proc/1/cmdline | head -c 2; \
                  echo; grep -E '^(Seccomp|CapBnd|CapEff|NoNewPrivs):' /proc/self/status";
    let end = run(&world, script).await;
    assert_eq!(end.exit_code, 0, "{}", end.output);
    let lines: Vec<&str> = end.output.lines().collect();
    assert_eq!(
        lines[..7],
        ["/made/for/this", "33", "7", "here", "a b yes", "77", "sl"]
    );
    let first = run(
        &world,
        "grep -E '^(Seccomp|CapBnd|CapEff|NoNewPrivs):' /proc/1/status",
    )
    .await;
    assert_eq!(lines[7..].join("\n"), first.output.trim_end(), "confined alike");
    let script = "for i in ipc uts net pid cgroup mnt; do ls -l /proc/1/ns/$i /proc/self/ns/$i; done";
    let links = run(&world, script).await.output;
    let places: Vec<&str> = links
        .lines()
        .filter_map(|it| Some(it.split_once("-> ")?.1))
        .collect();
    assert_eq!(places.len(), 12, "{links}");
    assert!(places.chunks(2).all(|it| it[0] == it[1]), "{links}");
    let groups = run(&world, "cat /proc/1/cgroup; echo -; cat /proc/self/cgroup")
        .await
        .output;
    let (first, own) = groups.split_once("-\n").expect("two lists");
    assert_eq!(first, own);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_and_the_end_of_its_output_are_told() {
    let world = world(|_| {}).await;
    let end = run(&world, "echo out; echo err >&2; exit 3").await;
    assert_eq!(
        (end.exit_code, end.output.as_str(), end.is_timed_out),
        (3, "out\nerr\n", false)
    );
    let mut long = process("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
    long.output_bytes = 100;
    let end = world.host.execute(&long).await.expect("it is executed");
    assert!(
        end.output.len() <= 100 && end.output.ends_with("line 2999\n"),
        "{}",
        end.output
    );
    let end = run(&world, "kill -9 $$").await;
    assert_eq!(end.exit_code, 137);
    let mut missing = process("");
    missing.arguments = vec!["curl".to_owned()];
    let refusal = world.host.execute(&missing).await.expect_err("there is none");
    assert!(matches!(refusal, HostError::CannotExecute(_)));
    let text = refusal.to_string();
    assert!(
        text.contains("exec: \"curl\": executable file not found in $PATH"),
        "{text}"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_killed_with_its_children() {
    let mut world = world(|_| {}).await;
    let mut slow = process("echo begun; sleep 777 & sleep 777");
    slow.timeout = Duration::from_millis(300);
    let begun = Instant::now();
    let end = world.host.execute(&slow).await.expect("it is executed");
    assert_eq!(
        (end.exit_code, end.output.as_str(), end.is_timed_out),
        (137, "begun\n", true)
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let processes = run(
        &world,
        "for p in /proc/[0-9]*; do cat $p/cmdline; echo; done | grep -c '^sleep.777'",
    )
    .await;
    assert_eq!(processes.output.trim(), "0");

    let host = world.host.clone();
    let waiting = tokio::spawn(async move { host.execute(&process("sleep 1000")).await });
    world
        .host
        .signal_container(TASK, "app", libc::SIGKILL)
        .await
        .expect("it is killed");
    world.exit("app").await;
    let end = waiting.await.expect("it answers");
    assert!(
        end.is_err() || end.is_ok_and(|it| it.exit_code == 137),
        "it goes with its container"
    );
    assert!(
        world.host.execute(&process("true")).await.is_err(),
        "the container has ended"
    );
    world.close().await;
}
