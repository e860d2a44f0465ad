//! The AWS SDK for Rust: one flow, in a program of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::subject::Subject;

#[test]
fn rust_sdk_flow() -> Result<()> {
    let program = built()?;
    Subject::with_sample_image()?.run_program(|environment| {
        let mut flow = Command::new(program);
        flow.envs(environment);
        flow
    })
}

/// Compiles the flow, in a folder beside the build; minutes the first time, which `cargo xtask test` spends before.
fn built() -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/rust-sdk");
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = beside.context("a target folder")?.join("rust-sdk");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(&target)
        .current_dir(source)
        .status()
        .context("cargo")?;
    ensure!(status.success(), "cargo build: {status}");
    Ok(target.join("debug/rust-sdk-flow"))
}
