//! Directories of shared file systems, seen from inside.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::PathBuf;

use agent::host::{
    ContainerSpec, FileOwner, FileSystemVolume, Host, HostError, Mount, SandboxNetwork, SandboxSpec,
};

use crate::world::{TASK, World};

const OWNER: FileOwner = FileOwner { uid: 1234, gid: 4321 };

fn volume(directory: &str) -> FileSystemVolume {
    FileSystemVolume {
        name: "shared".to_owned(),
        file_system_id: "fs-1".to_owned(),
        dns_name: "fs-1.efs".to_owned(),
        directory: PathBuf::from(directory),
        ..FileSystemVolume::default()
    }
}

/// Where the host has the file system, which exists.
fn place(world: &World) -> PathBuf {
    let root = world.directory.path().join("file-systems/fs-1");
    fs::create_dir_all(root.join("data")).expect("is made");
    root
}

fn sandbox(volume: FileSystemVolume) -> SandboxSpec {
    SandboxSpec {
        network: SandboxNetwork::Host,
        file_systems: vec![volume],
        ..SandboxSpec::default()
    }
}

fn container(world: &World, name: &str, user: &str, script: &str) -> ContainerSpec {
    let mut spec = world.script(name, script);
    spec.user = Some(user.to_owned());
    spec.mounts.push(Mount {
        volume: "shared".to_owned(),
        target: "/data".into(),
        ..Mount::default()
    });
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_acts_as_the_user_of_the_access_point() {
    let mut world = World::new().await;
    let root = place(&world);
    chown(root.join("data"), Some(OWNER.uid), Some(OWNER.gid)).expect("is given away");
    let volume = FileSystemVolume {
        user: Some(OWNER),
        ..volume("/data")
    };
    world.sandbox_with(sandbox(volume)).await;
    let script = "touch /data/by-root && stat -c %u:%g /data /data/by-root";
    let by_root = container(&world, "root", "0", script);
    world.start(&by_root).await;
    world.exit("root").await;
    assert_eq!(world.lines("root").await, ["0:0", "0:0"], "its own, as it seems");
    let script = "touch /data/by-user && stat -c %u:%g /data/by-root; ls /data";
    let by_user = container(&world, "user", "77:88", script);
    world.start(&by_user).await;
    world.exit("user").await;
    assert_eq!(world.lines("user").await, ["77:88", "by-root", "by-user"]);
    for name in ["by-root", "by-user"] {
        let it = fs::metadata(root.join("data").join(name)).expect("is there");
        assert_eq!((it.uid(), it.gid()), (OWNER.uid, OWNER.gid), "{name}");
    }
    world.host.remove_sandbox(TASK).await.expect("the sandbox goes");
    assert!(root.join("data/by-user").exists(), "the files stay");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_put_there_later_does_not_lead_out() {
    let world = World::new().await;
    let root = place(&world);
    let outside = world.directory.path().join("outside");
    fs::create_dir(&outside).expect("is made");
    world.sandbox_with(sandbox(volume("/data"))).await;
    fs::remove_dir(root.join("data")).expect("is removed");
    symlink(&outside, root.join("data")).expect("is made");
    let spec = container(&world, "app", "0", "touch /data/escaped");
    let refused = world.refusal(&spec).await;
    assert!(
        matches!(refused, HostError::CannotCreateContainer(_)),
        "{refused}"
    );
    assert_eq!(fs::read_dir(&outside).expect("is there").count(), 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_fails_the_sandbox() {
    let world = World::new().await;
    place(&world);
    let spec = SandboxSpec {
        task_id: TASK.to_owned(),
        ..sandbox(volume("/missing"))
    };
    let text = world
        .host
        .create_sandbox(&spec)
        .await
        .expect_err("is missing")
        .to_string();
    let start =
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: ";
    assert!(
        text.starts_with(start) && text.contains("fs-1.efs:/missing"),
        "{text}"
    );
    world.close().await;
}
