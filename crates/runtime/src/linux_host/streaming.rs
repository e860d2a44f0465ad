//! Streams into containers that run: to a port in their network, and of their files.
//!
//! Both reach the container through the first process's entries in /proc, which lead into its namespaces; nothing runs
//! in the container, and nothing has to be in its image.

mod files;
mod ports;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use agent::host::{StreamError, StreamSpec, StreamTarget, TaskStream};
use rustix::fs::{CWD, Mode, OFlags};

use super::Inner;
use super::executing::running;

impl Inner {
    /// Opens a stream; see [`agent::host::Host::open_stream`].
    pub async fn open_stream(&self, stream: &StreamSpec) -> Result<TaskStream, StreamError> {
        let container = self.reach(&stream.task_id, &stream.container)?;
        match &stream.target {
            StreamTarget::Port(port) => ports::connect(container, *port).await,
            StreamTarget::ReadFiles { path, follow_link } => {
                let places = self.copies.clone();
                files::read(places, &container, path.clone(), *follow_link)
            }
            StreamTarget::WriteFiles { .. } => files::write(self.copies.clone(), &container, &stream.target),
        }
    }

    /// Finds the first process of a container that runs.
    fn reach(&self, task_id: &str, name: &str) -> Result<Reached, StreamError> {
        let gone = || StreamError(format!("container {name} is not running (any more)"));
        let sandbox = self.sandbox(task_id).ok_or_else(gone)?;
        let runtime_id = running(&sandbox, name).map_err(|_| gone())?;
        let started = sandbox.directory.read_started(name).ok_or_else(gone)?;
        let path = Path::new("/proc").join(started.pid.to_string());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let process = rustix::fs::openat(CWD, &path, flags, Mode::empty()).map_err(|_| gone())?;
        let reached = Reached {
            container: name.to_owned(),
            process,
        };
        // The number may be another process's by now; what was opened stays the same one.
        match reached.read("cgroup").is_some_and(|it| it.contains(&runtime_id)) {
            true => Ok(reached),
            false => Err(gone()),
        }
    }
}

/// The first process of a container.
struct Reached {
    container: String,
    /// Its directory in /proc.
    process: OwnedFd,
}

impl Reached {
    /// A text that the kernel tells of it; `None` if it has ended.
    fn read(&self, name: &str) -> Option<String> {
        let mut text = String::new();
        let mut file = File::from(self.open(name, OFlags::RDONLY).ok()?);
        file.read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn open(&self, name: &str, flags: OFlags) -> Result<OwnedFd, StreamError> {
        let opened = rustix::fs::openat(&self.process, name, flags | OFlags::CLOEXEC, Mode::empty());
        opened
            .map_err(|error| StreamError(format!("container {} cannot be reached: {error}", self.container)))
    }
}
