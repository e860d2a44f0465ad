//! Requests a second, for each core that Gantry uses, on a cluster of many tasks and among many clusters.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::ecs;
use test_support::gantry::Gantry;
use test_support::sample_image::SAMPLE_IMAGE;
use wire::shape::Operation;

use super::client::{Connection, signed};
use super::instant_hosts::InstantHosts;
use super::load::{self, Load, Pace};
use crate::install::say;

/// The cluster that is read and written.
const CLUSTER: &str = "large";
/// Its container instances.
const INSTANCES: usize = 100;
/// Its tasks before anything is measured.
const TASKS: usize = 10_000;
/// Clusters in all, in the end.
const CLUSTERS: usize = 1_000;
/// Tasks of each other cluster, and most of one RunTask.
const TASKS_PER_CALL: usize = 10;
/// Connections of those who read.
const READERS: u32 = 8;
/// Connections of those who start tasks.
const WRITERS: u32 = 64;
/// RunTask calls a second that shall be possible.
const PACE: u32 = 5_000;
/// How long each operation is called.
const DURATION: Duration = Duration::from_secs(5);
const FAMILY: &str = "instant";

/// What can be measured by itself.
const PARTS: [&str; 3] = ["reads", "register", "run"];

/// Prints the rates of some parts, or of all if none is chosen.
///
/// # Errors
/// A part is none of them, or a call fails.
pub fn measure(binary: &Path, chosen: &[&str]) -> Result<()> {
    if let Some(unknown) = chosen.iter().find(|it| !PARTS.contains(it)) {
        bail!("no part {unknown}: there are {}", PARTS.join(", "));
    }
    let is_chosen = |part: &str| chosen.is_empty() || chosen.contains(&part);
    let gantry = Gantry::start(binary)?;
    let mut connection = Connection::to(&gantry)?;
    let hosts = InstantHosts::new(&gantry)?;
    say(&format!(
        "{TASKS} tasks on {INSTANCES} hosts that do everything at once"
    ));
    register(&mut connection)?;
    create(&mut connection, CLUSTER)?;
    hosts.join(&[CLUSTER; INSTANCES])?;
    let (used_before, begin) = (load::server_seconds(&gantry)?, Instant::now());
    let mut some = Vec::new();
    for _ in 0..TASKS / TASKS_PER_CALL {
        some = run_tasks(&mut connection, CLUSTER)?;
    }
    hosts.wait_for(TASKS)?;
    println!(
        "all RUNNING after {:.1} s, {:.1} s of processor time of the server",
        begin.elapsed().as_secs_f64(),
        load::server_seconds(&gantry)? - used_before
    );

    let among_one = match is_chosen("reads") {
        true => {
            say(&format!("Reads, {READERS} kept-alive connections"));
            reads(&gantry, &mut connection, &some)?;
            Some(list(&gantry, "ListTasks, 1 cluster")?)
        }
        false => None,
    };
    fill(&mut connection, &hosts)?;
    if let Some(among_one) = among_one {
        let among_many = list(&gantry, &format!("ListTasks, {CLUSTERS} clusters"))?;
        println!(
            "{:<46} {:.2} of the rate for each core among 1",
            format!("ListTasks among {CLUSTERS} clusters"),
            among_many / among_one
        );
    }
    if ["register", "run"].into_iter().any(is_chosen) {
        say(&format!(
            "Durable writes, {WRITERS} kept-alive connections, {} hosts connected",
            INSTANCES + CLUSTERS - 1
        ));
    }
    if is_chosen("register") {
        registrations(&gantry)?;
    }
    if is_chosen("run") {
        runs(&gantry, &hosts)?;
    }
    Ok(())
}

fn reads(gantry: &Gantry, connection: &mut Connection, some: &[String]) -> Result<()> {
    for tasks in [&some[..1], some] {
        let what = format!("DescribeTasks of {}", tasks.len());
        read::<ecs::DescribeTasks>(
            gantry,
            &what,
            &ecs::DescribeTasksInput {
                cluster: Some(CLUSTER.to_owned()),
                tasks: tasks.to_vec(),
                ..ecs::DescribeTasksInput::default()
            },
        )?;
    }
    let mut page = list_input();
    for _ in 0..TASKS / 100 / 2 {
        page.next_token = connection.call::<ecs::ListTasks>(&page)?.next_token;
    }
    read::<ecs::ListTasks>(gantry, "ListTasks, a page in the middle", &page)?;
    read::<ecs::ListTasks>(
        gantry,
        "ListTasks of one container instance",
        &ecs::ListTasksInput {
            container_instance: Some(instance(connection)?),
            ..list_input()
        },
    )?;
    Ok(())
}

fn list(gantry: &Gantry, what: &str) -> Result<f64> {
    read::<ecs::ListTasks>(gantry, what, &list_input())
}

fn list_input() -> ecs::ListTasksInput {
    ecs::ListTasksInput {
        cluster: Some(CLUSTER.to_owned()),
        ..ecs::ListTasksInput::default()
    }
}

