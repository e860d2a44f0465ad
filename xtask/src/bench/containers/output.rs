//! How fast one container can write lines, and what it costs to keep them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use api::ecs;
use test_support::docker::Engine;
use test_support::sample_image::SAMPLE_IMAGE;

use super::super::client::Connection;
use super::super::launch;
use super::super::report::Table;
use super::{processes, started};

/// What the container writes, in MiB of lines of 100 bytes.
const MIB: u32 = 256;
const LINE_BYTES: usize = 99;
/// How long it may take.
const DEADLINE: Duration = Duration::from_secs(300);

/// What keeping the lines took.
struct Cost {
    mib_each_second: f64,
    cpu_seconds_each_gib: f64,
}

impl Cost {
    fn new(took: Duration, cpu_seconds: f64) -> Self {
        let gib = f64::from(MIB) / 1024.0;
        Self {
            mib_each_second: f64::from(MIB) / took.as_secs_f64(),
            cpu_seconds_each_gib: cpu_seconds / gib,
        }
    }
}

/// Adds the rows.
pub fn measure(binary: &Path, engine: Option<&Engine>, table: &mut Table) -> Result<()> {
    let ours = gantry(binary)?;
    let peer = engine.map(docker).transpose()?;
    let name = "docker run, json-file";
    let of = |value: fn(&Cost) -> f64| peer.as_ref().map(|it| (name, value(it)));
    table.add(
        "output of one container, lines of 100 bytes",
        "MiB/s",
        ours.mib_each_second,
        of(|it| it.mib_each_second),
    );
    table.add(
        "processor time for 1 GiB of output",
        "s",
        ours.cpu_seconds_each_gib,
        of(|it| it.cpu_seconds_each_gib),
    );
    Ok(())
}

/// Writes so much and ends, at its own cost.
fn script() -> String {
    let line = "x".repeat(LINE_BYTES);
    format!("/bin/busybox yes {line} | /bin/busybox head -c {MIB}m")
}

fn gantry(binary: &Path) -> Result<Cost> {
    let (gantry, mut connection) = started(binary)?;
    let options =
        [("max-size", "1g"), ("max-file", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let logs = ecs::LogConfiguration {
        log_driver: "json-file".into(),
        options: Some(options.into()),
        ..ecs::LogConfiguration::default()
    };
    // The writer, and another that keeps the task and thereby its shim until its cost is read.
    let writer = container("writer", &script(), false, Some(logs));
    let keeper = container("keeper", launch::SCRIPT, true, None);
    connection.call::<ecs::RegisterTaskDefinition>(&ecs::RegisterTaskDefinitionInput {
        family: "output".to_owned(),
        network_mode: Some("host".into()),
        container_definitions: vec![writer, keeper],
        ..ecs::RegisterTaskDefinitionInput::default()
    })?;
    let process = gantry.process_id().context("gantry runs")?;
    let used = || -> f64 {
        let shims = processes::shims(&gantry.data_dir());
        let server = processes::all().into_iter().filter(|it| it.id == process);
        server.chain(shims).map(|it| it.cpu_seconds).sum()
    };
    let before = used();
    let begin = Instant::now();
    let run = ecs::RunTaskInput {
        task_definition: "output".to_owned(),
        ..ecs::RunTaskInput::default()
    };
    let tasks = launch::run_tasks(&mut connection, &run)?;
    await_writer(&mut connection, &tasks)?;
    let took = begin.elapsed();
    let cost = Cost::new(took, used() - before);
    let folder = gantry.data_dir().join("tasks");
    let kept = kept_bytes(&folder)?;
    ensure!(kept >= u64::from(MIB) << 20, "only {kept} bytes were kept");
    launch::stop(&mut connection, &tasks)?;
    Ok(cost)
}

fn container(
    name: &str,
    script: &str,
    essential: bool,
    logs: Option<ecs::LogConfiguration>,
) -> ecs::ContainerDefinition {
    ecs::ContainerDefinition {
        name: Some(name.to_owned()),
        image: Some(SAMPLE_IMAGE.to_owned()),
        memory: Some(64),
        stop_timeout: Some(2),
        essential: Some(essential),
        log_configuration: logs,
        command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
        ..ecs::ContainerDefinition::default()
    }
}

fn await_writer(connection: &mut Connection, tasks: &[String]) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    let input = ecs::DescribeTasksInput {
        tasks: tasks.to_vec(),
        ..ecs::DescribeTasksInput::default()
    };
    loop {
        let tasks = connection
            .call::<ecs::DescribeTasks>(&input)?
            .tasks
            .unwrap_or_default();
        let mut containers = tasks.iter().flat_map(|it| it.containers.iter().flatten());
        let writer = containers.find(|it| it.name.as_deref() == Some("writer"));
        let writer = writer.context("the writer")?;
        if writer.last_status.as_deref() == Some("STOPPED") {
            ensure!(
                writer.exit_code == Some(0),
                "the writer failed: {:?}",
                writer.reason
            );
            return Ok(());
        }
        ensure!(Instant::now() < end, "the writer does not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes of all records of output below a folder.
fn kept_bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(folder)?.flatten() {
        let log = task.path().join("containers/writer/log");
        for file in std::fs::read_dir(log).into_iter().flatten().flatten() {
            sum += file.metadata()?.len();
        }
    }
    Ok(sum)
}

fn docker(engine: &Engine) -> Result<Cost> {
    let before = processes::engine_cpu_seconds();
    let begin = Instant::now();
    let script = script();
    let id = engine.run(&[
        "run",
        "-d",
        "--network",
        "host",
        "--log-driver",
        "json-file",
        SAMPLE_IMAGE,
        "sh",
        "-c",
        &script,
    ])?;
    let code = engine.run(&["wait", id.trim()])?;
    let took = begin.elapsed();
    ensure!(code.trim() == "0", "the writer failed: {code}");
    let cost = Cost::new(took, processes::engine_cpu_seconds() - before);
    engine.run(&["rm", "-f", id.trim()])?;
    Ok(cost)
}
