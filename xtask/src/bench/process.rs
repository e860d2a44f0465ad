//! What processes use, as the kernel counts it.

use std::path::Path;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A process and all that it has started.
pub fn family(process: u32) -> Result<Vec<u32>> {
    let mut found = vec![process];
    let mut at = 0;
    while let Some(process) = found.get(at).copied() {
        for task in tasks(process)? {
            let children = std::fs::read_to_string(task.join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|it| it.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    Ok(found)
}

/// Seconds of processor time that a process has used, by the scheduler's own count of nanoseconds.
pub fn processor_seconds(process: u32) -> Result<f64> {
    let mut sum = 0.0;
    for task in tasks(process)? {
        // a thread that is gone has told its time to nobody: those that work live on
        let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        let nanoseconds = text.split_whitespace().next().unwrap_or("0");
        sum += nanoseconds.parse::<f64>()? / 1e9;
    }
    Ok(sum)
}

/// The same for the calling thread.
pub fn thread_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text
        .split_whitespace()
        .next()
        .context("the scheduler counts nothing")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

/// KiB that a process holds by itself: resident, not counting what it shares with files.
pub fn own_kib(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find(|it| it.starts_with("Pss_Anon:"));
    let value = line.and_then(|it| it.split_whitespace().nth(1));
    Ok(value.context("Linux 5.0 says how much is anonymous")?.parse()?)
}

/// Lets this process and those that it starts have as many connections as the machine allows.
pub fn allow_many_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, wanted).context("many files cannot be opened")
}

fn tasks(process: u32) -> Result<Vec<std::path::PathBuf>> {
    let folder = Path::new("/proc").join(process.to_string()).join("task");
    let entries = std::fs::read_dir(folder).with_context(|| format!("process {process} is gone"))?;
    Ok(entries.flatten().map(|it| it.path()).collect())
}
