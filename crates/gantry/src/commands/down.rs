//! `gantry down`: ends a running Gantry, then every task that is left on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::StopRule;
use agent::host::{Host, HostError, HostEvent, RecoveredSandbox};
use anyhow::{Context, Result, bail};
use runtime::LinuxHost;
use runtime::images::Registries;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::arguments::Down;
use crate::data_dir::{DataDir, Lock, read_json};
use crate::machine;
use crate::running::Serving;

/// Longest wait for a running Gantry to end.
const UP_DEADLINE: Duration = Duration::from_secs(30);
/// Time that containers have after SIGTERM of which the agent has no record, as `stopTimeout` by default.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(20);
/// Sandboxes that are removed at once.
const CONCURRENT_REMOVALS: usize = 16;
const SIGTERM: i32 = Signal::TERM.as_raw();
const SIGKILL: i32 = Signal::KILL.as_raw();

/// A container: its task and its name.
type Container = (String, String);

/// Ends Gantry and its tasks.
pub fn run(options: &Down) -> Result<()> {
    let data_dir = options.place.data_dir()?;
    if !data_dir.path().exists() {
        println!("There is no Gantry in {}.", data_dir.path().display());
        return Ok(());
    }
    machine::ensure_root("down")?;
    data_dir.create()?;
    let _lock = stop_serving(&data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(stop_tasks(&data_dir))?;
    if options.network {
        println!("Removed the network: bridge, VPCs and rules.");
    }
    Ok(())
}

/// Waits until nobody serves the directory, and takes it, so that nobody does meanwhile.
fn stop_serving(data_dir: &DataDir) -> Result<Lock> {
    let deadline = Instant::now() + UP_DEADLINE;
    let mut told = None;
    while data_dir.is_served() {
        // One that is starting has no file yet; it is told as soon as it has.
        let running: Option<Serving> = read_json(&data_dir.endpoint_file())?;
        if let Some(running) = running.filter(|it| told != Some(it.process_id)) {
            tell(running.process_id)?;
            told = Some(running.process_id);
        }
        if Instant::now() > deadline {
            bail!(
                "Gantry on {} does not end; kill its process",
                data_dir.path().display()
            );
        }
        std::thread::sleep(PAUSE);
    }
    let lock = data_dir.lock()?;
    // A crash leaves it.
    let _missing = fs::remove_file(data_dir.endpoint_file());
    if told.is_some() {
        println!("Stopped Gantry.");
    }
    Ok(lock)
}

fn tell(process_id: i32) -> Result<()> {
    let process = Pid::from_raw(process_id).filter(|_| process_id > 1);
    let process = process.with_context(|| format!("{process_id} is no process id"))?;
    match kill_process(process, Signal::TERM) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot stop process {process_id}")),
    }
}

async fn stop_tasks(data_dir: &DataDir) -> Result<()> {
    let host = machine::open(data_dir, data_dir.file_systems(), Registries::default()).await?;
    let events = host.take_events();
    let sandboxes = host.recover().await.context("cannot find the tasks")?;
    let rules = agent::stop_rules(&data_dir.agent()).context("cannot read the agent's records")?;
    stop_containers(&host, events, running(&sandboxes), &rules).await;
    let count = sandboxes.len();
    remove(&host, sandboxes).await?;
    for id in host.load_balancers() {
        let removed = host.remove_load_balancer(&id).await;
        removed.with_context(|| format!("the balancer of load balancer {id} is left"))?;
    }
    host.remove_resolver()
        .await
        .context("the tasks are gone, but the resolver of their names is left")?;
    host.remove_groups()
        .await
        .context("the tasks are gone, but their control groups are left")?;
    drop(host);
    if count > 0 {
        println!("Stopped {count} {}.", if count == 1 { "task" } else { "tasks" });
    } else {
        println!("No tasks were running.");
    }
    machine::remove_network(data_dir)
        .await
        .context("the tasks are gone, but their network is left")
}

fn running(sandboxes: &[RecoveredSandbox]) -> BTreeSet<Container> {
    let containers = sandboxes.iter().flat_map(|task| {
        let running = task.containers.iter().filter(|it| it.exit.is_none());
        running.map(|it| (task.task_id.clone(), it.name.clone()))
    });
    containers.collect()
}

/// The stop signal of each, and SIGKILL for those that do not heed it within their own time.
async fn stop_containers(
    host: &LinuxHost,
    mut events: mpsc::Receiver<HostEvent>,
    running: BTreeSet<Container>,
    rules: &[StopRule],
) {
    let mut kill_at = BTreeMap::new();
    for container in running {
        let rule = rule(rules, &container);
        signal(host, &container, rule.map_or(SIGTERM, |it| it.signal)).await;
        kill_at.insert(
            container,
            Instant::now() + rule.map_or(STOP_TIMEOUT, |it| it.timeout),
        );
    }
    while let Some(next) = kill_at.values().min().copied() {
        match tokio::time::timeout_at(next.into(), events.recv()).await {
            Ok(Some(HostEvent::ContainerExited {
                task_id, container, ..
            })) => drop(kill_at.remove(&(task_id, container))),
            Ok(None) => return,
            // Its sandbox is removed in the end, whatever becomes of it.
            Err(_) => {
                let late = kill_at.iter().filter(|(_, at)| **at <= next);
                let late: Vec<Container> = late.map(|(it, _)| it.clone()).collect();
                for container in late {
                    signal(host, &container, SIGKILL).await;
                    kill_at.remove(&container);
                }
            }
        }
    }
}

fn rule<'a>(rules: &'a [StopRule], (task_id, name): &Container) -> Option<&'a StopRule> {
    rules
        .iter()
        .find(|it| it.task_id == *task_id && it.container == *name)
}

async fn signal(host: &LinuxHost, (task_id, name): &Container, signal: i32) {
    // Whatever is the matter, its sandbox is removed in the end, which kills it.
    if let Err(error) = host.signal_container(task_id, name, signal).await {
        eprintln!("gantry: container {name} of task {task_id}: {error}");
    }
}

/// Removes all, also after a failure; answers the first one.
async fn remove(host: &Arc<LinuxHost>, sandboxes: Vec<RecoveredSandbox>) -> Result<()> {
    let mut outcome = Ok(());
    let mut removals = JoinSet::new();
    let mut keep = |removed: Result<Result<(), HostError>, tokio::task::JoinError>| {
        let removed = removed
            .context("a removal failed")
            .and_then(|it| it.context("a task is left"));
        if outcome.is_ok() {
            outcome = removed;
        }
    };
    for sandbox in sandboxes {
        if removals.len() >= CONCURRENT_REMOVALS
            && let Some(removed) = removals.join_next().await
        {
            keep(removed);
        }
        let host = Arc::clone(host);
        removals.spawn(async move { host.remove_sandbox(&sandbox.task_id).await });
    }
    while let Some(removed) = removals.join_next().await {
        keep(removed);
    }
    outcome
}
