//! Roles of tasks: credentials inside, and for this task only.

use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

pub fn with_role() -> Result<World> {
    let world = World::new()?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let trust = trust.to_string();
    let create = [
        "iam",
        "create-role",
        "--role-name",
        "web",
        "--assume-role-policy-document",
        &trust,
    ];
    world.aws.json(&create)?;
    Ok(world)
}

/// A folder of the host that tasks write to.
fn folder(world: &World) -> Result<PathBuf> {
    let folder = world.gantry.scratch().join("out");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Starts a task that runs a command with a folder of the host at `/out`, and then waits.
fn start(world: &World, family: &str, mode: &str, folder: &Path, command: &str) -> Result<String> {
    let folder = folder.display().to_string();
    let task = json!({
        "networkMode": mode, "taskRoleArn": "web", "volumes": [{ "name": "out", "host": { "sourcePath": folder } }],
    });
    let command = format!("{command}; echo > /out/{family}.done; sleep 1000");
    let container = json!({
        "command": ["/bin/sh", "-c", command], "mountPoints": [{ "sourceVolume": "out", "containerPath": "/out" }],
    });
    let definition = world.register(family, task, container)?;
    let network = world.awsvpc()?;
    let more = ["--network-configuration", network.as_str()];
    world.run(&definition, if mode == "awsvpc" { &more } else { &[] })
}

/// What the command wrote, once it is through.
fn written(world: &World, task: &str, folder: &Path, family: &str) -> Result<String> {
    wait::until(&format!("{family} is through"), DEADLINE, || {
        let task = world.task(task)?;
        anyhow::ensure!(task["lastStatus"] != "STOPPED", "the task stopped: {task:#}");
        Ok(folder.join(format!("{family}.done")).exists().then_some(()))
    })?;
    std::fs::read_to_string(folder.join(family)).with_context(|| format!("{family} wrote nothing"))
}

fn identity(world: &World, credentials: &Value) -> Result<Output> {
    let mut aws = world.aws.program("aws");
    aws.args(["sts", "get-caller-identity", "--output", "json"])
        .env("AWS_ACCESS_KEY_ID", text(&credentials["AccessKeyId"]))
        .env("AWS_SECRET_ACCESS_KEY", text(&credentials["SecretAccessKey"]))
        .env("AWS_SESSION_TOKEN", text(&credentials["Token"]));
    aws.output().context("cannot run aws")
}

fn a_task_has_its_role(mode: &str) -> Result<()> {
    let mut world = with_role()?;
    let folder = folder(&world)?;
    let get = "wget -q -O /out/credentials http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
               && echo -n $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI > /out/uri";
    let one = start(&world, "credentials", mode, &folder, get)?;
    let credentials = written(&world, &one, &folder, "credentials")?;
    let credentials: Value = serde_json::from_str(&credentials).context(credentials)?;
    let output = identity(&world, &credentials)?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let id = one.rsplit('/').next().unwrap_or_default();
    let expected = format!("arn:aws:sts::123456789012:assumed-role/web/{id}");
    assert_eq!(answer["Arn"], expected.as_str());

    // Another task has the APIs, and not the credentials of the first.
    let steal = "wget -q -O /out/stolen http://169.254.170.2$(cat /out/uri); echo $? > /out/theft; \
                 wget -q -O /out/api $AWS_ENDPOINT_URL/health";
    let other = start(&world, "api", mode, &folder, steal)?;
    assert_eq!(written(&world, &other, &folder, "api")?, "ok\n");
    assert_eq!(std::fs::read_to_string(folder.join("theft"))?, "1\n");

    // The endpoint is there again after a restart, with new credentials.
    world.gantry.kill()?;
    world.gantry.up()?;
    world.aws = test_support::aws::Aws::of(&world.gantry)?;
    let again = start(
        &world,
        "again",
        mode,
        &folder,
        &get.replace("/out/credentials", "/out/again"),
    )?;
    let credentials = written(&world, &again, &folder, "again")?;
    let credentials: Value = serde_json::from_str(&credentials).context(credentials)?;
    assert!(identity(&world, &credentials)?.status.success());
    Ok(())
}

#[test]
fn a_task_in_awsvpc_has_its_role() -> Result<()> {
    a_task_has_its_role("awsvpc")
}

#[test]
fn a_task_on_the_bridge_has_its_role() -> Result<()> {
    a_task_has_its_role("bridge")
}

#[test]
fn credentials_are_not_in_the_agents_records() -> Result<()> {
    let world = with_role()?;
    let folder = folder(&world)?;
    let task = start(&world, "kept", "bridge", &folder, "echo > /out/kept")?;
    written(&world, &task, &folder, "kept")?;
    let id = task.rsplit('/').next().unwrap_or_default();
    let record = world
        .gantry
        .data_dir()
        .join("agent/tasks")
        .join(id)
        .join("task.json");
    let record: Value = serde_json::from_slice(&std::fs::read(record)?)?;
    let kept = record["payload"]["roleCredentials"]
        .as_object()
        .context("an id")?;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["credentialsId"]);
    Ok(())
}
