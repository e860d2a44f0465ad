//! RunTask to RUNNING again, beside what the documentation has.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use test_support::docker::Engine;

use super::super::launch;
use super::super::report::{Table, Times};
use super::started;

const RUNS: usize = 50;
const PEER_RUNS: usize = 20;

/// Adds the rows.
pub fn measure(binary: &Path, engine: Option<&Engine>, table: &mut Table) -> Result<()> {
    let (gantry, mut connection) = started(binary)?;
    let subnet = gantry.variable("GANTRY_SUBNET")?;
    let peer = engine.map(docker_run).transpose()?;
    for mode in ["awsvpc", "host"] {
        let run = launch::run_input(&mut connection, mode, &subnet)?;
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let begin = Instant::now();
            let tasks = launch::run_tasks(&mut connection, &run)?;
            launch::wait(&mut connection, &tasks, "RUNNING")?;
            times.push(begin.elapsed());
            launch::stop(&mut connection, &tasks)?;
        }
        let times = Times::new(times);
        times.print(&format!("RunTask to RUNNING, {mode}"));
        let peer = peer.map(|it| ("docker run -d --network host", it));
        table.add(
            &format!("RunTask to RUNNING, {mode}, p50"),
            "ms",
            times.median_milliseconds(),
            peer,
        );
    }
    Ok(())
}

fn docker_run(engine: &Engine) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..PEER_RUNS {
        let begin = Instant::now();
        let id = engine.run(&[
            "run",
            "-d",
            "--network",
            "host",
            "--memory",
            "16m",
            test_support::sample_image::SAMPLE_IMAGE,
            "sh",
            "-c",
            launch::SCRIPT,
        ])?;
        times.push(begin.elapsed());
        engine.run(&["rm", "-f", id.trim()])?;
    }
    let times = Times::new(times);
    times.print("docker run -d --network host");
    Ok(times.median_milliseconds())
}
