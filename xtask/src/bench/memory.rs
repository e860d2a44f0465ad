//! Resident memory: idle, and for each running task.

use std::path::Path;

use anyhow::{Context, Result};
use api::ecs;
use test_support::gantry::Gantry;

use super::client::Connection;
use super::launch;
use crate::install::say;

/// Tasks whose share is measured.
const TASKS: i32 = 10;
const KIB_PER_MIB: f64 = 1024.0;

/// Prints the sizes.
pub fn measure(binary: &Path) -> Result<()> {
    let gantry = super::started(binary)?;
    say("Memory");
    let idle = own(&gantry, "Rss")?;
    println!("{:<46} {:.1} MiB resident", "gantry up, idle", idle / KIB_PER_MIB);
    let mut connection = Connection::to(&gantry)?;
    connection.call::<ecs::CreateCluster>(&ecs::CreateClusterInput::default())?;
    let mut run = launch::run_input(&mut connection, "host", "")?;
    run.count = Some(TASKS);
    let tasks = launch::run_tasks(&mut connection, &run)?;
    launch::wait(&mut connection, &tasks, "RUNNING")?;
    println!(
        "{:<46} {:.1} MiB resident",
        format!("gantry up, {TASKS} tasks running"),
        own(&gantry, "Rss")? / KIB_PER_MIB
    );
    let shims = shims()?;
    for (name, what) in [
        ("Rss", "with what all shims share"),
        ("Pss", "its proportional share"),
        ("Private_Dirty", "its own alone"),
    ] {
        let sizes: Vec<f64> = shims.iter().map(|it| rollup(*it, name)).collect::<Result<_>>()?;
        let mean = sizes.iter().sum::<f64>() / sizes.len().max(1) as f64;
        println!("{:<46} {mean:.0} KiB {what}", "shim of a task");
    }
    launch::stop(&mut connection, &tasks)
}

fn own(gantry: &Gantry, name: &str) -> Result<f64> {
    rollup(gantry.process_id().context("gantry runs")?, name)
}

/// KiB of a line of `smaps_rollup`.
fn rollup(process: u32, name: &str) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find(|it| it.starts_with(&format!("{name}:")));
    let value = line.and_then(|it| it.split_whitespace().nth(1));
    Ok(value
        .with_context(|| format!("no {name} of {process}"))?
        .parse()?)
}

/// Processes of shims: children have the container's own program, so the name tells.
fn shims() -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|it| it.parse().ok()) else {
            continue;
        };
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.trim() == "gantry-shim" {
            found.push(process);
        }
    }
    Ok(found)
}
