//! File systems of EFS: made with the AWS CLI, mounted by real containers.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use test_support::aws::Aws;

use crate::world::{World, text};

/// How long a file system may take to be made.
const DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

fn efs(aws: &Aws, arguments: &[&str]) -> Result<Value> {
    aws.json(&[&["efs"], arguments].concat())
}

/// A file system that can be mounted: its id.
fn file_system(world: &World, token: &str) -> Result<String> {
    let made = efs(&world.aws, &["create-file-system", "--creation-token", token])?;
    assert_eq!(made["LifeCycleState"], "creating");
    let id = text(&made["FileSystemId"]);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let described = efs(&world.aws, &["describe-file-systems", "--file-system-id", &id])?;
        match described["FileSystems"][0]["LifeCycleState"].as_str() {
            Some("available") => break,
            Some("creating") if Instant::now() < deadline => std::thread::sleep(POLL),
            other => bail!("it is {other:?}"),
        }
    }
    let subnets = world.aws.json(&["ec2", "describe-subnets"])?;
    let subnet = text(&subnets["Subnets"][0]["SubnetId"]);
    let target = [
        "create-mount-target",
        "--file-system-id",
        &id,
        "--subnet-id",
        &subnet,
    ];
    efs(&world.aws, &target)?;
    Ok(id)
}

/// Where the host has it.
fn place(world: &World, id: &str) -> PathBuf {
    world.gantry.data_dir().join("file-systems").join(id)
}

/// Runs a script with a file system at `/data` to its end.
fn run(world: &World, family: &str, volume: Value, container: Value, script: &str) -> Result<Value> {
    let task = json!({ "volumes": [{ "name": "shared", "efsVolumeConfiguration": volume }] });
    let mut of_container = json!({
        "command": ["/bin/sh", "-c", script],
        "mountPoints": [{ "sourceVolume": "shared", "containerPath": "/data" }],
    });
    let members = container.as_object().context("members")?;
    for (name, value) in members {
        of_container[name] = value.clone();
    }
    let definition = world.register(family, task, of_container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")
}

fn exit_code(task: &Value) -> Option<i64> {
    task["containers"][0]["exitCode"].as_i64()
}

#[test]
fn tasks_share_a_file_system_that_outlives_them() -> Result<()> {
    let mut world = World::new()?;
    let id = file_system(&world, "shared")?;
    let volume = json!({ "fileSystemId": id });
    let written = run(
        &world,
        "writer",
        volume.clone(),
        json!({}),
        "echo hello > /data/greeting",
    )?;
    assert_eq!(exit_code(&written), Some(0), "{written:#}");
    let read = run(
        &world,
        "reader",
        volume.clone(),
        json!({}),
        "[ \"$(cat /data/greeting)\" = hello ]",
    )?;
    assert_eq!(exit_code(&read), Some(0), "{read:#}");
    assert_eq!(
        fs::read_to_string(place(&world, &id).join("greeting"))?,
        "hello\n"
    );

    world.gantry.command(&["down"])?;
    world.gantry.up()?;
    world.aws = Aws::of(&world.gantry)?;
    let read = run(
        &world,
        "later",
        volume,
        json!({}),
        "[ \"$(cat /data/greeting)\" = hello ]",
    )?;
    assert_eq!(exit_code(&read), Some(0), "{read:#}");

    let in_use = world
        .aws
        .error(&["efs", "delete-file-system", "--file-system-id", &id])?;
    assert!(in_use.contains("FileSystemInUse"), "{in_use}");
    let targets = efs(&world.aws, &["describe-mount-targets", "--file-system-id", &id])?;
    let target = text(&targets["MountTargets"][0]["MountTargetId"]);
    world
        .aws
        .json(&["efs", "delete-mount-target", "--mount-target-id", &target])?;
    world
        .aws
        .json(&["efs", "delete-file-system", "--file-system-id", &id])?;
    assert!(!place(&world, &id).exists());
    Ok(())
}

#[test]
fn an_access_point_decides_on_user_and_root() -> Result<()> {
    let world = World::new()?;
    let id = file_system(&world, "points")?;
    fs::write(place(&world, &id).join("above"), "secret")?;
    let root = "Path=/web/data,CreationInfo={OwnerUid=1234,OwnerGid=4321,Permissions=0750}";
    let point = efs(
        &world.aws,
        &[
            "create-access-point",
            "--file-system-id",
            &id,
            "--posix-user",
            "Uid=1234,Gid=4321",
            "--root-directory",
            root,
        ],
    )?;
    let volume = json!({
        "fileSystemId": id, "transitEncryption": "ENABLED",
        "authorizationConfig": { "accessPointId": point["AccessPointId"] },
    });
    let script = "echo x > /data/by-root && [ ! -e /data/above ] && [ ! -e /data/../data/../above ]";
    let as_root = run(&world, "as-root", volume.clone(), json!({}), script)?;
    assert_eq!(exit_code(&as_root), Some(0), "{as_root:#}");
    let script = "echo x > /data/by-user && cat /data/by-root";
    let as_user = run(&world, "as-user", volume, json!({ "user": "77:88" }), script)?;
    assert_eq!(exit_code(&as_user), Some(0), "{as_user:#}");
    for name in ["web/data", "web/data/by-root", "web/data/by-user"] {
        let it = fs::metadata(place(&world, &id).join(name))?;
        assert_eq!((it.uid(), it.gid()), (1234, 4321), "{name}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_mounted_stops_the_task_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    let id = file_system(&world, "faults")?;
    symlink("/etc", place(&world, &id).join("link"))?;
    let point = efs(
        &world.aws,
        &[
            "create-access-point",
            "--file-system-id",
            &id,
            "--root-directory",
            "Path=/nowhere",
        ],
    )?;
    let at = |root: &str| json!({ "fileSystemId": id, "rootDirectory": root });
    let through = |point: &Value| {
        json!({
            "fileSystemId": id, "transitEncryption": "ENABLED", "authorizationConfig": { "accessPointId": point },
        })
    };
    let cases = [
        (
            "missing",
            json!({ "fileSystemId": "fs-0123456789abcdef0" }),
            "Failed to resolve",
        ),
        ("link", at("/link"), "No such file or directory"),
        ("steps", at("/../../../etc"), "No such file or directory"),
        (
            "nowhere",
            through(&point["AccessPointId"]),
            "No such file or directory",
        ),
        (
            "unknown",
            through(&json!("fsap-0123456789abcdef0")),
            "access denied by server",
        ),
    ];
    for (family, volume, expected) in cases {
        let task = run(&world, family, volume, json!({}), "true")?;
        let reason = text(&task["stoppedReason"]);
        let start = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: ";
        assert!(
            reason.starts_with(start) && reason.contains(expected),
            "{family}: {reason}"
        );
        assert_eq!(task["stopCode"], "TaskFailedToStart", "{family}");
    }
    Ok(())
}
