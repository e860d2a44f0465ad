//! Requests a second, for each core that Gantry uses.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::ecs;
use test_support::gantry::Gantry;
use wire::shape::Operation;

use super::client::{Connection, signed};
use super::launch;
use super::report::Times;
use crate::install::say;

/// Kept-alive connections.
const CONNECTIONS: usize = 8;
/// How long each operation is called.
const DURATION: Duration = Duration::from_secs(5);

/// Prints the rates.
pub fn measure(binary: &Path) -> Result<()> {
    let gantry = super::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    say(&format!("Signed requests, {CONNECTIONS} kept-alive connections"));
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let run = launch::run_input(&mut connection, "host", "")?;
    let tasks = launch::run_tasks(&mut connection, &run)?;
    launch::wait(&mut connection, &tasks, "RUNNING")?;
    let describe = ecs::DescribeTasksInput {
        tasks: tasks.clone(),
        ..ecs::DescribeTasksInput::default()
    };
    load::<ecs::DescribeTasks>(&gantry, &describe)?;
    load::<ecs::ListClusters>(&gantry, &ecs::ListClustersInput::default())?;
    let container = ecs::ContainerDefinition {
        name: Some("app".to_owned()),
        image: Some("gantry-sample:latest".to_owned()),
        memory: Some(16),
        ..ecs::ContainerDefinition::default()
    };
    let register = ecs::RegisterTaskDefinitionInput {
        family: "loaded".to_owned(),
        container_definitions: vec![container],
        ..ecs::RegisterTaskDefinitionInput::default()
    };
    load::<ecs::RegisterTaskDefinition>(&gantry, &register)?;
    launch::stop(&mut connection, &tasks)
}

/// Calls an operation on all connections for a while.
fn load<O: Operation>(gantry: &Gantry, input: &O::Input) -> Result<()> {
    let host = gantry.endpoint().trim_start_matches("http://").to_owned();
    let request = signed::<O>(&host, input)?;
    let connections = (0..CONNECTIONS).map(|_| Connection::to(gantry));
    let connections: Vec<Connection> = connections.collect::<Result<_>>()?;
    let process = gantry.process_id().context("gantry runs")?;
    let (used_before, begin) = (cpu_seconds(process)?, Instant::now());
    let times = std::thread::scope(|scope| {
        let request = &request;
        let workers = connections
            .into_iter()
            .map(|it| scope.spawn(move || called(it, request)));
        let workers: Vec<_> = workers.collect();
        let mut times = Vec::new();
        for worker in workers {
            times.extend(
                worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))??,
            );
        }
        anyhow::Ok(times)
    })?;
    let (took, used) = (begin.elapsed().as_secs_f64(), cpu_seconds(process)? - used_before);
    let count = times.len() as f64;
    Times::new(times).print(O::NAME);
    println!(
        "{:<46} {:.0} each second, {:.0} for each core used ({:.2} cores)",
        "",
        count / took,
        count / used,
        used / took
    );
    Ok(())
}

fn called(mut connection: Connection, request: &[u8]) -> Result<Vec<Duration>> {
    let end = Instant::now() + DURATION;
    let mut times = Vec::new();
    loop {
        let begin = Instant::now();
        if begin >= end {
            return Ok(times);
        }
        connection.send(request)?;
        times.push(begin.elapsed());
    }
}

/// Seconds of processor time that a process has used.
fn cpu_seconds(process: u32) -> Result<f64> {
    /// Linux counts in hundredths of a second on every machine that Gantry runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces.
    let (_, rest) = stat.rsplit_once(')').context("the stat line names the process")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
}
