//! What a container may not do, and who it is.

use agent::host::{HostError, SandboxNetwork};

use crate::world::World;

/// Value of a line of `/proc/self/status`.
fn status(lines: &[String], name: &str) -> Option<String> {
    let line = lines
        .iter()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_container_is_filtered_and_has_dockers_capabilities() {
    let mut world = World::new().await;
    let mut spec = world.script("app", "");
    spec.command = Some(["cat", "/proc/self/status"].map(str::to_owned).to_vec());
    let (lines, _) = world.run(&spec).await;
    assert_eq!(status(&lines, "Seccomp").as_deref(), Some("2"));
    assert_eq!(status(&lines, "NoNewPrivs").as_deref(), Some("0"));
    for set in ["CapBnd", "CapEff", "CapPrm"] {
        assert_eq!(status(&lines, set).as_deref(), Some("00000000a80425fb"), "{set}");
    }
    for set in ["CapInh", "CapAmb", "SigIgn", "SigBlk"] {
        assert_eq!(status(&lines, set).as_deref(), Some("0000000000000000"), "{set}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_denies_what_docker_denies() {
    let mut world = World::new().await;
    let script = "unshare -U true; unshare -m true; mount -t tmpfs none /mnt; (true) && echo forks";
    let (lines, _) = world.run(&world.script("app", script)).await;
    let refused = lines
        .iter()
        .filter(|line| line.contains("not permitted") || line.contains("denied"))
        .count();
    assert_eq!(refused, 3, "{lines:?}");
    assert!(lines.contains(&"forks".to_owned()), "{lines:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_privileged_container_has_all_that_the_host_has() {
    let mut world = World::new().await;
    let script = "cat /proc/self/status; mount -t tmpfs none /mnt && echo mounted; ls /dev/vda* /dev/kmsg";
    let mut spec = world.script("app", script);
    spec.privileged = true;
    let (lines, _) = world.run(&spec).await;
    assert_eq!(status(&lines, "Seccomp").as_deref(), Some("0"));
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own: Vec<_> = own.lines().map(str::to_owned).collect();
    assert_eq!(status(&lines, "CapEff"), status(&own, "CapBnd"));
    assert!(
        lines.contains(&"mounted".to_owned()) && lines.contains(&"/dev/kmsg".to_owned()),
        "{lines:?}"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_owns_its_output_and_has_no_capabilities() {
    let mut world = World::new().await;
    let mut spec = world.script(
        "app",
        "id; echo $HOME; echo again > /dev/stdout; cat /proc/self/status",
    );
    spec.user = Some("web".to_owned());
    let (lines, _) = world.run(&spec).await;
    assert_eq!(
        lines[..3],
        [
            "uid=33(web) gid=44(www) groups=7(log),44(www)",
            "/var/www",
            "again"
        ]
    );
    assert_eq!(status(&lines, "CapEff").as_deref(), Some("0000000000000000"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_root_cannot_be_written_but_shared_memory_can() {
    let mut world = World::new().await;
    let mut spec = world.script(
        "app",
        "touch /file 2> /dev/null || echo refused; touch /dev/shm/file && echo written",
    );
    spec.readonly_root_filesystem = true;
    let (lines, _) = world.run(&spec).await;
    assert_eq!(lines, ["refused", "written"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_the_host_are_hidden_and_devices_are_few() {
    let mut world = World::new().await;
    let script = "head -c 1 /proc/kcore | cat; ls /sys/firmware; echo 1 > /proc/sys/kernel/pid_max || echo ro; \
                  mknod /tmp-disk b 254 0; head -c 1 /tmp-disk || echo no disk; \
                  head -c 4 /dev/zero > /dev/null && echo zero; df -h /dev/shm | grep -c 64; \
                  ls -ld /proc/1/exe > /dev/null && cat /proc/1/comm; true";
    let (lines, _) = world.run(&world.script("app", script)).await;
    for expected in ["ro", "no disk", "zero", "sh"] {
        assert!(lines.contains(&expected.to_owned()), "{expected}: {lines:?}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_limits_and_capabilities_are_refused_by_name() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Host).await;
    let mut spec = world.script("app", "true");
    spec.ulimits.push(("nofile".to_owned(), 1, 0x7fff_ffff_ffff));
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let may_raise = status(&own.lines().map(str::to_owned).collect::<Vec<_>>(), "CapBnd")
        .and_then(|it| u64::from_str_radix(&it, 16).ok())
        .is_some_and(|it| it & (1 << 24) != 0);
    if !may_raise {
        let refusal = world.refusal(&spec).await;
        assert!(matches!(refusal, HostError::CannotCreateContainer(_)));
        assert!(refusal.to_string().contains("nofile"), "{refusal}");
    }
    spec.ulimits.clear();
    spec.capabilities_add.push("FLY".to_owned());
    assert!(world.refusal(&spec).await.to_string().contains("FLY"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ulimits_and_dropped_capabilities_take_effect() {
    let mut world = World::new().await;
    let mut spec = world.script("app", "ulimit -n; ulimit -Hn; cat /proc/self/status");
    spec.ulimits.push(("nofile".to_owned(), 100, 200));
    spec.capabilities_drop.push("ALL".to_owned());
    spec.capabilities_add.push("CHOWN".to_owned());
    let (lines, _) = world.run(&spec).await;
    assert_eq!(lines[..2], ["100", "200"]);
    assert_eq!(status(&lines, "CapEff").as_deref(), Some("0000000000000001"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_cannot_raise_its_own_limits() {
    let mut world = World::new().await;
    let script = "for it in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do \
                  [ -e $it ] && (echo 1000000000 > $it) 2> /dev/null && echo raised; done; echo tried";
    let mut spec = world.script("app", script);
    spec.memory_mib = Some(32);
    let (lines, _) = world.run(&spec).await;
    assert_eq!(lines, ["tried"]);
    world.close().await;
}
