//! Volumes of every kind, seen from inside.

use std::fs;
use std::path::Path;

use agent::host::{DockerVolume, Host, Mount, SandboxNetwork, SandboxSpec, Tmpfs, VolumeScope, VolumesFrom};

use crate::world::{TASK, World};

fn mount(volume: &str, target: &str) -> Mount {
    Mount {
        volume: volume.to_owned(),
        target: target.into(),
        ..Mount::default()
    }
}

fn docker(name: &str, scope: VolumeScope, options: &[(&str, &str)]) -> DockerVolume {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    DockerVolume {
        name: name.to_owned(),
        scope,
        driver_options: options.iter().map(own).collect(),
        ..DockerVolume::default()
    }
}

async fn sandbox(world: &World, volumes: &[DockerVolume]) {
    let spec = SandboxSpec {
        network: SandboxNetwork::Host,
        volumes: volumes.to_vec(),
        ..SandboxSpec::default()
    };
    world.sandbox_with(spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_volumes_take_what_the_image_has_and_host_directories_do_not() {
    let mut world = World::new().await;
    sandbox(&world, &[docker("made", VolumeScope::Task, &[])]).await;
    let host = world.directory.path().join("host");
    let script = "cat /mnt/below/file; echo; ls /etc-of-host /etc/group /declared; touch /declared/new && stat -c %a /declared/of-image";
    let mut spec = world.script("app", script);
    spec.readonly_root_filesystem = true;
    spec.mounts.push(mount("made", "/mnt/below"));
    spec.mounts.push(Mount {
        source: Some(host.clone()),
        ..mount("host", "/etc-of-host")
    });
    world.start(&spec).await;
    world.exit("app").await;
    assert_eq!(
        world.lines("app").await,
        [
            "text",
            "/etc/group",
            "",
            "/declared:",
            "of-image",
            "",
            "/etc-of-host:",
            "640"
        ]
    );
    assert!(host.is_dir(), "it is made");
    world.host.remove_sandbox(TASK).await.expect("the sandbox goes");
    assert!(host.is_dir(), "it stays");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_volume_outlives_its_tasks_and_must_be_there() {
    let mut world = World::new().await;
    let missing = SandboxSpec {
        task_id: TASK.to_owned(),
        network: SandboxNetwork::Host,
        volumes: vec![docker("kept", VolumeScope::Shared, &[])],
        ..SandboxSpec::default()
    };
    let refusal = world.host.create_sandbox(&missing).await.expect_err("is missing");
    assert_eq!(
        refusal.to_string(),
        "initialize volume: volume detection failed, volume 'kept' does not exist and autoprovision is set to false: no such volume"
    );
    assert!(!world.task_directory().exists(), "nothing is left");
    sandbox(&world, &[docker("kept", VolumeScope::SharedAutoprovisioned, &[])]).await;
    let mut writer = world.script("writer", "echo written > /data/file");
    writer.mounts.push(mount("kept", "/data"));
    world.start(&writer).await;
    world.exit("writer").await;
    world.host.remove_sandbox(TASK).await.expect("the sandbox goes");
    sandbox(&world, &missing.volumes).await;
    let mut reader = world.script("reader", "cat /data/file");
    reader.mounts.push(mount("kept", "/data"));
    world.start(&reader).await;
    world.exit("reader").await;
    assert_eq!(world.lines("reader").await, ["written"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_local_driver_are_obeyed() {
    let mut world = World::new().await;
    let bound = world.directory.path().join("bound");
    fs::create_dir(&bound).expect("a directory");
    fs::write(bound.join("file"), "bound").expect("a file");
    let path = bound.to_string_lossy().into_owned();
    let memory = [
        ("type", "tmpfs"),
        ("device", "tmpfs"),
        ("o", "size=1m,uid=33,mode=0700"),
    ];
    let volumes = [
        docker("memory", VolumeScope::Task, &memory),
        docker(
            "bound",
            VolumeScope::Task,
            &[("type", "none"), ("device", &path), ("o", "bind")],
        ),
    ];
    sandbox(&world, &volumes).await;
    let mut first = world.script(
        "first",
        "stat -c '%u %a' /memory; echo here > /memory/file; cat /bound/file",
    );
    first.mounts = vec![mount("memory", "/memory"), mount("bound", "/bound")];
    world.start(&first).await;
    world.exit("first").await;
    assert_eq!(world.lines("first").await, ["33 700", "bound"]);
    let script = "cat /memory/file; head -c 2000000 /dev/zero 2>/dev/null > /memory/big || echo full";
    let mut second = world.script("second", script);
    second.mounts = vec![mount("memory", "/memory")];
    world.start(&second).await;
    world.exit("second").await;
    let lines = world.lines("second").await;
    assert_eq!(
        (
            lines.first().map(String::as_str),
            lines.last().map(String::as_str)
        ),
        (Some("here"), Some("full"))
    );
    let on_host = world.task_directory().join("volumes/memory");
    assert_eq!(
        fs::read_dir(on_host).expect("a directory").count(),
        0,
        "the host sees nothing"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_another_container_come_with_its_paths() {
    let mut world = World::new().await;
    sandbox(&world, &[]).await;
    let mut source = world.script(
        "source",
        "echo of-source > /data/file; echo declared > /declared/file",
    );
    source.mounts.push(mount("data", "/data"));
    world.start(&source).await;
    world.exit("source").await;
    let script = "cat /data/file /declared/file; touch /data/new 2> /dev/null || echo refused; touch /declared/new 2> /dev/null || echo refused";
    let mut taker = world.script("taker", script);
    taker.volumes_from.push(VolumesFrom {
        container: "source".to_owned(),
        read_only: true,
    });
    world.start(&taker).await;
    world.exit("taker").await;
    assert_eq!(
        world.lines("taker").await,
        ["of-source", "declared", "refused", "refused"]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_mounted_with_its_size_and_options() {
    let mut world = World::new().await;
    let script = "grep -E ' /(run|open|dev/shm) ' /proc/mounts; cat /bin/echo > /open/echo; chmod 755 /open/echo; \
                  /open/echo runs; cat /bin/echo > /run/echo; chmod 755 /run/echo; /run/echo runs || echo refused";
    let mut spec = world.script("app", script);
    spec.shared_memory_bytes = Some(8 << 20);
    for (target, options) in [("/run", "size=1m"), ("/open", "exec,mode=0755,size=2m")] {
        spec.tmpfs.push(Tmpfs {
            target: target.into(),
            options: options.split(',').map(str::to_owned).collect(),
        });
    }
    let (lines, _) = world.run(&spec).await;
    let options = |target: &str| {
        let mut found = lines.iter().filter(|it| it.contains(&format!(" {target} ")));
        found.next().cloned().unwrap_or_default()
    };
    assert!(options("/run").contains("noexec") && options("/run").contains("size=1024k"));
    assert!(!options("/open").contains("noexec") && options("/open").contains("mode=755"));
    assert!(options("/dev/shm").contains("size=8192k"));
    assert!(
        lines.contains(&"runs".to_owned()) && lines.contains(&"refused".to_owned()),
        "{lines:?}"
    );
    world.close().await;
    assert!(!Path::new("/run/echo").exists());
}
