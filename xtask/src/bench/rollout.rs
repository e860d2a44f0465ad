//! Rolling updates of ten real containers, beside Docker Swarm's of the same ten in the same run.

mod swarm;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use api::ecs;

use self::swarm::Swarm;
use super::client::Connection;
use super::launch;
use super::report::{Table, Times};
use crate::install::say;

/// Tasks of the service.
const TASKS: u16 = 10;
/// Updates of each kind by each, in turns.
const ROUNDS: usize = 5;
/// Most that an update may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks at Gantry; Swarm is looked at as often as its client can be started.
const PAUSE: Duration = Duration::from_millis(2);
const SERVICE: &str = "web";

/// How many tasks are replaced at a time. New ones start first: no fewer than ten ever run.
#[derive(Clone, Copy)]
enum Pace {
    /// All of them.
    AllAtOnce,
    /// One after another.
    OneByOne,
}

impl Pace {
    fn name(self) -> &'static str {
        match self {
            Self::AllAtOnce => "all at once",
            Self::OneByOne => "one by one",
        }
    }

    /// `maximumPercent` over a minimum of 100.
    fn maximum_percent(self) -> i32 {
        match self {
            Self::AllAtOnce => 200,
            Self::OneByOne => 100 + 100 / i32::from(TASKS),
        }
    }

    /// `--update-parallelism`; 0 is no limit.
    fn parallelism(self) -> &'static str {
        match self {
            Self::AllAtOnce => "0",
            Self::OneByOne => "1",
        }
    }
}

/// Prints the times of both and what they are of each other. Neither waits to see whether a task stays up:
/// `--healthy-after 0` here, `--update-monitor 0s` there.
pub fn measure(binary: &Path) -> Result<()> {
    say("Rolling updates of ten real containers");
    let load = || std::fs::read_to_string("/proc/loadavg");
    println!("load of the machine before: {}", load()?.trim());
    let swarm = match Swarm::start(TASKS) {
        Ok(swarm) => Some(swarm),
        Err(error) => {
            println!("no Docker Swarm to compare with: {error:#}");
            None
        }
    };
    // Its health wait is 0, as for all tests and measurements.
    let gantry = super::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    create(&mut connection)?;
    let mut table = Table::default();
    for pace in [Pace::AllAtOnce, Pace::OneByOne] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(update(&mut connection, pace)?);
            if let Some(swarm) = &swarm {
                theirs.push(swarm.update(pace.parallelism())?);
            }
        }
        let (ours, theirs) = (Times::new(ours), Times::new(theirs));
        ours.print(&format!("{TASKS} tasks, {}", pace.name()));
        let peer = swarm.as_ref().map(|_| {
            theirs.print(&format!("Docker Swarm, {}", pace.name()));
            ("Docker Swarm", theirs.median_milliseconds())
        });
        table.add(
            &format!("rolling update of {TASKS} tasks, {}, p50", pace.name()),
            "ms",
            ours.median_milliseconds(),
            peer,
        );
    }
    println!("load of the machine after: {}", load()?.trim());
    table.print();
    swarm.map_or(Ok(()), Swarm::stop)
}

fn create(connection: &mut Connection) -> Result<()> {
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let definition = launch::run_input(connection, "host", "")?.task_definition;
    connection.call::<ecs::CreateService>(&ecs::CreateServiceInput {
        service_name: SERVICE.to_owned(),
        task_definition: Some(definition),
        desired_count: Some(TASKS.into()),
        // It would need more than 100 % at most, which one by one is not.
        availability_zone_rebalancing: Some("DISABLED".into()),
        ..ecs::CreateServiceInput::default()
    })?;
    await_replaced(connection, &[])
}

/// From the call until the deployment is complete and the last old task has stopped.
fn update(connection: &mut Connection, pace: Pace) -> Result<Duration> {
    let old = tasks(connection)?;
    let begin = Instant::now();
    connection.call::<ecs::UpdateService>(&ecs::UpdateServiceInput {
        service: SERVICE.to_owned(),
        force_new_deployment: Some(true),
        deployment_configuration: Some(ecs::DeploymentConfiguration {
            minimum_healthy_percent: Some(100),
            maximum_percent: Some(pace.maximum_percent()),
            ..ecs::DeploymentConfiguration::default()
        }),
        ..ecs::UpdateServiceInput::default()
    })?;
    await_replaced(connection, &old)?;
    Ok(begin.elapsed())
}

fn tasks(connection: &mut Connection) -> Result<Vec<String>> {
    let listed = connection.call::<ecs::ListTasks>(&ecs::ListTasksInput {
        service_name: Some(SERVICE.to_owned()),
        ..ecs::ListTasksInput::default()
    })?;
    Ok(listed.task_arns.unwrap_or_default())
}

fn await_replaced(connection: &mut Connection, old: &[String]) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    let describe = ecs::DescribeServicesInput {
        services: vec![SERVICE.to_owned()],
        ..ecs::DescribeServicesInput::default()
    };
    loop {
        let answer = connection.call::<ecs::DescribeServices>(&describe)?;
        let service = answer.services.unwrap_or_default().pop().context("a service")?;
        let deployments = service.deployments.unwrap_or_default();
        let is_complete = matches!(&deployments[..], [only]
            if only.rollout_state == Some(ecs::DeploymentRolloutState::Completed) && only.running_count == Some(TASKS.into()));
        if is_complete {
            break;
        }
        ensure!(Instant::now() < end, "no update within {} s", DEADLINE.as_secs());
        std::thread::sleep(PAUSE);
    }
    if old.is_empty() {
        return Ok(());
    }
    launch::wait_for(connection, old, "STOPPED", DEADLINE)
}
