//! The scheduler broken on purpose: each way has to be found by the simulation, or by the tests of the planner.
//!
//! A copy of the sources is changed and built once, with every mutation behind a switch that the environment sets, so
//! that nothing of this is in the program.

mod table;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::install::{run, say, target_folder};
use table::{MUTATIONS, Mutation};

/// Version of what is broken.
const VERSION: &str = "0.0.0-broken";
/// Worlds in which a mutation may hide.
const SEEDS: &str = "200";
/// Names the mutation that is on.
const SWITCH: &str = "SIM_MUTATION";
/// A mutation may keep a world from ever ending: what takes so long is found too.
const RUN_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// Between two looks at what runs.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Longest text of what was caught, in characters.
const TOLD_MAX: usize = 150;
/// Tests of what mutations are made in.
const TESTED: [&str; 6] = [
    "--package",
    "orchestrator",
    "--package",
    "domain",
    "--package",
    "placement",
];

/// Tries all mutations, or those whose names contain one of these words.
pub fn mutations(root: &Path, words: &[&str]) -> Result<()> {
    let copy = Copy {
        // Dependencies are the same, and are built once for both.
        target: target_folder(root),
        folder: target_folder(root).join("mutations"),
    };
    say("Copying the sources");
    copy_sources(root, &copy.folder)?;
    rename(&copy.folder)?;
    mutate(&copy.folder)?;
    say("Building them, with all mutations off");
    run(cargo(&copy, "build", "").args(["--package", "sim"]))?;
    let is_meant = |it: &&Mutation| words.is_empty() || words.iter().any(|word| it.name.contains(word));
    let meant: Vec<_> = MUTATIONS.iter().filter(is_meant).collect();
    say(&format!(
        "Running {} mutations, each until it is found",
        meant.len()
    ));
    let mut survived = Vec::new();
    for (index, it) in meant.iter().enumerate() {
        let begun = Instant::now();
        let caught = catch(it, &copy).with_context(|| format!("mutation: {}", it.name))?;
        let told = caught.as_deref().unwrap_or("NOT CAUGHT");
        let (number, time) = (index + 1, begun.elapsed());
        println!("{number:>2}/{} {:<52} {time:>5.0?}  {told}", meant.len(), it.name);
        if caught.is_none() {
            survived.push(it.name);
        }
    }
    ensure!(survived.is_empty(), "not caught: {}", survived.join(", "));
    println!("{} mutations, all caught", meant.len());
    Ok(())
}

/// The sources that are changed, and where they are built.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

/// Gives the copy a version of its own: what is built of it must not pass for what is built of the sources, beside which
/// it lies.
fn rename(folder: &Path) -> Result<()> {
    let path = folder.join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path)?;
    let (before, after) = manifest
        .split_once("[workspace.package]\nversion = \"")
        .context("Cargo.toml has no version of the workspace where one is expected")?;
    let rest = after.split_once('"').map_or("", |(_, rest)| rest);
    let renamed = format!("{before}[workspace.package]\nversion = \"{VERSION}\"{rest}");
    Ok(std::fs::write(path, renamed)?)
}

/// Puts all mutations behind their switches.
fn mutate(folder: &Path) -> Result<()> {
    for (file, source) in mutated(folder)? {
        std::fs::write(folder.join(file), source)?;
    }
    Ok(())
}

/// The files that have mutations, with all of them.
///
/// # Errors
/// The sources are no longer what the list says.
fn mutated(folder: &Path) -> Result<BTreeMap<&'static str, String>> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    let mut moved = Vec::new();
    for it in &MUTATIONS {
        let source = match files.entry(it.file) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unread) => {
                let read = std::fs::read_to_string(folder.join(it.file));
                unread.insert(read.with_context(|| it.file.to_owned())?)
            }
        };
        match source.matches(it.right).count() {
            1 => *source = source.replace(it.right, &switched(it)),
            count => moved.push(format!(
                "{}: `{}` stands {count} times in {}, and has to stand there once",
                it.name, it.right, it.file
            )),
        }
    }
    ensure!(
        moved.is_empty(),
        "the sources have changed; mend the list in xtask/src/sim/mutations/table.rs:\n{}",
        moved.join("\n")
    );
    Ok(files)
}

/// An expression that is right, or wrong if the environment says so.
fn switched(it: &Mutation) -> String {
    let Mutation {
        name, right, wrong, ..
    } = it;
    // A call, and not only parentheses, of which the compiler would say that it needs none.
    format!(
        "std::convert::identity(if {{ static ON: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| \
         std::env::var_os({SWITCH:?}).is_some_and(|it| it == {name:?})); *ON }} {{ {wrong} }} else {{ {right} }})"
    )
}

/// What catches it, in words.
fn catch(it: &Mutation, copy: &Copy) -> Result<Option<String>> {
    let sim = cargo(copy, "run", it.name)
        .args(["--package", "sim", "--", "--seeds", SEEDS, "--first"])
        .spawn()?;
    let Some(simulated) = ended(sim)? else {
        return Ok(Some("a world that does not end".to_owned()));
    };
    if !simulated.status.success() {
        let said = String::from_utf8_lossy(&simulated.stdout);
        let Some(line) = said.lines().find(|it| it.starts_with("seed ")) else {
            let error = String::from_utf8_lossy(&simulated.stderr);
            bail!("the simulation failed otherwise: {error}");
        };
        return Ok(Some(line.chars().take(TOLD_MAX).collect()));
    }
    let tests = cargo(copy, "test", it.name)
        .args(TESTED)
        .arg("--no-fail-fast")
        .spawn()?;
    let Some(tested) = ended(tests)? else {
        return Ok(Some("a test that does not end".to_owned()));
    };
    if tested.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&tested.stdout);
    let failed = said
        .lines()
        .find_map(|it| it.strip_prefix("---- ")?.strip_suffix(" stdout ----"));
    let Some(failed) = failed else {
        let error = String::from_utf8_lossy(&tested.stderr);
        bail!("the tests failed otherwise: {error}");
    };
    Ok(Some(format!("test {failed}")))
}

/// Waits for a child; `None` if it took too long, and was ended.
fn ended(mut child: std::process::Child) -> Result<Option<Output>> {
    let deadline = Instant::now() + RUN_DEADLINE;
    let pipes = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = (drained(pipes.0), drained(pipes.1));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let read = |it: std::thread::JoinHandle<Vec<u8>>| it.join().unwrap_or_default();
    Ok(Some(Output {
        status,
        stdout: read(stdout),
        stderr: read(stderr),
    }))
}

/// Reads all of a pipe, so that the child never waits for it.
fn drained(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until then is shown.
            let _ = pipe.read_to_end(&mut all);
        }
        all
    })
}

fn cargo(copy: &Copy, what: &str, mutation: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&copy.folder)
        .env("CARGO_TARGET_DIR", &copy.target)
        .env(SWITCH, mutation)
        .args([what, "--quiet"]);
    if !mutation.is_empty() {
        cargo.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_has_its_place_in_the_sources() {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = mutated(xtask.parent().expect("a workspace")).expect("all have their place");
        let switches: usize = files.values().map(|it| it.matches(SWITCH).count()).sum();
        assert_eq!(switches, MUTATIONS.len());
    }
}
