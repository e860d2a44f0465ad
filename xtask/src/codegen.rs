//! `cargo xtask codegen`: models to Rust. Types and schema only; what operations mean is written by hand.

mod http;
mod names;
mod on_wire;
mod render;
mod shapes;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Whether to write or only to compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write the files.
    Write,
    /// Fail if a file is not what would be written.
    Check,
}

/// A module of `api` for each model.
const MODULES: [&str; 17] = [
    "acm",
    "acs",
    "codedeploy",
    "ec2",
    "ecr",
    "ecs",
    "efs",
    "elb",
    "elbv2",
    "gantry",
    "iam",
    "logs",
    "route53",
    "secretsmanager",
    "servicediscovery",
    "ssm",
    "sts",
];

/// Generates `crates/api/src`.
pub fn codegen(root: &Path, mode: Mode) -> Result<()> {
    let folder = root.join("crates/api/src");
    for module in MODULES {
        let path = root.join("models").join(format!("{module}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let model = shapes::Model::parse(&text).with_context(|| path.display().to_string())?;
        for (name, text) in render::files(module, &model) {
            put(&folder.join(name), &formatted(&text)?, mode)?;
        }
    }
    Ok(())
}

fn put(path: &Path, text: &str, mode: Mode) -> Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    if before == text {
        return Ok(());
    }
    if mode == Mode::Check {
        bail!(
            "{} is not what the models say: run `cargo xtask codegen`",
            path.display()
        );
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

fn formatted(text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args([
            "--edition",
            "2024",
            "--config",
            "max_width=110,use_field_init_shorthand=true",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt is missing")?;
    let mut input = rustfmt.stdin.take().context("rustfmt takes no input")?;
    let source = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(source.as_bytes()));
    let output = rustfmt.wait_with_output()?;
    writer
        .join()
        .map_err(|_| anyhow::anyhow!("writing to rustfmt failed"))??;
    if !output.status.success() {
        bail!("rustfmt refuses the generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
