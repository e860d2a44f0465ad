//! RunTask to RUNNING, image present, beside `docker run` and a bare OCI runtime.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::ecs;
use test_support::gantry::Gantry;
use test_support::sample_image::{self, SAMPLE_IMAGE};

use super::client::Connection;
use super::peers::{self, Peer};
use super::report::Times;
use crate::install::say;

/// Runs of one task at a time.
const RUNS: usize = 50;
/// Runs of a peer: each takes much longer.
const PEER_RUNS: usize = 20;
/// Tasks that start together.
const TOGETHER: usize = 50;
/// Most tasks of one RunTask.
pub const TASKS_PER_CALL: usize = 10;
/// How long a task may take to start or stop.
const DEADLINE: Duration = Duration::from_secs(30);
/// Ends at once when it is told to; a first process without a handler would not.
pub const SCRIPT: &str = "trap 'exit 0' TERM; sleep 3600 & wait";

/// Prints the times.
pub fn measure(binary: &Path) -> Result<()> {
    let gantry = super::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    let subnet = gantry.variable("GANTRY_SUBNET")?;
    say("RunTask to RUNNING, image present");
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    for mode in ["awsvpc", "host"] {
        let run = run_input(&mut connection, mode, &subnet)?;
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let begin = Instant::now();
            let tasks = run_tasks(&mut connection, &run)?;
            wait(&mut connection, &tasks, "RUNNING")?;
            times.push(begin.elapsed());
            stop(&mut connection, &tasks)?;
        }
        Times::new(times).print(&format!("one task, {mode}"));
        together(&mut connection, mode, run)?;
    }
    beside_peers(&gantry)
}

fn together(connection: &mut Connection, mode: &str, mut run: ecs::RunTaskInput) -> Result<()> {
    run.count = Some(i32::try_from(TASKS_PER_CALL)?);
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..TOGETHER / TASKS_PER_CALL {
        tasks.extend(run_tasks(connection, &run)?);
    }
    wait(connection, &tasks, "RUNNING")?;
    print_rate(&format!("{TOGETHER} tasks at once, {mode}"), begin.elapsed());
    stop(connection, &tasks)
}

fn print_rate(what: &str, took: Duration) {
    let each_second = TOGETHER as f64 / took.as_secs_f64();
    println!(
        "{what:<46} {:.2} s, {each_second:.1} each second",
        took.as_secs_f64()
    );
}

fn beside_peers(gantry: &Gantry) -> Result<()> {
    let image = gantry.scratch().join("sample.tar");
    sample_image::write(&image)?;
    for peer in peers::installed(&image, gantry.scratch())? {
        let mut times = Vec::new();
        for number in 0..PEER_RUNS {
            let begin = Instant::now();
            peer.start(number)?;
            times.push(begin.elapsed());
            peer.remove(number)?;
        }
        Times::new(times).print(peer.name());
        let begin = Instant::now();
        peers_together(&*peer)?;
        print_rate(&format!("{TOGETHER} at once, {}", peer.name()), begin.elapsed());
        for number in 0..TOGETHER {
            peer.remove(number)?;
        }
    }
    Ok(())
}

/// As many at a time as a busy client would.
fn peers_together(peer: &dyn Peer) -> Result<()> {
    const WORKERS: usize = 8;
    std::thread::scope(|scope| {
        let start = |worker: usize| {
            (worker..TOGETHER)
                .step_by(WORKERS)
                .try_for_each(|it| peer.start(it))
        };
        let workers: Vec<_> = (0..WORKERS).map(|it| scope.spawn(move || start(it))).collect();
        workers
            .into_iter()
            .try_for_each(|it| it.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    })
}

/// Registers a task definition of a network mode; gives the call that runs it.
pub fn run_input(connection: &mut Connection, mode: &str, subnet: &str) -> Result<ecs::RunTaskInput> {
    let container = ecs::ContainerDefinition {
        name: Some("app".to_owned()),
        image: Some(SAMPLE_IMAGE.to_owned()),
        cpu: Some(4),
        memory: Some(16),
        stop_timeout: Some(2),
        command: Some(["sh", "-c", SCRIPT].map(str::to_owned).to_vec()),
        ..ecs::ContainerDefinition::default()
    };
    connection.call::<ecs::RegisterTaskDefinition>(&ecs::RegisterTaskDefinitionInput {
        family: mode.to_owned(),
        network_mode: Some(mode.into()),
        container_definitions: vec![container],
        ..ecs::RegisterTaskDefinitionInput::default()
    })?;
    let network = ecs::NetworkConfiguration {
        awsvpc_configuration: Some(ecs::AwsVpcConfiguration {
            subnets: vec![subnet.to_owned()],
            ..ecs::AwsVpcConfiguration::default()
        }),
    };
    Ok(ecs::RunTaskInput {
        task_definition: mode.to_owned(),
        network_configuration: (mode == "awsvpc").then_some(network),
        ..ecs::RunTaskInput::default()
    })
}

/// Starts tasks; gives their ARNs.
pub fn run_tasks(connection: &mut Connection, run: &ecs::RunTaskInput) -> Result<Vec<String>> {
    let output = connection.call::<ecs::RunTask>(run)?;
    if let Some(failure) = output.failures.unwrap_or_default().first() {
        bail!("a task was not placed: {failure:?}");
    }
    let arns = output.tasks.into_iter().flatten().filter_map(|it| it.task_arn);
    Ok(arns.collect())
}

/// Asks until all tasks have a status.
pub fn wait(connection: &mut Connection, tasks: &[String], status: &str) -> Result<()> {
    wait_for(connection, tasks, status, DEADLINE)
}

/// The same for so long at most.
pub fn wait_for(
    connection: &mut Connection,
    tasks: &[String],
    status: &str,
    deadline: Duration,
) -> Result<()> {
    let end = Instant::now() + deadline;
    let input = ecs::DescribeTasksInput {
        tasks: tasks.to_vec(),
        ..ecs::DescribeTasksInput::default()
    };
    loop {
        let seen = connection
            .call::<ecs::DescribeTasks>(&input)?
            .tasks
            .unwrap_or_default();
        if seen.iter().all(|it| it.last_status.as_deref() == Some(status)) {
            return Ok(());
        }
        let has_ended = seen
            .iter()
            .find(|it| it.last_status.as_deref() == Some("STOPPED"));
        if let Some(task) = has_ended.filter(|_| status != "STOPPED") {
            bail!("a task stopped: {:?} {:?}", task.stopped_reason, task.containers);
        }
        if Instant::now() > end {
            bail!("tasks are not {status} within {} s", deadline.as_secs());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Stops tasks and waits until they have.
pub fn stop(connection: &mut Connection, tasks: &[String]) -> Result<()> {
    for task in tasks {
        let input = ecs::StopTaskInput {
            task: task.clone(),
            ..ecs::StopTaskInput::default()
        };
        connection.call::<ecs::StopTask>(&input).context("StopTask")?;
    }
    wait(connection, tasks, "STOPPED")
}
