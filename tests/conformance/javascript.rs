//! The AWS SDK for JavaScript v3: one flow, in Node.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::subject::Subject;

#[test]
fn the_javascript_sdk_runs_a_flow() -> Result<()> {
    let sdk = installed()?;
    Subject::with_sample_image()?.run_program(|environment| {
        let mut node = Command::new("node");
        node.envs(environment).arg("flow.mjs").current_dir(&sdk);
        node
    })
}

/// Installs what `package-lock.json` pins, in a folder beside the build; it takes seconds, once.
fn installed() -> Result<PathBuf> {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/javascript");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("javascript");
    std::fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json", "flow.mjs"] {
        std::fs::copy(source.join(file), folder.join(file))?;
    }
    let status = Command::new("npm")
        .args([
            "ci",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefer-offline",
        ])
        .current_dir(&folder)
        .status()
        .context("npm is missing: apt-get install nodejs npm")?;
    ensure!(status.success(), "npm ci: {status}");
    Ok(folder)
}
