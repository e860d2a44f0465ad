//! Pulling and unpacking an image of 500 MB from the embedded registry, beside Docker and skopeo.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use api::{ecr, ecs};
use base64::Engine as _;
use test_support::docker::Engine;
use test_support::gantry::Gantry;
use test_support::{sample_image, sha256};

use super::super::client::Connection;
use super::super::launch;
use super::super::report::Table;
use super::{processes, started};

/// Layers beside that of busybox, and the MiB of each.
const LAYERS: u64 = 5;
const MIB_PER_LAYER: u64 = 100;
/// How long the task may take to run.
const DEADLINE: Duration = Duration::from_secs(300);

/// Adds the rows.
pub fn measure(binary: &Path, engine: Option<&Engine>, table: &mut Table) -> Result<()> {
    let (gantry, mut connection) = started(binary)?;
    let host = gantry.endpoint().trim_start_matches("http://").to_owned();
    let password = push(&gantry, &mut connection, &host)?;
    let name = format!("{host}/large:1");
    let skopeo = skopeo(&gantry, &name, &password)?;
    let docker = engine.map(|it| docker(it, &host, &name, &password)).transpose()?;
    let process = gantry.process_id().context("gantry runs")?;
    let used = || {
        processes::all()
            .into_iter()
            .find(|it| it.id == process)
            .map_or(0.0, |it| it.cpu_seconds)
    };
    let before = used();
    let took = run_task(&mut connection, &name)?;
    println!(
        "pulling cost {:.1} s of processor time, with the registry's own",
        used() - before
    );
    let seconds = took.as_secs_f64();
    let what = "image of 500 MB, from RunTask until it is pulled, unpacked and RUNNING";
    table.add(
        what,
        "s",
        seconds,
        docker.map(|it| ("docker pull", it.as_secs_f64())),
    );
    let what = "the same, beside fetching alone";
    table.add(
        what,
        "s",
        seconds,
        Some(("skopeo copy to oci:", skopeo.as_secs_f64())),
    );
    Ok(())
}

/// Makes the image and pushes it; gives the password of the registry.
fn push(gantry: &Gantry, connection: &mut Connection, host: &str) -> Result<String> {
    let archive = gantry.scratch().join("large.tar");
    write_image(&archive)?;
    connection.call::<ecr::CreateRepository>(&ecr::CreateRepositoryInput {
        repository_name: "large".to_owned(),
        ..ecr::CreateRepositoryInput::default()
    })?;
    let answer = connection.call::<ecr::GetAuthorizationToken>(&ecr::GetAuthorizationTokenInput::default())?;
    let token = answer.authorization_data.into_iter().flatten().next();
    let token = token.and_then(|it| it.authorization_token).context("a token")?;
    let token = base64::engine::general_purpose::STANDARD.decode(token)?;
    let token = String::from_utf8(token)?;
    let password = token.strip_prefix("AWS:").context("a password")?.to_owned();
    let from = format!("docker-archive:{}", archive.display());
    let to = format!("docker://{host}/large:1");
    run_skopeo(&[
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &token,
        &from,
        &to,
    ])?;
    std::fs::remove_file(archive)?;
    Ok(password)
}

/// Half of each file is noise, so that packing gains something, as with programs.
fn write_image(path: &Path) -> Result<()> {
    let folder = path.with_extension("layers");
    std::fs::create_dir_all(&folder)?;
    let mut layers = vec![sample_image::layer()?];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for layer in 0..LAYERS {
        let mut tar = tar::Builder::new(Vec::new());
        for number in 0..MIB_PER_LAYER {
            let file = file_of_a_mib(&mut seed);
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(file.len() as u64);
            tar.append_data(&mut header, format!("data/{layer}/{number}"), file.as_slice())?;
        }
        layers.push(tar.into_inner()?);
    }
    let of_image: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    let config = sample_image::config(&of_image)?;
    let names: Vec<String> = (0..layers.len()).map(|it| format!("{it}.tar")).collect();
    let manifest = serde_json::json!([{
        "Config": "config.json", "RepoTags": ["large:1"], "Layers": names,
    }]);
    let mut archive = tar::Builder::new(File::create(path)?);
    let manifest = serde_json::to_vec(&manifest)?;
    let members = [("config.json", config.as_slice()), ("manifest.json", &manifest)];
    let of_layers = names.iter().map(String::as_str).zip(of_image.iter().copied());
    for (name, content) in of_layers.chain(members) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content)?;
    }
    archive.into_inner()?.flush()?;
    println!(
        "an image of {} layers, its configuration {}",
        layers.len(),
        sha256(&config)
    );
    Ok(())
}

fn file_of_a_mib(seed: &mut u64) -> Vec<u8> {
    let mut file = Vec::with_capacity(1 << 20);
    while file.len() < 1 << 19 {
        // Xorshift.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        file.extend(seed.to_le_bytes());
    }
    let text = b"a line that comes again and again\n".iter().copied().cycle();
    file.extend(text.take((1 << 20) - file.len()));
    file
}

fn skopeo(gantry: &Gantry, name: &str, password: &str) -> Result<Duration> {
    let folder = gantry.scratch().join("copied");
    let from = format!("docker://{name}");
    let to = format!("oci:{}:1", folder.display());
    let credentials = format!("AWS:{password}");
    let begin = Instant::now();
    run_skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        &credentials,
        &from,
        &to,
    ])?;
    let took = begin.elapsed();
    std::fs::remove_dir_all(folder)?;
    Ok(took)
}

fn run_skopeo(arguments: &[&str]) -> Result<()> {
    let output = Command::new("skopeo")
        .arg("--insecure-policy")
        .args(arguments)
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "skopeo {}: {}",
        arguments[0],
        errors.trim()
    );
    Ok(())
}

fn docker(engine: &Engine, host: &str, name: &str, password: &str) -> Result<Duration> {
    let mut login = engine.command();
    login.args(["login", "--username", "AWS", "--password-stdin", host]);
    login
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = login.spawn()?;
    child
        .stdin
        .take()
        .context("its input")?
        .write_all(password.as_bytes())?;
    ensure!(child.wait()?.success(), "docker login failed");
    let begin = Instant::now();
    engine.run(&["pull", name])?;
    let took = begin.elapsed();
    engine.run(&["rmi", "-f", name])?;
    Ok(took)
}

fn run_task(connection: &mut Connection, image: &str) -> Result<Duration> {
    connection.call::<ecs::RegisterTaskDefinition>(&ecs::RegisterTaskDefinitionInput {
        family: "large".to_owned(),
        network_mode: Some("host".into()),
        container_definitions: vec![ecs::ContainerDefinition {
            name: Some("app".to_owned()),
            image: Some(image.to_owned()),
            memory: Some(32),
            stop_timeout: Some(2),
            command: Some(["sh", "-c", launch::SCRIPT].map(str::to_owned).to_vec()),
            ..ecs::ContainerDefinition::default()
        }],
        ..ecs::RegisterTaskDefinitionInput::default()
    })?;
    let run = ecs::RunTaskInput {
        task_definition: "large".to_owned(),
        ..ecs::RunTaskInput::default()
    };
    let begin = Instant::now();
    let tasks = launch::run_tasks(connection, &run)?;
    launch::wait_for(connection, &tasks, "RUNNING", DEADLINE)?;
    let took = begin.elapsed();
    launch::stop(connection, &tasks)?;
    Ok(took)
}
