//! A Docker Swarm of one machine, in a network namespace of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use test_support::docker::Engine;
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use super::super::launch;
use super::{DEADLINE, SERVICE};

/// A Swarm with the service. Its engine ends with it.
pub struct Swarm {
    engine: Engine,
    tasks: usize,
}

impl Swarm {
    /// Starts an engine, makes it a Swarm and the service, and waits until all its tasks run.
    ///
    /// # Errors
    /// Docker is not installed, or what it says.
    pub fn start(tasks: u16) -> Result<Self> {
        let engine = Engine::start_apart()?;
        engine.load_sample()?;
        // Nobody but this machine reaches it, and it none: the namespace has loopback alone.
        engine.run(&[
            "swarm",
            "init",
            "--advertise-addr",
            "127.0.0.1",
            "--listen-addr",
            "127.0.0.1:2377",
        ])?;
        let replicas = tasks.to_string();
        let swarm = Self {
            engine,
            tasks: tasks.into(),
        };
        swarm.engine.run(&[
            "service",
            "create",
            "--detach",
            "--name",
            SERVICE,
            "--replicas",
            &replicas,
            "--network",
            "host",
            "--limit-memory",
            "16m",
            "--stop-grace-period",
            "2s",
            "--no-resolve-image",
            "--update-order",
            "start-first",
            "--update-delay",
            "0s",
            "--update-monitor",
            "0s",
            SAMPLE_IMAGE,
            "sh",
            "-c",
            launch::SCRIPT,
        ])?;
        wait::until("the tasks of Swarm run", DEADLINE, || {
            Ok((swarm.running()?.len() == swarm.tasks).then_some(()))
        })?;
        Ok(swarm)
    }

    /// From the call until the update is complete and the last old container has stopped.
    pub fn update(&self, parallelism: &str) -> Result<Duration> {
        let old = self.running()?;
        let begin = Instant::now();
        self.engine.run(&[
            "service",
            "update",
            "--detach",
            "--force",
            "--update-parallelism",
            parallelism,
            SERVICE,
        ])?;
        wait::until("Swarm's update", DEADLINE, || {
            let format = "{{.UpdateStatus.State}}";
            let state = self
                .engine
                .run(&["service", "inspect", "--format", format, SERVICE])?;
            if state.trim() != "completed" {
                return Ok(None);
            }
            let running = self.running()?;
            Ok((running.len() == self.tasks && running.is_disjoint(&old)).then_some(()))
        })?;
        Ok(begin.elapsed())
    }

    fn running(&self) -> Result<BTreeSet<String>> {
        let listed = self.engine.run(&["ps", "--quiet", "--no-trunc"])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Ends the tasks, so that the engine leaves nothing behind.
    pub fn stop(self) -> Result<()> {
        self.engine.run(&["service", "rm", SERVICE])?;
        wait::until("the tasks of Swarm end", DEADLINE, || {
            Ok(self.running()?.is_empty().then_some(()))
        })?;
        self.engine.run(&["swarm", "leave", "--force"]).map(drop)
    }
}
