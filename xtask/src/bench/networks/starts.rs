//! The share of the network in the start of a task: tasks with an address of their own and tasks in the host's network, in
//! turns.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use api::ecs;

use crate::bench::client::Connection;
use crate::bench::launch;
use crate::bench::report::Times;
use crate::install::say;

const RUNS: usize = 30;
/// Milliseconds that the network may add.
const AIM: f64 = 2.0;

/// Prints the times and their difference.
pub fn measure(binary: &Path) -> Result<()> {
    say("The share of the network in a start");
    let gantry = crate::bench::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let subnet = gantry.variable("GANTRY_SUBNET")?;
    let modes = ["awsvpc", "host"];
    let runs = modes.map(|it| launch::run_input(&mut connection, it, &subnet));
    let mut times = [Vec::new(), Vec::new()];
    // the first of each mode makes what all others share
    for turn in 0..=RUNS {
        let mut order = [0, 1];
        // each follows each as often: what the one before leaves is taken down meanwhile
        order.rotate_left(turn % 2);
        for mode in order {
            let (run, times) = (&runs[mode], &mut times[mode]);
            let run = run.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            let begin = Instant::now();
            let tasks = launch::run_tasks(&mut connection, run)?;
            launch::wait(&mut connection, &tasks, "RUNNING")?;
            if turn > 0 {
                times.push(begin.elapsed());
            }
            launch::stop(&mut connection, &tasks)?;
        }
    }
    let medians = modes.iter().zip(times).map(|(mode, times)| {
        let times = Times::new(times);
        times.print(&format!("RunTask to RUNNING, {mode}"));
        times.median_milliseconds()
    });
    let medians: Vec<f64> = medians.collect();
    println!(
        "\n| | awsvpc | host | the network's share | aim |\n|---|---|---|---|---|\n| RunTask to RUNNING, p50 of {RUNS} | \
         {:.1} ms | {:.1} ms | {:.1} ms | {AIM} ms |",
        medians[0],
        medians[1],
        medians[0] - medians[1]
    );
    Ok(())
}
