//! A Docker Engine for comparison: the one that runs here, or one of one's own, which ends when it is dropped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{sample_image, wait};

/// How long the engine may take to start.
const DEADLINE: Duration = Duration::from_secs(60);

/// Without networks, which need kernel modules: containers run in the host's.
const NO_NETWORKS: [&str; 4] = ["--bridge", "none", "--iptables=false", "--ip6tables=false"];

/// An engine that runs.
pub struct Engine {
    /// Of an engine of one's own.
    own: Option<(Child, TempDir)>,
    socket: Option<PathBuf>,
}

impl Engine {
    /// Finds or starts one, with the sample image; `None`, and a line that says so, if Docker is not installed.
    ///
    /// # Errors
    /// The image cannot be loaded.
    pub fn start() -> Result<Option<Self>> {
        let found = Self {
            own: None,
            socket: None,
        };
        let engine = if found.run(&["info"]).is_ok() {
            found
        } else {
            match Self::start_own(Command::new("dockerd"), &NO_NETWORKS) {
                Ok(engine) => engine,
                Err(error) => {
                    println!("no Docker Engine to compare with: {error:#}");
                    return Ok(None);
                }
            }
        };
        engine.load_sample()?;
        Ok(Some(engine))
    }

    /// Starts one of one's own whatever else runs, in namespaces of its own: nothing that it makes of links and mounts
    /// outlives it, and nothing but loopback is in its network. It has no image.
    ///
    /// # Errors
    /// Docker is not installed, or does not start.
    pub fn start_apart() -> Result<Self> {
        Self::start_own(Self::apart(), &NO_NETWORKS)
    }

    /// The same with Docker's usual bridge, in a network that leads nowhere.
    ///
    /// # Errors
    /// Docker is not installed, or does not start.
    pub fn start_apart_with_bridge() -> Result<Self> {
        Self::start_own(Self::apart(), &["--ip6tables=false"])
    }

    fn apart() -> Command {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c"]);
        command.args(["ip link set lo up && exec dockerd \"$@\"", "dockerd"]);
        command
    }

    /// Gives it the sample image, and says which engine it is.
    ///
    /// # Errors
    /// The image cannot be made or loaded.
    pub fn load_sample(&self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("sample.tar");
        sample_image::write(&image)?;
        self.run(&["load", "--input", &image.display().to_string()])?;
        let version = self.run(&["version", "--format", "{{.Server.Version}}"])?;
        println!("beside Docker Engine {}", version.trim());
        Ok(())
    }

    fn start_own(mut command: Command, options: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("docker.sock");
        let log = std::fs::File::create(folder.path().join("dockerd.log"))?;
        command.args(options);
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

    /// The client, as a command to add to.
    #[must_use]
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
    ///
    /// # Errors
    /// It fails; what it said is part of the error.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command().args(arguments).stdin(Stdio::null()).output();
        let output = output.context("docker is not installed")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "docker {arguments:?}: {}", errors.trim());
        Ok(String::from_utf8(output.stdout)?)
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
