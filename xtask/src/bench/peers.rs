//! What others need to start a container of the same image: measured if it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use test_support::sample_image::SAMPLE_IMAGE;

use super::launch::SCRIPT;

/// Something that starts containers.
pub trait Peer: Sync {
    /// What the line of the report says.
    fn name(&self) -> &str;
    /// Starts a container; back when it runs.
    fn start(&self, number: usize) -> Result<()>;
    /// Removes it.
    fn remove(&self, number: usize) -> Result<()>;
}

/// The peers of this machine.
pub fn installed(image: &Path, scratch: &Path) -> Result<Vec<Box<dyn Peer>>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    if quiet(Command::new("docker").arg("info")).is_ok() {
        quiet(Command::new("docker").args(["load", "--input"]).arg(image))?;
        peers.push(Box::new(Docker("bridge")));
        peers.push(Box::new(Docker("host")));
    } else {
        println!("docker run: no Docker Engine runs here");
    }
    if quiet(Command::new("runc").arg("--version")).is_ok() {
        peers.push(Box::new(Runc::new(image, scratch)?));
    } else {
        println!("runc run: not installed");
    }
    Ok(peers)
}

struct Docker(&'static str);

impl Peer for Docker {
    fn name(&self) -> &str {
        match self.0 {
            "host" => "docker run -d --network host",
            _ => "docker run -d",
        }
    }

    fn start(&self, number: usize) -> Result<()> {
        let mut command = Command::new("docker");
        command.args(["run", "-d", "--network", self.0, "--memory", "16m", "--name"]);
        command.arg(format!("bench-{number}"));
        quiet(command.args([SAMPLE_IMAGE, "sh", "-c", SCRIPT]))
    }

    fn remove(&self, number: usize) -> Result<()> {
        quiet(
            Command::new("docker")
                .args(["rm", "-f"])
                .arg(format!("bench-{number}")),
        )
    }
}

/// `runc` on an unpacked root: no image, no network, no log, nothing that watches it.
struct Runc {
    bundle: PathBuf,
}

impl Runc {
    fn new(image: &Path, scratch: &Path) -> Result<Self> {
        let bundle = scratch.join("bundle");
        let root = bundle.join("rootfs");
        std::fs::create_dir_all(&root)?;
        quiet(Command::new("tar").arg("xf").arg(image).arg("-C").arg(&bundle))?;
        quiet(
            Command::new("tar")
                .arg("xf")
                .arg(bundle.join("layer.tar"))
                .arg("-C")
                .arg(&root),
        )?;
        quiet(Command::new("runc").arg("spec").current_dir(&bundle))?;
        let file = bundle.join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = serde_json::json!(["/bin/sh", "-c", SCRIPT]);
        std::fs::write(&file, config.to_string())?;
        Ok(Self { bundle })
    }
}

impl Peer for Runc {
    fn name(&self) -> &str {
        "runc run --detach (bare, no network)"
    }

    fn start(&self, number: usize) -> Result<()> {
        let mut command = Command::new("runc");
        command.args(["run", "--detach", "--bundle"]).arg(&self.bundle);
        quiet(command.arg(format!("bench-{number}")))
    }

    fn remove(&self, number: usize) -> Result<()> {
        quiet(
            Command::new("runc")
                .args(["delete", "--force"])
                .arg(format!("bench-{number}")),
        )
    }
}

/// Runs a command, which must succeed. A detached container keeps what it was given: nothing.
fn quiet(command: &mut Command) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
