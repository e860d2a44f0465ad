//! A Docker Engine for comparison: the one that runs here, or one of the measurement's own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use test_support::sample_image;
use test_support::wait;

use super::processes;

/// How long the engine may take to start.
const DEADLINE: Duration = Duration::from_secs(60);
/// Programs that make up the engine. The client is none of them.
const PROGRAMS: [&str; 3] = ["dockerd", "containerd", "containerd-shim"];

/// An engine that runs and has the sample image.
pub struct Engine {
    /// Of an engine of one's own.
    own: Option<(Child, TempDir)>,
    socket: Option<PathBuf>,
}

impl Engine {
    /// Finds or starts one; `None`, and a line that says so, if Docker is not installed.
    pub fn start() -> Result<Option<Self>> {
        let found = Self {
            own: None,
            socket: None,
        };
        let engine = if found.run(&["info"]).is_ok() {
            found
        } else {
            match Self::start_own() {
                Ok(engine) => engine,
                Err(error) => {
                    println!("no Docker Engine to compare with: {error:#}");
                    return Ok(None);
                }
            }
        };
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("sample.tar");
        sample_image::write(&image)?;
        engine.run(&["load", "--input", &image.display().to_string()])?;
        println!(
            "beside Docker Engine {}",
            engine
                .run(&["version", "--format", "{{.Server.Version}}"])?
                .trim()
        );
        Ok(Some(engine))
    }

    /// Without networks, which need kernel modules: containers run in the host's.
    fn start_own() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("docker.sock");
        let log = std::fs::File::create(folder.path().join("dockerd.log"))?;
        let mut command = Command::new("dockerd");
        command.args(["--bridge", "none", "--iptables=false", "--ip6tables=false"]);
        for (option, name) in [
            ("--data-root", "data"),
            ("--exec-root", "run"),
            ("--pidfile", "docker.pid"),
        ] {
            command.arg(option).arg(folder.path().join(name));
        }
        command.arg("--host").arg(format!("unix://{}", socket.display()));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("dockerd is not installed")?;
        let mut engine = Self {
            own: Some((child, folder)),
            socket: Some(socket),
        };
        wait::until("dockerd serves", DEADLINE, || {
            if let Some((child, folder)) = &mut engine.own
                && let Some(status) = child.try_wait()?
            {
                let said = std::fs::read_to_string(folder.path().join("dockerd.log")).unwrap_or_default();
                let last = said.lines().last().unwrap_or_default();
                anyhow::bail!("dockerd ended with {status}: {last}");
            }
            Ok(engine.run(&["info"]).is_ok().then_some(()))
        })?;
        Ok(engine)
    }

    /// The client.
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        if let Some(socket) = &self.socket {
            command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
            // Credentials of nobody else.
            command.env("DOCKER_CONFIG", socket.with_extension("config"));
        }
        command
    }

    /// Runs the client, which must succeed; gives what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command().args(arguments).stdin(Stdio::null()).output();
        let output = output.context("docker is not installed")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "docker {arguments:?}: {}", errors.trim());
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Seconds of processor time that the engine has used.
    pub fn cpu_seconds(&self) -> f64 {
        let engine = processes::all().into_iter();
        engine
            .filter(|it| PROGRAMS.iter().any(|name| it.name.starts_with(name)))
            .map(|it| it.cpu_seconds)
            .sum()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.own {
            // It ends its containerd, too, when it is asked to.
            drop(Command::new("kill").arg(child.id().to_string()).status());
            drop(child.wait());
        }
    }
}
