//! The processes of the machine: what they have used.

use std::path::Path;

use anyhow::{Context, Result};

/// Linux counts in hundredths of a second on every machine that Gantry runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Programs that make up a Docker Engine. The client is none of them.
const ENGINE_PROGRAMS: [&str; 3] = ["dockerd", "containerd", "containerd-shim"];

/// A process.
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Its program, at most 15 bytes of it.
    pub name: String,
    /// Processor time of its own: that of its children is, for a shim, that of its containers.
    pub cpu_seconds: f64,
}

/// All that can be read.
pub fn all() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|it| process(&it.path())).collect()
}

fn process(path: &Path) -> Option<Process> {
    let id = path.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(path.join("stat")).ok()?;
    // The name in parentheses may hold spaces.
    let (head, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Some(Process {
        id,
        name: head.split_once('(')?.1.to_owned(),
        cpu_seconds: ticks.sum::<Result<f64, _>>().ok()? / TICKS_PER_SECOND,
    })
}

/// Shims of the Gantry with this data directory.
pub fn shims(data_dir: &Path) -> Vec<Process> {
    let data_dir = data_dir.canonicalize().unwrap_or_default();
    let is_ours = |it: &Process| {
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", it.id));
        it.name == "gantry-shim" && cwd.is_ok_and(|it| it.starts_with(&data_dir))
    };
    all().into_iter().filter(is_ours).collect()
}

/// Seconds of processor time that the Docker Engine has used.
pub fn engine_cpu_seconds() -> f64 {
    let is_engine = |it: &Process| ENGINE_PROGRAMS.iter().any(|name| it.name.starts_with(name));
    all().into_iter().filter(is_engine).map(|it| it.cpu_seconds).sum()
}

/// KiB of a process's memory, what it shares with others counted in parts.
pub fn proportional_kib(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find_map(|it| it.strip_prefix("Pss:"));
    let value = line.and_then(|it| it.split_whitespace().next());
    Ok(value.with_context(|| format!("no Pss of {process}"))?.parse()?)
}
