//! The share of the network in the start of a task: tasks with an address of their own and tasks in the host's network, in
//! pairs, one after the other.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use api::ecs;

use crate::bench::client::Connection;
use crate::bench::launch;
use crate::bench::report::Times;
use crate::install::say;

const PAIRS: usize = 60;
/// For the kernel to take down what the task before had: its network, its mounts, its cgroups.
const SETTLING: Duration = Duration::from_millis(300);
/// Milliseconds that the network may add.
const AIM: f64 = 2.0;

/// Prints the times and the differences of the pairs.
pub fn measure(binary: &Path) -> Result<()> {
    say("The share of the network in a start");
    let gantry = crate::bench::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let subnet = gantry.variable("GANTRY_SUBNET")?;
    let awsvpc = launch::run_input(&mut connection, "awsvpc", &subnet)?;
    let host = launch::run_input(&mut connection, "host", &subnet)?;
    // the first of each mode makes what all others share
    for run in [&awsvpc, &host] {
        start(&mut connection, run)?;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        if pair % 2 == 0 {
            with.push(start(&mut connection, &awsvpc)?);
        }
        without.push(start(&mut connection, &host)?);
        if pair % 2 == 1 {
            with.push(start(&mut connection, &awsvpc)?);
        }
    }
    let milliseconds = |it: &Duration| it.as_secs_f64() * 1000.0;
    let shares = with
        .iter()
        .zip(&without)
        .map(|(with, without)| milliseconds(with) - milliseconds(without));
    let share = middle_half(shares.collect());
    let (with, without) = (Times::new(with), Times::new(without));
    with.print("RunTask to RUNNING, awsvpc");
    without.print("RunTask to RUNNING, host");
    println!(
        "\n| | awsvpc | host | the network's share (middle half) | aim |\n|---|---|---|---|---|\n| RunTask to RUNNING, \
         p50 of {PAIRS} pairs | {:.1} ms | {:.1} ms | {share} ms | {AIM} ms |",
        with.median_milliseconds(),
        without.median_milliseconds(),
    );
    Ok(())
}

/// How long a task takes to run; then it is stopped.
fn start(connection: &mut Connection, run: &ecs::RunTaskInput) -> Result<Duration> {
    let begin = Instant::now();
    let tasks = launch::run_tasks(connection, run)?;
    launch::wait(connection, &tasks, "RUNNING")?;
    let took = begin.elapsed();
    launch::stop(connection, &tasks)?;
    std::thread::sleep(SETTLING);
    Ok(took)
}

/// The median, and between what the middle half lies.
fn middle_half(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
    format!("{:.1} ({:.1} to {:.1})", at(2), at(1), at(3))
}
