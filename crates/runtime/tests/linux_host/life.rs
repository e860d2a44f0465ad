//! Containers start, write, are signalled and end.

use agent::host::{Host, HostError, LogLimits, SandboxNetwork};

use crate::world::{TASK, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_to_its_exit_code_and_its_output_is_kept() {
    let mut world = World::new().await;
    let spec = world.script("app", "echo out; echo err >&2; printf unfinished; exit 7");
    let (mut lines, exit) = world.run(&spec).await;
    lines.sort();
    assert_eq!(lines, ["err", "out", "unfinished"]);
    assert_eq!((exit.exit_code, exit.is_out_of_memory), (7, false));
    let again = world.start(&spec).await;
    assert_eq!(again.runtime_id.len(), 64);
    assert!(again.runtime_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!world.has_event(), "a repeated start starts nothing");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_the_first_process_and_are_forgotten_after_its_end() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    world
        .start(&world.script(
            "polite",
            "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done",
        ))
        .await;
    world.await_line("polite", "ready").await;
    world
        .host
        .signal_container(TASK, "polite", libc::SIGTERM)
        .await
        .expect("SIGTERM is sent");
    assert_eq!(world.exit("polite").await.exit_code, 3);
    world
        .start(&world.script("stubborn", "trap '' TERM; echo ready; sleep 1000"))
        .await;
    world.await_line("stubborn", "ready").await;
    world
        .host
        .signal_container(TASK, "stubborn", libc::SIGKILL)
        .await
        .expect("SIGKILL is sent");
    assert_eq!(world.exit("stubborn").await.exit_code, 137);
    world
        .host
        .signal_container(TASK, "stubborn", libc::SIGTERM)
        .await
        .expect("it has ended");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_be_executed_is_refused_in_dockers_words() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let cases = [
        (
            "nope",
            "exec: \"nope\": executable file not found in $PATH: unknown",
        ),
        (
            "/bin/nope",
            "exec: \"/bin/nope\": stat /bin/nope: no such file or directory: unknown",
        ),
        (
            "/bin/not-executable",
            "exec: \"/bin/not-executable\": permission denied: unknown",
        ),
        (
            "/bin/not-a-program",
            "exec /bin/not-a-program: exec format error: unknown",
        ),
    ];
    for (program, expected) in cases {
        let mut spec = world.script("app", "");
        spec.command = Some(vec![program.to_owned()]);
        let refusal = world.refusal(&spec).await;
        assert!(matches!(refusal, HostError::CannotStartContainer(_)), "{refusal}");
        let text = refusal.to_string();
        assert!(
            text.contains("failed to create task for container: ") && text.ends_with(expected),
            "{text}"
        );
    }
    // What failed may be tried again.
    world.start(&world.script("app", "true")).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_or_user_is_refused_before_the_start() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let mut spec = world.script("app", "true");
    spec.user = Some("nobody-here".to_owned());
    let refusal = world.refusal(&spec).await.to_string();
    assert!(
        refusal.starts_with("CannotCreateContainerError: unable to find user nobody-here"),
        "{refusal}"
    );
    spec.user = None;
    spec.image_id = format!("sha256:{}", "0".repeat(64));
    assert!(matches!(
        world.refusal(&spec).await,
        HostError::CannotCreateContainer(_)
    ));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_point_environment_and_directory_are_as_asked() {
    let mut world = World::new().await;
    let mut spec = world.script("app", "");
    spec.entry_point = Some(
        ["sh", "-c", "pwd; echo $0 $FROM_IMAGE $MINE $HOME $HOSTNAME"]
            .map(str::to_owned)
            .into(),
    );
    spec.command = Some(vec!["argument".to_owned()]);
    spec.environment.insert("MINE".to_owned(), "a b".to_owned());
    spec.working_directory = Some("/made/for/this".to_owned());
    spec.hostname = Some("here".to_owned());
    let (lines, _) = world.run(&spec).await;
    assert_eq!(lines, ["/made/for/this", "argument yes a b /root here"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_output_is_cut_and_read_on_by_position() {
    let mut world = World::new().await;
    let spec = world.script(
        "app",
        "head -c 40000 /dev/zero | sed 's/./x/g'; echo; for i in 1 2 3; do echo $i; done",
    );
    let mut spec = spec;
    let script = "i=0; while [ $i -lt 4000 ]; do printf 0123456789; i=$((i+1)); done; echo; echo end";
    spec.command = Some(["sh", "-c", script].map(str::to_owned).into());
    let (lines, _) = world.run(&spec).await;
    let lengths: Vec<_> = lines.iter().map(String::len).collect();
    assert_eq!(lengths, [16384, 16384, 7232, 3]);
    let mut position = 0;
    let mut read = Vec::new();
    loop {
        let chunk = world
            .host
            .read_log(TASK, "app", position, 1)
            .await
            .expect("the log is read");
        if chunk.lines.is_empty() {
            break;
        }
        position = chunk.next_position;
        read.extend(chunk.lines.into_iter().map(|it| it.message));
    }
    assert_eq!(read, lines);
    world.close().await;
}

/// Nobody reads it meanwhile, and the container ends all the same.
#[tokio::test(flavor = "multi_thread")]
async fn bounded_output_is_rotated_and_its_end_is_kept() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
    let mut spec = world.script("app", script);
    spec.log_limits = LogLimits {
        file_bytes: Some(16 * 1024),
        files: Some(3),
    };
    world.start(&spec).await;
    assert_eq!(world.exit("app").await.exit_code, 0);
    let folder = world.task_directory().join("containers/app/log");
    let files = std::fs::read_dir(folder).expect("a folder");
    let sizes: Vec<u64> = files
        .map(|it| it.and_then(|it| it.metadata()).expect("a file").len())
        .collect();
    // A file is one read of the pipe longer at most.
    assert_eq!(sizes.len(), 3, "{sizes:?}");
    assert!(sizes.iter().all(|it| *it < (16 + 256) * 1024), "{sizes:?}");
    let end = world.host.read_log_end(TASK, "app", 1).await.expect("is read");
    assert_eq!(end[0].message, "line 19999");
    let first = world.host.read_log(TASK, "app", 0, 1024).await.expect("is read");
    assert_ne!(first.lines[0].message, "line 0", "the oldest is gone");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_reaps_forwards_and_ends_as_its_command() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let mut spec = world.script(
        "app",
        "trap 'exit 5' TERM; cat /proc/1/comm; echo $$; while :; do sleep 0.01; done",
    );
    spec.init_process_enabled = true;
    world.start(&spec).await;
    world.await_line("app", "docker-init").await;
    assert_ne!(world.lines("app").await.get(1).map(String::as_str), Some("1"));
    world
        .host
        .signal_container(TASK, "app", libc::SIGTERM)
        .await
        .expect("SIGTERM is sent");
    assert_eq!(world.exit("app").await.exit_code, 5);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_shared_by_the_containers_of_a_task() {
    let mut world = World::new().await;
    let mount = agent::host::Mount {
        volume: "data".to_owned(),
        target: "/shared/data".into(),
        ..agent::host::Mount::default()
    };
    let mut writer = world.script("writer", "echo written > /shared/data/file");
    writer.mounts.push(mount.clone());
    assert_eq!(world.run(&writer).await.1.exit_code, 0);
    let mut reader = world.script(
        "reader",
        "cat /shared/data/file; touch /shared/data/other 2> /dev/null || echo refused",
    );
    reader.mounts.push(agent::host::Mount {
        read_only: true,
        ..mount
    });
    world.start(&reader).await;
    world.exit("reader").await;
    let lines = world.lines("reader").await;
    assert_eq!(lines, ["written", "refused"]);
    world.close().await;
}
