//! Memory of 200 small tasks, beyond what they themselves need.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use test_support::docker::Engine;

use super::super::launch;
use super::super::report::Table;
use super::{processes, started};

const TASKS: u32 = 200;
const TASKS_PER_CALL: u32 = 10;
/// Of Docker: each takes long.
const PEER_TASKS: u32 = 20;
/// What was only needed for starting is given back by then.
const SETTLE: Duration = Duration::from_secs(3);
const KIB_PER_MIB: f64 = 1024.0;

/// Adds the rows.
pub fn measure(binary: &Path, engine: Option<&Engine>, table: &mut Table) -> Result<()> {
    let (gantry, mut connection) = started(binary)?;
    let process = gantry.process_id().context("gantry runs")?;
    let idle = processes::proportional_kib(process)?;
    let mut run = launch::run_input(&mut connection, "host", "")?;
    run.count = Some(i32::try_from(TASKS_PER_CALL)?);
    let mut tasks = Vec::new();
    let begin = std::time::Instant::now();
    for _ in 0..TASKS / TASKS_PER_CALL {
        let some = launch::run_tasks(&mut connection, &run)?;
        launch::wait(&mut connection, &some, "RUNNING")?;
        tasks.extend(some);
    }
    println!("{TASKS} tasks run after {:.1} s", begin.elapsed().as_secs_f64());
    std::thread::sleep(SETTLE);
    let full = processes::proportional_kib(process)?;
    let shims = processes::shims(&gantry.data_dir());
    anyhow::ensure!(
        shims.len() == TASKS as usize,
        "{} shims of {TASKS} tasks",
        shims.len()
    );
    let of_shims: f64 = shims
        .iter()
        .map(|it| processes::proportional_kib(it.id))
        .sum::<Result<f64>>()?;
    println!(
        "gantry {:.1} MiB idle, {:.1} MiB with {TASKS} tasks; shims {:.1} MiB",
        idle / KIB_PER_MIB,
        full / KIB_PER_MIB,
        of_shims / KIB_PER_MIB
    );
    let each = (of_shims + full - idle) / f64::from(TASKS);
    let peer = engine.map(docker_memory).transpose()?;
    let peer = peer.map(|it| ("dockerd, containerd and its shims, each of 20", it));
    table.add(
        "memory of a task beyond its payload, 200 tasks",
        "KiB",
        each,
        peer,
    );
    // 100 is the most that one DescribeTasks takes.
    for some in tasks.chunks(TASKS_PER_CALL as usize) {
        launch::stop(&mut connection, some)?;
    }
    Ok(())
}

fn docker_memory(engine: &Engine) -> Result<f64> {
    let all = || -> f64 {
        let programs = ["dockerd", "containerd"];
        let engine = processes::all().into_iter();
        let engine = engine.filter(|it| programs.iter().any(|name| it.name.starts_with(name)));
        engine
            .filter_map(|it| processes::proportional_kib(it.id).ok())
            .sum()
    };
    let idle = all();
    let mut started = Vec::new();
    for _ in 0..PEER_TASKS {
        let image = test_support::sample_image::SAMPLE_IMAGE;
        let id = engine.run(&[
            "run",
            "-d",
            "--network",
            "host",
            image,
            "sh",
            "-c",
            launch::SCRIPT,
        ])?;
        started.push(id.trim().to_owned());
    }
    std::thread::sleep(SETTLE);
    let each = (all() - idle) / f64::from(PEER_TASKS);
    for id in started {
        engine.run(&["rm", "-f", &id])?;
    }
    Ok(each)
}
