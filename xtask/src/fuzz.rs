//! `cargo xtask fuzz`: builds the targets of `fuzz/` on the stable toolchain and lets them look for faults.

mod runs;
mod seeds;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::install::{self, run, say};
use runs::{Effort, Ending, Run};

/// How long each target looks if nobody says, in seconds.
const SECONDS_DEFAULT: u32 = 60;
/// How many inputs each target tries as a part of all tests: the same ones each time, so that a change that has
/// passed passes again.
const INPUTS_IN_TESTS: u32 = 10_000;
/// What makes LLVM count branches and note comparisons for libFuzzer. `fuzzing` opens what crates keep to themselves.
const FLAGS: [&str; 9] = [
    "--cfg",
    "fuzzing",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Where things lie.
struct Places {
    /// The workspace of the targets.
    source: PathBuf,
    /// What is built and found, beside the build of the project.
    work: PathBuf,
}

/// `[TARGET] [--seconds N]`
pub fn fuzz(root: &Path, arguments: &[&str]) -> Result<()> {
    let (wanted, seconds) = match arguments {
        [] => (None, SECONDS_DEFAULT),
        ["--seconds", seconds] => (None, parsed(seconds)?),
        [target] => (Some(*target), SECONDS_DEFAULT),
        [target, "--seconds", seconds] => (Some(*target), parsed(seconds)?),
        _ => bail!("cargo xtask fuzz [TARGET] [--seconds N]"),
    };
    look(root, wanted, Effort::Seconds(seconds))
}

/// A short look of every target.
pub fn briefly(root: &Path) -> Result<()> {
    look(root, None, Effort::Inputs(INPUTS_IN_TESTS))
}

fn parsed(seconds: &str) -> Result<u32> {
    // libFuzzer takes 0 for no end.
    let seconds = seconds.parse().ok().filter(|it| *it > 0);
    seconds.context("--seconds takes a whole number above 0")
}

fn look(root: &Path, wanted: Option<&str>, effort: Effort) -> Result<()> {
    let source = root.join("fuzz");
    let mut targets = targets(&source)?;
    if let Some(wanted) = wanted {
        let known = targets.join(", ");
        targets.retain(|it| it == wanted);
        ensure!(!targets.is_empty(), "no target {wanted}: there are {known}");
    }
    install::for_fuzzing()?;
    let places = Places {
        work: install::target_folder(root).join("fuzz"),
        source,
    };
    let programs = build(&places)?;
    seeds::derive(root, &places.work.join("seeds"))?;
    say(&format!("Fuzzing: {} targets, {effort} each", targets.len()));
    let runs = runs::all(&places, &programs, &targets, effort)?;
    report(&runs)
}

/// The targets by name: their files.
fn targets(source: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(source.join("targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|it| it.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets and returns the folder of their programs.
fn build(places: &Places) -> Result<PathBuf> {
    say("Building the fuzz targets (minutes, once)");
    let host = host()?;
    run(Command::new("cargo")
        .current_dir(&places.source)
        .env("CARGO_TARGET_DIR", &places.work)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        // With a target named, build scripts and macros are compiled without the flags.
        .args(["build", "--quiet", "--locked", "--bins", "--target", &host]))?;
    Ok(places.work.join(host).join("debug"))
}

/// `x86_64-unknown-linux-gnu`
fn host() -> Result<String> {
    let version = Command::new("rustc").arg("-vV").output().context("rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|it| it.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// Says what each run did; an error if one found something.
fn report(runs: &[Run]) -> Result<()> {
    let mut findings = 0;
    for Run {
        target,
        executions,
        ending,
    } in runs
    {
        match ending {
            Ending::Clean => println!("{target:>20}  {executions:>10} executions"),
            Ending::Finding { reproduce, tail } => {
                findings += 1;
                println!(
                    "{target:>20}  {executions:>10} executions, then:\n{tail}\nReproduce it:\n  {reproduce}\n"
                );
            }
        }
    }
    let executions: u64 = runs.iter().map(|it| it.executions).sum();
    println!(
        "fuzz: {} targets, {executions} executions, {findings} findings",
        runs.len()
    );
    ensure!(findings == 0, "{findings} of the fuzz targets found something");
    Ok(())
}
