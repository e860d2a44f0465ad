//! Network namespaces of others: threads of the measurement work in there, so that all networks carry the same traffic.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace.
#[derive(Clone)]
pub struct Place(Arc<File>);

impl Place {
    /// That of a process.
    pub fn of_process(id: u32) -> Result<Self> {
        Self::bound_to(&PathBuf::from(format!("/proc/{id}/ns/net")))
    }

    /// One that is bound to a path.
    pub fn bound_to(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        Ok(Self(Arc::new(file)))
    }

    /// Begins work on a thread in the namespace.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> JoinHandle<Result<T>> {
        let place = Arc::clone(&self.0);
        std::thread::spawn(move || {
            move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))
                .context("the namespace cannot be entered: this must run as root")?;
            work()
        })
    }

    /// Does it to its end.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        joined(self.begin(work))
    }
}

/// Waits for a thread.
pub fn joined<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}
