//! Streams into containers that run: ports in their networks, and their files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use agent::host::{
    ContainerSpec, Host, Mount, SandboxNetwork, StreamError, StreamSpec, StreamTarget, TaskStream,
};
use runtime::copying::{ChunkReader, ChunkWriter, Links, Owners, Root, Target, pack, unpack};
use tokio::sync::mpsc;

use crate::world::{DEADLINE, TASK, World};

fn spec(target: StreamTarget) -> StreamSpec {
    StreamSpec {
        task_id: TASK.to_owned(),
        container: "app".to_owned(),
        target,
    }
}

async fn world(
    network: SandboxNetwork,
    script: &str,
    change: impl FnOnce(&World, &mut ContainerSpec),
) -> World {
    let world = World::new().await;
    world.sandbox(network).await;
    let mut container = world.script("app", script);
    change(&world, &mut container);
    world.start(&container).await;
    world.await_line("app", "ready").await;
    world
}

/// A stream to a port, when something listens there.
async fn connected(world: &World, port: u16) -> TaskStream {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match world.host.open_stream(&spec(StreamTarget::Port(port))).await {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn rest(mut stream: TaskStream) -> Result<Vec<u8>, StreamError> {
    drop(stream.input);
    let reading = async {
        let mut all = Vec::new();
        while let Some(data) = stream.output.recv().await {
            all.extend_from_slice(&data?);
        }
        Ok(all)
    };
    tokio::time::timeout(DEADLINE, reading)
        .await
        .expect("it ends in time")
}

#[tokio::test]
async fn a_port_that_is_bound_to_loopback_only_is_reached_and_half_closes() {
    for (network, port) in [
        (SandboxNetwork::None, 8080),
        (SandboxNetwork::Bridge, 8080),
        (SandboxNetwork::Host, 18_473),
    ] {
        let script = format!("echo ready; while :; do echo answer | nc -l -p {port} 127.0.0.1; done");
        let world = world(network, &script, |_, _| {}).await;
        let mut stream = connected(&world, port).await;
        let answer = tokio::time::timeout(DEADLINE, stream.output.recv()).await;
        let answer = answer.expect("in time").expect("an answer").expect("it is whole");
        assert_eq!(String::from_utf8_lossy(&answer), "answer\n");
        // It has said all, and still listens.
        let end = tokio::time::timeout(DEADLINE, stream.output.recv()).await;
        assert_eq!(end.expect("in time"), None);
        stream.input.send("hello\n".into()).await.expect("it is taken");
        drop(stream.input);
        world.await_line("app", "hello").await;
    }
}

#[tokio::test]
async fn a_refusal_names_the_ports_that_are_listened_on() {
    let script = "nc -l -p 8081 127.0.0.1 & echo ready; sleep 1000";
    let world = world(SandboxNetwork::None, script, |_, _| {}).await;
    let deadline = Instant::now() + DEADLINE;
    let expected = "nothing listens on port 80 in the network of container app; there is somebody on 8081";
    loop {
        let refused = world.host.open_stream(&spec(StreamTarget::Port(80))).await;
        let text = refused.expect_err("nobody is there").0;
        if text == expected {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let other = StreamSpec {
        container: "other".to_owned(),
        ..spec(StreamTarget::Port(80))
    };
    let refused = world
        .host
        .open_stream(&other)
        .await
        .expect_err("no such container");
    assert_eq!(refused.0, "container other is not running (any more)");
}

/// Copies a path of this machine into the container.
async fn put(world: &World, from: &Path, to: &str) -> Result<(), StreamError> {
    let target = StreamTarget::WriteFiles {
        path: PathBuf::from(to),
        name: from
            .file_name()
            .map_or_else(String::new, |it| it.to_string_lossy().into_owned()),
        contents_only: false,
        keep_owners: false,
    };
    let mut stream = world.host.open_stream(&spec(target)).await?;
    let (outputs, mut archive) = mpsc::channel::<Result<bytes::Bytes, StreamError>>(1);
    let from = from.to_owned();
    let packing = tokio::task::spawn_blocking(move || {
        let root = Root::open(Path::new("/")).expect("the root");
        pack(&root, &from, Links::Kept, ChunkWriter::new(outputs))
    });
    while let Some(data) = archive.recv().await {
        if stream.input.send(data?).await.is_err() {
            break;
        }
    }
    drop(archive);
    let _ = packing.await;
    drop(stream.input);
    let ended = tokio::time::timeout(DEADLINE, stream.output.recv()).await;
    match ended.expect("it ends in time") {
        None => Ok(()),
        Some(said) => said.map(|_| ()),
    }
}

/// Copies a path of the container to this machine.
async fn get(world: &World, from: &str, to: &Path) -> Result<(), StreamError> {
    let target = StreamTarget::ReadFiles {
        path: PathBuf::from(from),
        follow_link: false,
    };
    let archive = rest(world.host.open_stream(&spec(target)).await?).await?;
    let (input, inputs) = mpsc::channel(1);
    let target = Target {
        path: to.to_owned(),
        name: "name".into(),
        contents_only: false,
    };
    let unpacking = tokio::task::spawn_blocking(move || {
        let root = Root::open(Path::new("/")).expect("the root");
        unpack(ChunkReader::new(inputs), &root, &target, Owners::Kept)
    });
    let _ = input.send(archive.into()).await;
    drop(input);
    let left_out = unpacking.await.expect("it ends").expect("unpacked");
    assert_eq!(left_out, 0);
    Ok(())
}

#[tokio::test]
async fn files_go_into_containers_and_come_out_of_them() {
    let script = "echo inside > /tmp/mine; ln -s /etc /tmp/etc; echo ready; sleep 1000";
    let world = world(SandboxNetwork::None, script, |_, it| {
        it.tmpfs = vec![agent::host::Tmpfs {
            target: "/tmp".into(),
            options: Vec::new(),
        }];
    })
    .await;
    let here = world.directory.path().join("here");
    std::fs::create_dir_all(here.join("tree/deep")).expect("made");
    let big: Vec<u8> = (0..3_000_000_u32).map(|it| it as u8).collect();
    std::fs::write(here.join("tree/deep/big"), &big).expect("written");
    // Into a file system that only the container has mounted.
    put(&world, &here.join("tree"), "/tmp").await.expect("copied in");
    get(&world, "/tmp/tree", &here.join("back"))
        .await
        .expect("copied out");
    assert_eq!(std::fs::read(here.join("back/deep/big")).expect("is there"), big);
    get(&world, "/tmp/mine", &here.join("mine"))
        .await
        .expect("copied out");
    assert_eq!(
        std::fs::read_to_string(here.join("mine")).expect("is there"),
        "inside\n"
    );
    // Links lead where they lead in the container.
    std::fs::write(here.join("hosts-of-test"), "x").expect("written");
    put(&world, &here.join("hosts-of-test"), "/tmp/etc/")
        .await
        .expect("copied in");
    assert!(!Path::new("/etc/hosts-of-test").exists());
    get(&world, "/etc/hosts-of-test", &here.join("again"))
        .await
        .expect("copied out");
    let refused = get(&world, "/nowhere", &here.join("x"))
        .await
        .expect_err("nothing there");
    assert_eq!(refused.0, "container app: there is no /nowhere");
    // What the kernel makes up is not read.
    get(&world, "/proc", &here.join("proc"))
        .await
        .expect("copied out");
    assert_eq!(std::fs::read_dir(here.join("proc")).expect("is read").count(), 0);
}

#[tokio::test]
async fn what_is_read_only_in_the_container_is_refused() {
    let world = world(SandboxNetwork::None, "echo ready; sleep 1000", |world, it| {
        let source = world.directory.path().join("volume");
        it.readonly_root_filesystem = true;
        it.mounts = [("/ro", true), ("/rw", false)]
            .map(|(target, read_only)| Mount {
                source: Some(source.clone()),
                volume: "v".to_owned(),
                target: target.into(),
                read_only,
            })
            .to_vec();
    })
    .await;
    let file = world.directory.path().join("file");
    std::fs::write(&file, "text").expect("written");
    for (to, path) in [
        ("/", "/file"),
        ("/ro", "/ro/file"),
        ("/etc/passwd", "/etc/passwd"),
    ] {
        let refused = put(&world, &file, to).await.expect_err(to).0;
        let expected = format!("container app: {path} cannot be written: its file system is read-only");
        assert!(refused.starts_with(&expected), "{refused}");
    }
    put(&world, &file, "/rw").await.expect("copied in");
    let copied = world.directory.path().join("volume/file");
    assert_eq!(std::fs::read_to_string(copied).expect("is there"), "text");
}
