//! The scheduler broken on purpose: each way has to be found by the simulation, or by the tests of the orchestrator.
//!
//! A copy of the sources is changed and built, so that nothing of this is in the program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::install::{run, say, target_folder};

/// Worlds in which a mutation may hide.
const SEEDS: &str = "200";

/// One way to break the scheduler.
struct Mutation {
    name: &'static str,
    file: &'static str,
    /// Stands once in the file.
    right: &'static str,
    wrong: &'static str,
}

const fn mutation(
    name: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
) -> Mutation {
    Mutation {
        name,
        file,
        right,
        wrong,
    }
}

const MUTATIONS: [Mutation; 14] = [
    mutation(
        "the minimum rounds down",
        "crates/domain/src/service.rs",
        "percent.div_ceil(100)",
        "(percent / 100)",
    ),
    mutation(
        "the maximum rounds up",
        "crates/domain/src/service.rs",
        "u64::from(desired_count) * u64::from(self.maximum_percent) / 100",
        "(u64::from(desired_count) * u64::from(self.maximum_percent)).div_ceil(100)",
    ),
    mutation(
        "new tasks count as healthy at once",
        "crates/orchestrator/src/controllers/service_deployments/plan.rs",
        "primary_running_after.saturating_sub(counts.unproven)",
        "primary_running_after",
    ),
    mutation(
        "old tasks count as healthy whatever they are",
        "crates/orchestrator/src/controllers/service_deployments/health.rs",
        "counts.old_unproven += 1",
        "counts.old_unproven += 0",
    ),
    mutation(
        "old tasks are forgotten when new ones start",
        "crates/orchestrator/src/controllers/service_deployments/plan.rs",
        ".saturating_sub(primary_total + old_total)",
        ".saturating_sub(primary_total)",
    ),
    mutation(
        "protection is ignored",
        "crates/domain/src/task.rs",
        "self.protected_until.filter(|until| *until > now)",
        "self.protected_until.filter(|until| *until < now)",
    ),
    mutation(
        "resources are not released",
        "crates/orchestrator/src/transitions/observe_task.rs",
        "        release_host(tx, &task);\n",
        "",
    ),
    mutation(
        "reports move a task backwards",
        "crates/domain/src/task.rs",
        "if to <= self.last_status {",
        "if to == self.last_status {",
    ),
    mutation(
        "a client token starts tasks twice",
        "crates/orchestrator/src/transitions/run_tasks/once.rs",
        "if tasks.is_empty() {",
        "if tasks.len() < 100 {",
    ),
    mutation(
        "no deployment is ever completed",
        "crates/orchestrator/src/controllers/service_deployments.rs",
        "primary.rollout = Rollout::Completed;",
        "primary.rollout = Rollout::InProgress;",
    ),
    mutation(
        "the circuit breaker counts nothing",
        "crates/orchestrator/src/transitions/failed_tasks.rs",
        "it.failed_tasks += 1;",
        "it.failed_tasks += 0;",
    ),
    mutation(
        "tasks go to hosts without an agent",
        "crates/placement/src/place.rs",
        "if !candidate.host.is_connected {",
        "if candidate.host.id.is_empty() {",
    ),
    mutation(
        "an address is given twice",
        "crates/orchestrator/src/transitions/run_tasks/address.rs",
        "!used.contains(address)",
        "used.len() < 10_000 || !used.contains(address)",
    ),
    mutation(
        "tasks go to DRAINING container instances",
        "crates/placement/src/place.rs",
        "it.status != ContainerInstanceStatus::Active",
        "it.status == ContainerInstanceStatus::Inactive",
    ),
];

/// Tries all mutations, or those whose names contain one of these words.
pub fn mutations(root: &Path, words: &[&str]) -> Result<()> {
    let copy = target_folder(root).join("mutations");
    say("Copying the sources");
    copy_sources(root, &copy)?;
    // Dependencies are the same, and are built once for both.
    let copy = Copy {
        target: target_folder(root),
        folder: copy,
    };
    let is_meant = |it: &&Mutation| words.is_empty() || words.iter().any(|word| it.name.contains(word));
    let (mut survived, mut count) = (Vec::new(), 0);
    for it in MUTATIONS.iter().filter(is_meant) {
        count += 1;
        let begun = Instant::now();
        let caught = try_one(it, &copy).with_context(|| format!("mutation: {}", it.name))?;
        println!("{:<50} {caught:<60} {:.0?}", it.name, begun.elapsed());
        if caught == SURVIVED {
            survived.push(it.name);
        }
    }
    ensure!(survived.is_empty(), "not caught: {}", survived.join(", "));
    println!("{count} mutations, all caught");
    Ok(())
}

const SURVIVED: &str = "NOT CAUGHT";

/// The sources that are changed, and where they are built.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

fn try_one(it: &Mutation, copy: &Copy) -> Result<String> {
    let path = copy.folder.join(it.file);
    let source = std::fs::read_to_string(&path)?;
    ensure!(
        source.matches(it.right).count() == 1,
        "{} has changed: `{}` does not stand there once",
        it.file,
        it.right
    );
    std::fs::write(&path, source.replace(it.right, it.wrong))?;
    let caught = catch(copy);
    // The next mutation starts from what is right.
    std::fs::write(&path, source)?;
    caught
}

/// What catches it, in words.
fn catch(copy: &Copy) -> Result<String> {
    run(cargo(copy).args(["build", "--quiet", "--package", "sim"]))?;
    let simulated = cargo(copy)
        .args(["run", "--quiet", "--package", "sim", "--"])
        .args(["--seeds", SEEDS, "--first"])
        .output()?;
    if !simulated.status.success() {
        let said = String::from_utf8_lossy(&simulated.stdout);
        let line = said.lines().find(|it| it.starts_with("seed "));
        let Some(line) = line else {
            bail!(
                "the simulation failed otherwise: {}",
                String::from_utf8_lossy(&simulated.stderr)
            );
        };
        return Ok(line.chars().take(110).collect());
    }
    let tested = cargo(copy)
        .args([
            "test",
            "--quiet",
            "--package",
            "orchestrator",
            "--package",
            "domain",
        ])
        .output()?;
    Ok(match tested.status.success() {
        true => SURVIVED.to_owned(),
        false => "unit tests alone".to_owned(),
    })
}

fn cargo(copy: &Copy) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&copy.folder)
        .env("CARGO_TARGET_DIR", &copy.target);
    cargo
}

/// What the workspace is made of, without what was built.
fn copy_sources(root: &Path, copy: &Path) -> Result<()> {
    std::fs::create_dir_all(copy)?;
    let parts = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "crates",
        "models",
        "tests",
        "xtask",
    ];
    for part in parts {
        let to: PathBuf = copy.join(part);
        if to.is_dir() {
            std::fs::remove_dir_all(&to)?;
        }
        // With new times: what was built from a mutation must not pass for what is built from this.
        run(Command::new("cp").arg("-r").arg(root.join(part)).arg(&to))?;
    }
    Ok(())
}
