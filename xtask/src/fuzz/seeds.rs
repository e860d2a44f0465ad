//! Inputs to begin with, taken from what other tests keep: golden answers and protocol vectors.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::runs::INPUT_BYTES_MAX;

const VECTORS: &str = "crates/wire/tests/vectors";

/// Writes them into a folder for each target. They replace those of before.
pub fn derive(root: &Path, folder: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(folder);
    golden(&root.join("tests/conformance/golden"), folder)?;
    for protocol in ["query", "ec2"] {
        for (number, body) in bodies(&root.join(VECTORS), "input", protocol)?.iter().enumerate() {
            let seed = format!("application/x-www-form-urlencoded\n\n{body}");
            write(folder, "forms", &format!("{protocol}-{number}"), &seed)?;
        }
    }
    for protocol in ["json", "json_1_0"] {
        for (number, body) in bodies(&root.join(VECTORS), "output", protocol)?
            .iter()
            .enumerate()
        {
            let name = format!("{protocol}-{number}");
            write(folder, "errors", &name, &format!("a message\n{body}"))?;
            write(folder, "json", &name, &format!("RunTask\n{body}"))?;
        }
    }
    Ok(())
}

/// Inputs and outputs of operations of ECS: an array of cases for each. Folders are of services that speak no JSON.
fn golden(golden: &Path, folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(golden)? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let operation = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        let cases: Value =
            serde_json::from_slice(&std::fs::read(&path)?).with_context(|| path.display().to_string())?;
        for (number, case) in cases.as_array().into_iter().flatten().enumerate() {
            for (target, side) in [("json", "input"), ("json", "output"), ("answers", "output")] {
                if let Some(value) = case.get(side) {
                    let seed = format!("{operation}\n{value}");
                    write(folder, target, &format!("{operation}-{number}-{side}"), &seed)?;
                }
            }
        }
    }
    Ok(())
}

/// The bodies of a file of vectors.
fn bodies(vectors: &Path, direction: &str, protocol: &str) -> Result<Vec<String>> {
    let path = vectors.join(direction).join(format!("{protocol}.json.gz"));
    let mut text = String::new();
    let file = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    let suites: Value = serde_json::from_str(&text)?;
    let cases = suites
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["cases"].as_array());
    let messages = cases.flatten().map(|it| match direction {
        "input" => &it["serialized"],
        _ => &it["response"],
    });
    Ok(messages
        .filter_map(|it| it["body"].as_str().map(str::to_owned))
        .collect())
}

fn write(folder: &Path, target: &str, name: &str, seed: &str) -> Result<()> {
    if seed.len() > INPUT_BYTES_MAX {
        return Ok(());
    }
    let folder = folder.join(target);
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join(name), seed)?)
}
