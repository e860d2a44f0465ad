//! The commands beside `gantry up`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use test_support::sample_image::SAMPLE_IMAGE;

use crate::world::World;

#[test]
fn a_second_up_on_the_same_directory_is_refused() -> Result<()> {
    let world = World::new()?;
    let error = world
        .gantry
        .command(&["up", "--no-profile", "--listen", "127.0.0.1:0"])
        .expect_err("refused");
    assert!(
        error.to_string().contains("another Gantry is already serving"),
        "{error}"
    );
    Ok(())
}

#[test]
fn images_are_listed_and_removed() -> Result<()> {
    let world = World::new()?;
    let listed = world.gantry.command(&["image", "ls"])?;
    assert!(listed.contains("gantry-sample:latest"), "{listed}");
    world.gantry.command(&["image", "rm", SAMPLE_IMAGE])?;
    let listed = world.gantry.command(&["image", "ls"])?;
    assert!(!listed.contains("gantry-sample:latest"), "{listed}");
    Ok(())
}

#[test]
fn up_says_where_tasks_go_by_default() -> Result<()> {
    let gantry = World::new()?.gantry;
    let said = gantry.output();
    for name in ["GANTRY_SUBNET", "GANTRY_SECURITY_GROUP"] {
        let id = gantry.variable(name)?;
        assert!(said.contains(&id), "{name} {id}: {said}");
    }
    Ok(())
}

#[test]
fn up_writes_the_profile_and_env_prints_the_key() -> Result<()> {
    let world = World::new()?;
    let home = world.gantry.scratch().join("home");
    let data_dir = world.gantry.scratch().join("second");
    let mut up = Command::new(env!("CARGO_BIN_EXE_gantry"))
        .args([
            "up",
            "--listen",
            "127.0.0.1:0",
            "--vpc-cidr",
            "10.127.0.0/24",
            "--data-dir",
        ])
        .arg(&data_dir)
        .env("AWS_CONFIG_FILE", home.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.join("credentials"))
        .env_remove("GANTRY_ROOT_ACCESS_KEY_ID")
        .env_remove("GANTRY_ROOT_SECRET_ACCESS_KEY")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let env = || gantry(&["env"], &data_dir);
    let printed = test_support::wait::until("gantry env", crate::world::DEADLINE, || Ok(env().ok()));
    let config = std::fs::read_to_string(home.join("config")).unwrap_or_default();
    let credentials = std::fs::read_to_string(home.join("credentials")).unwrap_or_default();
    let down = gantry(&["down", "--network"], &data_dir);
    up.wait()?;
    assert!(down?.ends_with("Removed the network: bridge, VPCs and rules.\n"));
    let printed = printed?;
    assert!(
        config.contains("[profile gantry]\nendpoint_url = http://127.0.0.1:"),
        "{config}"
    );
    let key = printed
        .lines()
        .find_map(|it| it.strip_prefix("export AWS_ACCESS_KEY_ID="))
        .expect("a key");
    assert!(credentials.contains(key.trim_matches('\'')), "{credentials}");
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "GANTRY_SUBNET",
        "GANTRY_SECURITY_GROUP",
    ] {
        assert!(printed.contains(&format!("export {name}=")), "{printed}");
    }
    assert!(env().is_err(), "nothing runs any more");
    Ok(())
}

fn gantry(arguments: &[&str], data_dir: &Path) -> Result<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_gantry"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// What the machine has that a Gantry may leave behind: groups, links, packet filters, mounts.
fn traces() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for controller in std::fs::read_dir("/sys/fs/cgroup")?.flatten() {
        let groups = std::fs::read_dir(controller.path())
            .into_iter()
            .flatten()
            .flatten();
        let groups = groups.filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
        found.extend(groups.map(|it| it.path().display().to_string()));
    }
    for (program, arguments) in [("ip", ["-br", "link"]), ("nft", ["list", "tables"])] {
        let listed = Command::new(program).args(arguments).output()?;
        found.extend(String::from_utf8(listed.stdout)?.lines().map(str::to_owned));
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    found.extend(mounts.lines().map(str::to_owned));
    found.sort();
    Ok(found)
}

#[test]
fn down_leaves_nothing_on_the_machine() -> Result<()> {
    let before = traces()?;
    let world = World::new()?;
    let network = world.awsvpc()?;
    let awsvpc = world.register(
        "vpc",
        serde_json::json!({ "networkMode": "awsvpc" }),
        serde_json::json!({}),
    )?;
    let ports = serde_json::json!({ "portMappings": [{ "containerPort": 80 }] });
    let bridge = world.register("bridge", serde_json::json!({ "networkMode": "bridge" }), ports)?;
    let tasks = [
        world.run(&awsvpc, &["--network-configuration", &network])?,
        world.run(&bridge, &[])?,
    ];
    for task in &tasks {
        world.wait_for(task, "RUNNING")?;
    }
    let new = || -> Result<Vec<String>> {
        let mut now = traces()?;
        now.retain(|it| !before.contains(it));
        Ok(now)
    };
    assert!(!new()?.is_empty(), "tasks leave traces while they run");
    world.gantry.command(&["down"])?;
    // The kernel takes links down in its own time.
    test_support::wait::until("nothing is left", crate::world::DEADLINE, || {
        Ok(new()?.is_empty().then_some(()))
    })
    .map_err(|error| error.context(format!("{:#?}", new())))
}

#[test]
fn down_gives_a_container_its_own_time_and_no_more() -> Result<()> {
    let mut world = World::new()?;
    let ignoring = serde_json::json!({ "stopTimeout": 2, "command": ["/bin/sh", "-c", "trap '' TERM; while true; do sleep 0.1; done"] });
    let definition = world.register("stubborn", serde_json::json!({ "networkMode": "none" }), ignoring)?;
    let task = world.run(&definition, &[])?;
    world.wait_for(&task, "RUNNING")?;
    world.gantry.interrupt()?;
    let begun = std::time::Instant::now();
    world.gantry.command(&["down"])?;
    let took = begun.elapsed().as_secs();
    assert!((2..25).contains(&took), "it took {took} s, and the default is 30");
    Ok(())
}