fn instance(connection: &mut Connection) -> Result<String> {
    let output = connection.call::<ecs::ListContainerInstances>(&ecs::ListContainerInstancesInput {
        cluster: Some(CLUSTER.to_owned()),
        ..ecs::ListContainerInstancesInput::default()
    })?;
    let arns = output.container_instance_arns.into_iter().flatten();
    arns.last().context("the cluster has container instances")
}

/// Makes the other clusters, each with a host and tasks of its own.
fn fill(connection: &mut Connection, hosts: &InstantHosts) -> Result<()> {
    let names: Vec<String> = (1..CLUSTERS).map(|it| format!("small-{it}")).collect();
    for name in &names {
        create(connection, name)?;
    }
    hosts.join(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let already = hosts.running();
    for name in &names {
        run_tasks(connection, name)?;
    }
    hosts.wait_for(already + names.len() * TASKS_PER_CALL)
}

fn registrations(gantry: &Gantry) -> Result<()> {
    let request = signed::<ecs::RegisterTaskDefinition>(&host(gantry), &definition("registered"))?;
    let register = Load {
        what: "RegisterTaskDefinition",
        request: &request,
        answer: b"{",
        connections: WRITERS,
        pace: Pace::AsFastAsAnswered,
        duration: DURATION,
    };
    load::run(gantry, &register, |_| Ok(())).map(drop)
}

fn runs(gantry: &Gantry, hosts: &InstantHosts) -> Result<()> {
    let fastest = Pace::AsFastAsAnswered;
    run_load(gantry, hosts, "RunTask of 1", 1, fastest)?;
    run_load(
        gantry,
        hosts,
        &format!("RunTask of 1, {PACE} each second"),
        1,
        Pace::EachSecond(PACE),
    )?;
    run_load(
        gantry,
        hosts,
        &format!("RunTask of {TASKS_PER_CALL}"),
        TASKS_PER_CALL,
        fastest,
    )?;
    Ok(())
}

/// The hosts report each task RUNNING meanwhile; until the last is, all is counted.
fn run_load(gantry: &Gantry, hosts: &InstantHosts, what: &str, tasks: usize, pace: Pace) -> Result<()> {
    let request = signed::<ecs::RunTask>(&host(gantry), &run_input(CLUSTER, tasks)?)?;
    let load = Load {
        what,
        request: &request,
        // Whatever could not be placed would stand there.
        answer: b"{\"failures\":[],",
        connections: WRITERS,
        pace,
        duration: DURATION,
    };
    let already = hosts.running();
    let begin = Instant::now();
    load::run(gantry, &load, |calls| hosts.wait_for(already + calls * tasks))?;
    let reported = (hosts.running() - already) as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{:<46} {reported:.0} tasks each second until all were reported RUNNING",
        ""
    );
    Ok(())
}

fn read<O: Operation>(gantry: &Gantry, what: &str, input: &O::Input) -> Result<f64> {
    let load = Load {
        what,
        request: &signed::<O>(&host(gantry), input)?,
        answer: b"{",
        connections: READERS,
        pace: Pace::AsFastAsAnswered,
        duration: DURATION,
    };
    load::run(gantry, &load, |_| Ok(()))
}

fn host(gantry: &Gantry) -> String {
    gantry.endpoint().trim_start_matches("http://").to_owned()
}

fn create(connection: &mut Connection, name: &str) -> Result<()> {
    let input = ecs::CreateClusterInput {
        cluster_name: Some(name.to_owned()),
        ..ecs::CreateClusterInput::default()
    };
    connection.call::<ecs::CreateCluster>(&input).map(drop)
}

fn definition(family: &str) -> ecs::RegisterTaskDefinitionInput {
    let container = ecs::ContainerDefinition {
        name: Some("app".to_owned()),
        image: Some(SAMPLE_IMAGE.to_owned()),
        cpu: Some(4),
        memory: Some(16),
        ..ecs::ContainerDefinition::default()
    };
    ecs::RegisterTaskDefinitionInput {
        family: family.to_owned(),
        network_mode: Some("host".into()),
        container_definitions: vec![container],
        ..ecs::RegisterTaskDefinitionInput::default()
    }
}

fn register(connection: &mut Connection) -> Result<()> {
    let input = definition(FAMILY);
    connection.call::<ecs::RegisterTaskDefinition>(&input).map(drop)
}

fn run_input(cluster: &str, tasks: usize) -> Result<ecs::RunTaskInput> {
    Ok(ecs::RunTaskInput {
        cluster: Some(cluster.to_owned()),
        count: Some(i32::try_from(tasks)?),
        task_definition: FAMILY.to_owned(),
        ..ecs::RunTaskInput::default()
    })
}

fn run_tasks(connection: &mut Connection, cluster: &str) -> Result<Vec<String>> {
    super::launch::run_tasks(connection, &run_input(cluster, TASKS_PER_CALL)?)
}
