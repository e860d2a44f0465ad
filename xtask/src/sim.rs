//! `cargo xtask sim`: worlds of the simulation, one or many, and proof that it finds what is broken on purpose.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::install::run;

mod mutations;

/// `--seed S`, `--seeds N [--from S]`, `--minutes M` or `--mutations`
pub fn sim(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        ["--mutations", names @ ..] => mutations::mutations(root, names),
        _ => run(Command::new("cargo")
            .current_dir(root)
            .args(["run", "--quiet", "--package", "sim", "--"])
            .args(arguments)),
    }
}
