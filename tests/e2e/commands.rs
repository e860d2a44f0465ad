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
    let down = gantry(&["down"], &data_dir);
    up.wait()?;
    down?;
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
