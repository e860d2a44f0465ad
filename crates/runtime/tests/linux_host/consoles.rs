//! Standard input, terminals, devices and privileges, seen from inside.

use agent::host::{Device, Host, SandboxNetwork, Terminal};

use crate::world::{TASK, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_interactive_container_waits_for_input_and_others_find_its_end() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let script = "cat; echo ended";
    let (lines, _) = world.run(&world.script("closed", script)).await;
    assert_eq!(lines, ["ended"]);
    let mut open = world.script("open", "echo ready; cat; echo ended");
    open.user = Some("web".to_owned());
    open.terminal.is_interactive = true;
    world.start(&open).await;
    world.await_line("open", "ready").await;
    world
        .host
        .signal_container(TASK, "open", libc::SIGKILL)
        .await
        .expect("SIGKILL is sent");
    world.exit("open").await;
    assert_eq!(world.lines("open").await, ["ready"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_real_and_its_output_is_kept() {
    let mut world = World::new().await;
    let script = "tty; stty -a 2> /dev/null | grep -c speed; echo $TERM; echo err >&2; echo own > /dev/stdout; \
                  echo console > /dev/console; stat -c %u $(tty)";
    for user in [None, Some("web".to_owned())] {
        let mut spec = world.script(if user.is_some() { "other" } else { "app" }, script);
        let uid = if user.is_some() { "33" } else { "0" };
        spec.user = user;
        spec.terminal = Terminal {
            is_allocated: true,
            is_interactive: false,
        };
        let (lines, exit) = world.run(&spec).await;
        // A terminal ends its lines as terminals do, and Docker passes that on.
        let expected = ["/dev/pts/0", "1", "xterm", "err", "own", "console", uid];
        assert_eq!(lines, expected.map(|it| format!("{it}\r")), "{exit:?}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_hangs_up_when_its_container_ends() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let mut spec = world.script(
        "app",
        "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done",
    );
    spec.terminal.is_allocated = true;
    world.start(&spec).await;
    world.await_line("app", "ready\r").await;
    world
        .host
        .signal_container(TASK, "app", libc::SIGTERM)
        .await
        .expect("SIGTERM is sent");
    assert_eq!(world.exit("app").await.exit_code, 4);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_there_with_their_permissions() {
    let mut world = World::new().await;
    let script = "true < /dev/mine && echo read; (true > /dev/mine) || echo no write; \
                  head -c 2 /elsewhere > /dev/null && echo elsewhere; ls /dev/fuse /dev/loop-control || echo none";
    let mut spec = world.script("app", script);
    let device = |host: &str, container: &str, permissions: &str| Device {
        host_path: host.into(),
        container_path: container.into(),
        permissions: permissions.to_owned(),
    };
    let candidates = ["/dev/fuse", "/dev/loop-control", "/dev/net/tun"];
    let real = candidates
        .into_iter()
        .find(|it| std::path::Path::new(it).exists())
        .expect("a device that no container has");
    spec.devices.push(device(real, "/dev/mine", "r"));
    spec.devices.push(device("/dev/urandom", "/elsewhere", "rwm"));
    let (lines, _) = world.run(&spec).await;
    for expected in ["read", "no write", "elsewhere", "none"] {
        assert!(lines.contains(&expected.to_owned()), "{expected}: {lines:?}");
    }
    let mut missing = world.script("missing", "true");
    missing.devices.push(device("/dev/nope", "/dev/nope", "rwm"));
    assert_eq!(
        world.refusal(&missing).await.to_string(),
        "CannotCreateContainerError: error gathering device information while adding custom device \
         \"/dev/nope\": no such file or directory"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_privileges_are_refused_if_asked_for() {
    let mut world = World::new().await;
    let mut spec = world.script("app", "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status");
    spec.security.no_new_privileges = true;
    let (lines, _) = world.run(&spec).await;
    assert_eq!(lines, ["NoNewPrivs:\t1", "Seccomp:\t2"]);
    world.close().await;
}
