//! Runs of fuzz targets, as many at a time as there are processors.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result};

use super::Places;

/// Longest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 8192;
/// Most memory of a target, in MiB.
const MEMORY_MIB_MAX: u32 = 1024;
/// Longest time for one input, in seconds: nothing that is read may be slow.
const INPUT_SECONDS_MAX: u32 = 5;
/// Lines of a finding that are shown.
const LINES_SHOWN: usize = 24;

/// How long a target looks.
#[derive(Clone, Copy)]
pub enum Effort {
    /// For so long, going on from what earlier runs have kept.
    Seconds(u32),
    /// So many inputs, made from the seeds alone by a fixed choice.
    Inputs(u32),
}

impl std::fmt::Display for Effort {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(out, "{seconds} s"),
            Self::Inputs(count) => write!(out, "{count} inputs"),
        }
    }
}

/// What a target did.
pub struct Run {
    pub target: String,
    /// Inputs that were tried.
    pub executions: u64,
    pub ending: Ending,
}

/// How a run ended.
pub enum Ending {
    /// The time is over, nothing was found.
    Clean,
    /// An input broke a property.
    Finding { reproduce: String, tail: String },
}

/// Runs targets; gives what they did in their order.
pub fn all(places: &Places, programs: &Path, targets: &[String], effort: Effort) -> Result<Vec<Run>> {
    let next = Mutex::new(targets.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some((at, target)) = next.lock().ok().and_then(|mut it| it.next()) else {
                        return;
                    };
                    let run = one(places, &programs.join(target), target, effort);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, run));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().ok().context("a run panicked")?;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, run)| run).collect()
}

fn one(places: &Places, program: &Path, target: &str, effort: Effort) -> Result<Run> {
    let (corpus, bounds) = match effort {
        Effort::Seconds(seconds) => {
            let kept = places.work.join("corpus").join(target);
            (kept, vec![format!("-max_total_time={seconds}")])
        }
        Effort::Inputs(count) => {
            let empty = places.work.join("brief").join(target);
            if empty.exists() {
                std::fs::remove_dir_all(&empty)?;
            }
            (empty, vec![format!("-runs={count}"), "-seed=1".to_owned()])
        }
    };
    let findings = places.work.join("findings");
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&findings)?;
    let mut command = Command::new(program);
    command.args(bounds).args([
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-artifact_prefix={}/{target}-", findings.display()),
        "-print_final_stats=1".to_owned(),
    ]);
    let words = places.source.join("dictionaries").join(format!("{target}.txt"));
    if words.exists() {
        command.arg(format!("-dict={}", words.display()));
    }
    command.arg(&corpus).args(seeds(places, target));
    let output = command
        .output()
        .with_context(|| format!("{}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let executions = statistic(&text).unwrap_or_default();
    let ending = if output.status.success() {
        Ending::Clean
    } else {
        Ending::Finding {
            reproduce: reproduction(program, &text),
            tail: tail(&text),
        }
    };
    Ok(Run {
        target: target.to_owned(),
        executions,
        ending,
    })
}

/// Folders of inputs to begin with: written ones and derived ones.
fn seeds(places: &Places, target: &str) -> Vec<PathBuf> {
    let folders = [places.source.join("seeds"), places.work.join("seeds")];
    let folders = folders.map(|it| it.join(target));
    folders.into_iter().filter(|it| it.is_dir()).collect()
}

fn statistic(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let number = lines.find_map(|it| it.strip_prefix("stat::number_of_executed_units:"))?;
    number.trim().parse().ok()
}

/// The program with the input that it wrote down.
fn reproduction(program: &Path, text: &str) -> String {
    let written = text.lines().find_map(|it| it.split_once("Test unit written to "));
    let input = written.map_or("(no input was written)", |(_, path)| path.trim());
    format!("{} {input}", program.display())
}

/// The end of what a target said, from the panic on if there is one.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let panic = lines.iter().position(|it| it.contains("panicked at"));
    let from = panic.unwrap_or(lines.len().saturating_sub(LINES_SHOWN));
    lines[from..]
        .iter()
        .take(LINES_SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}
