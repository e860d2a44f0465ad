//! Two tasks of one host beside two containers on Docker's bridge.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use api::ecs;
use test_support::docker::Engine;
use test_support::gantry::Gantry;
use test_support::sample_image::SAMPLE_IMAGE;

use super::places::Place;
use super::traffic::Road;
use crate::bench::client::Connection;
use crate::bench::launch;

/// Prints the table.
pub fn measure(binary: &Path) -> Result<()> {
    let gantry = crate::bench::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let run = launch::run_input(&mut connection, "awsvpc", &gantry.variable("GANTRY_SUBNET")?)?;
    let (client, server) = (
        start(&gantry, &mut connection, &run)?,
        start(&gantry, &mut connection, &run)?,
    );
    let mut roads = vec![Road {
        name: "Gantry",
        client: client.place.clone(),
        server: server.place.clone(),
        address: server.address,
    }];
    // it ends when all is measured
    let engine = engine();
    let road = engine
        .as_ref()
        .map_err(|error| anyhow!("{error:#}"))
        .and_then(docker);
    match road {
        Ok(road) => roads.push(road),
        Err(error) => println!("no Docker bridge to compare with: {error:#}"),
    }
    super::compare("two tasks of one host", &roads)?;
    launch::stop(&mut connection, &[client.arn, server.arn])
}

/// A task that runs.
pub struct Task {
    pub arn: String,
    pub interface_id: String,
    pub address: Ipv4Addr,
    pub place: Place,
}

/// Starts a task with an address of its own.
pub fn start(gantry: &Gantry, connection: &mut Connection, run: &ecs::RunTaskInput) -> Result<Task> {
    let arns = launch::run_tasks(connection, run)?;
    launch::wait(connection, &arns, "RUNNING")?;
    let described = connection.call::<ecs::DescribeTasks>(&ecs::DescribeTasksInput {
        tasks: arns.clone(),
        ..ecs::DescribeTasksInput::default()
    })?;
    let tasks = described.tasks.unwrap_or_default();
    let attachments = tasks.iter().flat_map(|it| it.attachments.iter().flatten());
    let details: Vec<_> = attachments.flat_map(|it| it.details.iter().flatten()).collect();
    let detail = |name: &str| {
        let found = details.iter().find(|it| it.name.as_deref() == Some(name));
        found
            .and_then(|it| it.value.clone())
            .context("a detail of its interface")
    };
    let arn = arns.into_iter().next().context("a task")?;
    let id = arn.rsplit('/').next().unwrap_or_default();
    let folder = gantry.data_dir().join("network/netns");
    // a namespace is named after the first characters of its task
    let begins = id.get(..12).context("an id")?;
    let mut entries = std::fs::read_dir(&folder)?.flatten();
    let bound = entries.find(|it| it.file_name().to_string_lossy().starts_with(begins));
    Ok(Task {
        interface_id: detail("networkInterfaceId")?,
        address: detail("privateIPv4Address")?.parse()?,
        place: Place::bound_to(&bound.context("no namespace of the task")?.path())?,
        arn,
    })
}

fn engine() -> Result<Engine> {
    crate::install::peer("docker")?;
    let engine = Engine::start_apart_with_bridge()?;
    engine.load_sample()?;
    Ok(engine)
}

fn docker(engine: &Engine) -> Result<Road> {
    let container = || -> Result<(Place, Ipv4Addr)> {
        let id = engine.run(&["run", "-d", SAMPLE_IMAGE, "sh", "-c", launch::SCRIPT])?;
        let of = |what: &str| engine.run(&["inspect", "--format", what, id.trim()]);
        let process = of("{{.State.Pid}}")?.trim().parse()?;
        let address = of("{{.NetworkSettings.IPAddress}}")?.trim().parse()?;
        Ok((Place::of_process(process)?, address))
    };
    let ((client, _), (server, address)) = (container()?, container()?);
    Ok(Road {
        name: "Docker's bridge",
        client,
        server,
        address,
    })
}
