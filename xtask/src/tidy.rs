//! `cargo xtask tidy`: the rules of the layout, checked. Each failure says what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A file longer than this is a defect, not counting its tests.
const LINES_MAX: usize = 800;
/// Crates that decide only: no sockets, files, clock or entropy.
const PURE: [&str; 5] = ["domain", "wire", "api", "placement", "orchestrator"];
/// What a pure crate must not name.
const IMPURE: [&str; 8] = [
    "std::net::Tcp",
    "std::net::Udp",
    "std::fs",
    "std::env",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "rand::rng()",
];
/// The one file of a pure crate that waits.
const DRIVER: &str = "orchestrator/src/driver";

#[derive(Deserialize)]
struct Layers {
    layers: BTreeMap<String, u32>,
    may_depend_on: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

/// Checks all rules.
///
/// # Errors
/// All that is broken, a line each.
pub fn tidy(root: &Path) -> Result<()> {
    let mut faults = Vec::new();
    check_layers(root, &mut faults)?;
    let mut files = Vec::new();
    for folder in ["crates", "fuzz", "xtask", "tests"] {
        rust_files(&root.join(folder), &mut files)?;
    }
    files.sort();
    for file in &files {
        check_file(root, file, &mut faults)?;
    }
    if faults.is_empty() {
        println!("tidy: {} files are in order", files.len());
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

fn check_layers(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let table = root.join("xtask/layers.toml");
    let layers: Layers = toml::from_str(&std::fs::read_to_string(&table)?).context("xtask/layers.toml")?;
    let mut command = Command::new("cargo");
    command
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Metadata = serde_json::from_slice(&command.output()?.stdout).context("cargo metadata")?;
    for package in &metadata.packages {
        let Some(allowed) = layers.may_depend_on.get(&package.name) else {
            faults.push(format!(
                "{}: not in xtask/layers.toml; give it a layer",
                package.name
            ));
            continue;
        };
        let links = package
            .dependencies
            .iter()
            .filter(|it| it.path.is_some() && it.kind.is_none());
        for dependency in links {
            if !allowed.contains(&dependency.name) {
                faults.push(format!(
                    "{} depends on {}, which xtask/layers.toml does not allow: go through a lower layer, or write a decision note",
                    package.name, dependency.name
                ));
            }
        }
        for lower in allowed {
            let is_exception = (package.name.as_str(), lower.as_str()) == ("runtime", "agent");
            if layers.layers.get(lower) >= layers.layers.get(&package.name) && !is_exception {
                faults.push(format!(
                    "xtask/layers.toml: {} may not depend on {lower}: arrows go down",
                    package.name
                ));
            }
        }
    }
    Ok(())
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn check_file(root: &Path, file: &Path, faults: &mut Vec<String>) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    if text.starts_with("// @generated") {
        return Ok(());
    }
    let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.starts_with("tests/");
    if !is_test && !text.starts_with("//!") {
        faults.push(format!(
            "{name}: begin with a `//!` line that says what the file is for"
        ));
    }
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().count();
    if !is_test && lines > LINES_MAX {
        faults.push(format!(
            "{name}: {lines} lines; split it by the questions it answers (at most {LINES_MAX})"
        ));
    }
    if name.ends_with("/mod.rs") {
        faults.push(format!(
            "{name}: name the file after its folder instead of mod.rs"
        ));
    }
    if text.contains(concat!("#[", "allow(")) || text.contains(concat!("#![", "allow(")) {
        faults.push(format!(
            "{name}: use #[expect(lint, reason = \"…\")] instead of allow"
        ));
    }
    if text.contains(concat!("#[", "ignore")) {
        faults.push(format!("{name}: no ignored tests; make it run or delete it"));
    }
    let is_pure = PURE
        .iter()
        .any(|it| name.starts_with(&format!("crates/{it}/src/")));
    if is_pure && !is_test && !name.contains(DRIVER) {
        for word in IMPURE.iter().filter(|word| code.contains(*word)) {
            faults.push(format!(
                "{name}: {word} in a crate that only decides; pass the value in"
            ));
        }
    }
    Ok(())
}
