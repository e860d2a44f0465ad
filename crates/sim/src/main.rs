//! Runs seeds: one with its whole log, many without, or as many as fit into some minutes.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sim::{Keep, Outcome};

/// Worlds between two lines of progress.
const PROGRESS: u64 = 100;

/// Deterministic simulation of the service scheduler.
#[derive(Parser)]
struct Arguments {
    /// Run this seed alone, with its whole log
    #[arg(long, conflicts_with_all = ["seeds", "minutes"])]
    seed: Option<u64>,
    /// Run so many seeds
    #[arg(long, default_value_t = 200, conflicts_with = "minutes")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run seeds for so long
    #[arg(long)]
    minutes: Option<u64>,
    /// Stop at the first seed that fails
    #[arg(long)]
    first: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    }
}

fn one(seed: u64) -> ExitCode {
    let outcome = sim::run(seed, Keep::All);
    outcome.journal.lines().for_each(|it| println!("{it}"));
    println!("{}", summary(&outcome));
    match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    }
}

fn many(arguments: &Arguments) -> ExitCode {
    let begun = Instant::now();
    let end = arguments.minutes.map(|it| Duration::from_secs(60 * it));
    let (mut failed, mut commits, mut count) = (Vec::new(), 0, 0);
    for seed in arguments.from.. {
        let is_over = match end {
            Some(end) => begun.elapsed() >= end,
            None => count == arguments.seeds,
        };
        if is_over {
            break;
        }
        let outcome = sim::run(seed, Keep::Last);
        count += 1;
        commits += outcome.commits;
        if outcome.violation.is_some() {
            println!("{}", summary(&outcome));
            failed.push(seed);
            if arguments.first {
                break;
            }
        }
        if count % PROGRESS == 0 {
            println!(
                "{count} seeds, {commits} commits, {} failed, {:.0?}",
                failed.len(),
                begun.elapsed()
            );
        }
    }
    println!(
        "{count} seeds, {commits} commits, failed: {failed:?}, {:.1?}",
        begun.elapsed()
    );
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn summary(outcome: &Outcome) -> String {
    let (seed, hash) = (outcome.seed, outcome.journal.hash());
    match &outcome.violation {
        None => format!("seed {seed}: {} commits, log {hash:016x}", outcome.commits),
        Some(it) => format!("seed {seed}: {it}\n  reproduce: cargo xtask sim --seed {seed}"),
    }
}
