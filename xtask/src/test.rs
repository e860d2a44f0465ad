//! `cargo xtask test`: every test there is.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::install::{self, run, say};
use crate::{codegen, fuzz, tidy};

/// A workspace of its own.
const SDK_FLOW: &str = "tests/conformance/rust-sdk";

/// Installs what is missing, checks the rules, then runs all tests. The last line counts them.
pub fn test(root: &Path, arguments: &[String]) -> Result<()> {
    install::for_build()?;
    install::for_run()?;
    install::for_comparing()?;
    install::nextest()?;
    let clients = install::aws_clients(root)?;
    let sigv4_suite = install::sigv4_suite::fetch(root)?;
    if arguments.is_empty() {
        say("Rules of the layout, generated code");
        tidy::tidy(root)?;
        codegen::codegen(root, codegen::Mode::Check)?;
        say("Formatting");
        for folder in [root, &root.join("fuzz"), &root.join(SDK_FLOW)] {
            run(cargo(folder).args(["fmt", "--all", "--check"]))?;
        }
        say("Lints");
        run(cargo(root).args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    if arguments.is_empty() {
        fuzz::briefly(root)?;
        sdk_flow(root)?;
    }
    say("Tests");
    let mut tests = cargo(root);
    tests
        .env("GANTRY_AWS_CLIENTS", clients)
        .env("GANTRY_SIGV4_SUITE", sigv4_suite);
    run(tests.args(["nextest", "run", "--workspace"]).args(arguments))
}

/// Compiles it before its test runs, which has a deadline.
fn sdk_flow(root: &Path) -> Result<()> {
    say("Compiling the flow of the AWS SDK for Rust (some minutes, once)");
    run(cargo(&root.join(SDK_FLOW))
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(install::target_folder(root).join("rust-sdk")))
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    command
}
