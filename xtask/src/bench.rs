//! `cargo xtask bench`: what Gantry does, measured beside its peers in the same run.

mod api;
mod balancer;
mod client;
mod containers;
mod dns;
mod exchange;
mod instant_hosts;
mod launch;
mod load;
mod memory;
mod networks;
mod peers;
mod process;
mod report;
mod rollout;
mod switching;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use test_support::gantry::Gantry;
use test_support::sample_image;

use crate::install::{self, run, say};

/// All measurements.
const NAMES: [&str; 11] = [
    "launch",
    "containers",
    "rollout",
    "api",
    "memory",
    "services",
    "commits",
    "balancer",
    "switching",
    "dns",
    "networks",
];
/// Those that let one choose what they measure.
const CHOOSING: [&str; 4] = ["api", "balancer", "dns", "networks"];
/// Those that build what they measure by themselves, and start nothing but that and its peers.
const ALONE: [&str; 2] = ["balancer", "dns"];

/// Runs one measurement, or all of them. `words` are its name, and what it shall measure if it lets one choose.
///
/// # Errors
/// The name is none of them, something cannot be installed, or a call fails.
pub fn bench(root: &Path, words: &[&str]) -> Result<()> {
    let (names, chosen) = match words {
        [] => (NAMES.to_vec(), words),
        [name, rest @ ..] if NAMES.contains(name) && (rest.is_empty() || CHOOSING.contains(name)) => {
            (vec![*name], rest)
        }
        _ => bail!(
            "no measurement {}: there are {}",
            words.join(" "),
            NAMES.join(", ")
        ),
    };
    install::for_build()?;
    // Of containers the client hardly does more than wait, and of networks the kernel does nearly all.
    let is_light = matches!(words, ["containers" | "rollout" | "networks", ..]);
    if cfg!(debug_assertions) && !is_light {
        return optimized(root, words);
    }
    report::machine()?;
    if let [name] = names[..]
        && ALONE.contains(&name)
    {
        return alone(root, name, chosen);
    }
    install::for_run()?;
    let binary = build(root)?;
    for name in names {
        match name {
            "launch" => launch::measure(&binary)?,
            "containers" => containers::measure(&binary)?,
            "rollout" => rollout::measure(&binary)?,
            "api" => api::measure(&binary, chosen)?,
            "memory" => memory::measure(&binary)?,
            "services" => services(root)?,
            "switching" => switching::measure(&binary, install::aws_clients(root)?)?,
            "commits" => commits(root)?,
            "networks" => networks::measure(root, &binary, chosen)?,
            _ => alone(root, name, chosen)?,
        }
    }
    Ok(())
}

fn alone(root: &Path, name: &str, chosen: &[&str]) -> Result<()> {
    match name {
        "dns" => dns::measure(root, chosen),
        _ => balancer::measure(root, chosen),
    }
}

/// Goes on in a release build: client and server share the processors, so the client must cost little too.
fn optimized(root: &Path, words: &[&str]) -> Result<()> {
    say("Building the client of the measurements");
    run(Command::new("cargo")
        .current_dir(root)
        .args(["run", "--release", "--package", "xtask", "--", "bench"])
        .args(words))
}

/// The release build, or another that `GANTRY_BENCH_BINARY` names, to compare with.
fn build(root: &Path) -> Result<PathBuf> {
    if let Some(other) = std::env::var_os("GANTRY_BENCH_BINARY") {
        return Ok(PathBuf::from(other));
    }
    say("Building the release binary");
    run(Command::new("cargo")
        .current_dir(root)
        .args(["build", "--release", "--package", "gantry"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/gantry"))
}

/// Durable commits beside a bare append log: the store's own benchmark.
fn commits(root: &Path) -> Result<()> {
    say("Durable commits");
    run(Command::new("cargo")
        .current_dir(root)
        .args(["bench", "--package", "store", "--bench", "commits"]))
}

/// Services on hosts that obey at once: the orchestrator's own benchmark.
fn services(root: &Path) -> Result<()> {
    say("Services");
    run(Command::new("cargo").current_dir(root).args([
        "bench",
        "--package",
        "orchestrator",
        "--bench",
        "services",
    ]))
}

/// A Gantry of the measurement's own, with the sample image.
fn started(binary: &Path) -> Result<Gantry> {
    let gantry = Gantry::start(binary)?;
    let image = gantry.scratch().join("sample.tar");
    sample_image::write(&image)?;
    gantry.command(&["image", "load", &image.display().to_string()])?;
    Ok(gantry)
}
